"""`classifier-operator predict`: classify image files through a ClassifierEndpoint."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from classifier_operator.adapters.secrets import known_secrets
from classifier_operator.api.kinds import Kind
from classifier_operator.api.redaction import redacted
from classifier_operator.cli import clients
from classifier_operator.cli.kubectl_options import ObjectName
from classifier_operator.cli.objects import Objects, cluster_options, connect, headline, is_ready

# The algorithm's own name for an image in any format that it can read.
_ANY_IMAGE = "application/x-image"
_SIGNATURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}

STDIN = "-"
# The model's own answer, an image that is too large, and one that SageMaker does not take.
_ABOUT_THE_IMAGE = frozenset({"ModelError", "413", "RequestEntityTooLarge", "ValidationError"})


@dataclass(frozen=True)
class Ranked:
    """One class of an answer."""

    index: int
    label: str
    probability: float


@dataclass(frozen=True)
class Outcome:
    """What came of one image: its classes, the most probable first, or an error."""

    image: str
    ranked: Sequence[Ranked] = ()
    error: str = ""


class RefusedImageError(Exception):
    """AWS, or the model, has refused this image; it says nothing of others."""


@click.command(name="predict")
@click.argument("endpoint", type=ObjectName(Kind.ENDPOINT))
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@cluster_options
@clients.role_option
@click.option("--top", default=3, show_default=True, type=click.IntRange(1), help="Most probable classes to show.")
@click.option("--output", "-o", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(
    *,
    endpoint: str,
    images: tuple[str, ...],
    namespace: str,
    kubeconfig: Path | None,
    assume_role_arn: str | None,
    top: int,
    output: str,
) -> None:
    """Classify each IMAGE through the ClassifierEndpoint named ENDPOINT; - is the standard input.

    An image that cannot be classified is named, the others' answers are given, and the exit code is 1.

    The object says which endpoint that is, in which region, and what its classes are called. The call is yours: your
    AWS credentials, or the role's, need sagemaker:InvokeEndpoint.
    """
    objects = connect(kubeconfig, namespace)
    body = objects.read(Kind.ENDPOINT, endpoint)
    if not is_ready(body):
        raise click.ClickException(f"ClassifierEndpoint {objects.namespace}/{endpoint} is not ready: {headline(body)}")
    labels = class_labels(objects, body["spec"].get("classLabels", {}))
    name = body["status"]["endpointName"]
    runtime = clients.client_for("sagemaker-runtime", body, name, assume_role_arn)
    outcomes: list[Outcome] = []
    try:
        outcomes.extend(_classified(runtime, name, image, labels, top) for image in images)
    finally:
        # What was answered before a failure that ends the command is not lost.
        if outcomes:
            _show(outcomes, output)
    if any(one.error for one in outcomes):
        raise SystemExit(1)


def content_type(image: bytes) -> str:
    """What an image is, by how its bytes begin; names are often wrong."""
    return next((kind for start, kind in _SIGNATURES.items() if image.startswith(start)), _ANY_IMAGE)


def class_labels(objects: Objects, given: Mapping[str, Any]) -> Sequence[str]:
    """The classes' names as `spec.classLabels` gives them; none where it does not."""
    if reference := given.get("configMapKeyRef"):
        text = objects.read_key(reference["name"], reference["key"])
        return [line.strip() for line in text.splitlines() if line.strip()]
    return list(map(str, given.get("values", ())))


def rank(body: bytes, labels: Sequence[str]) -> list[Ranked]:
    """All classes of an answer, the most probable first.

    Raises:
        AnswerError: the answer is no array of probabilities.

    """
    from classifier_operator.endpoint.answer import probabilities_in

    probabilities = probabilities_in(body)
    # Stable, so that of equals the first comes first, as in the smoke test.
    order = sorted(range(len(probabilities)), key=lambda index: -probabilities[index])
    return [Ranked(i, labels[i] if i < len(labels) else str(i), probabilities[i]) for i in order]


def _classified(runtime: Any, endpoint_name: str, image: str, labels: Sequence[str], top: int) -> Outcome:
    """One image's most probable classes, or why it has none. Raises ClickException: no other image would have any."""
    from classifier_operator.endpoint.answer import AnswerError

    try:
        content = sys.stdin.buffer.read() if image == STDIN else Path(image).read_bytes()
        if not content:
            return Outcome(image, error="is empty")
        return Outcome(image, rank(_invoke(runtime, endpoint_name, content), labels)[:top])
    except OSError as error:
        return Outcome(image, error=error.strerror or str(error))
    except (AnswerError, RefusedImageError) as error:
        return Outcome(image, error=str(error))


def _invoke(runtime: Any, endpoint_name: str, image: bytes) -> bytes:
    from botocore.exceptions import ClientError

    from classifier_operator.endpoint.answer import ANSWER_LIMIT

    with clients.explained():
        try:
            answer = runtime.invoke_endpoint(EndpointName=endpoint_name, ContentType=content_type(image), Body=image)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _ABOUT_THE_IMAGE:
                raise RefusedImageError(f"AWS: {error}") from error
            raise
        body: bytes = answer["Body"].read(ANSWER_LIMIT + 1)
    return body


def _show(outcomes: Sequence[Outcome], output: str) -> None:
    if output == "json":
        click.echo(_as_json(outcomes))
    elif any(not one.error for one in outcomes):
        click.echo(_as_table([one for one in outcomes if not one.error]))
    for one in outcomes:
        if one.error:
            click.echo(redacted(f"Error: {one.image}: {one.error}", known_secrets()), err=True)


def _as_json(outcomes: Sequence[Outcome]) -> str:
    answers = [
        {"image": one.image, **({"error": one.error} if one.error else {"predictions": list(map(asdict, one.ranked))})}
        for one in outcomes
    ]
    return json.dumps(answers, indent=2)


def _as_table(outcomes: Sequence[Outcome]) -> str:
    rows = [("IMAGE", "LABEL", "PROBABILITY")]
    for each in outcomes:
        rows += [
            (each.image if not n else "", one.label, f"{one.probability:.4f}") for n, one in enumerate(each.ranked)
        ]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return "\n".join(f"{image:<{widths[0]}}  {label:<{widths[1]}}  {value}" for image, label, value in rows)
