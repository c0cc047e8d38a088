"""`classifier-operator predict`: classify image files through a ClassifierEndpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from classifier_operator.api.kinds import Kind
from classifier_operator.cli import clients
from classifier_operator.cli.objects import Objects, cluster_options, connect, headline, is_ready

# The algorithm's own name for an image in any format that it can read.
_ANY_IMAGE = "application/x-image"
_SIGNATURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


@dataclass(frozen=True)
class Ranked:
    """One class of an answer."""

    index: int
    label: str
    probability: float


@click.command(name="predict")
@click.argument("endpoint")
@click.argument(
    "images", nargs=-1, required=True, metavar="IMAGE...", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@cluster_options
@clients.role_option
@click.option("--top", default=3, show_default=True, type=click.IntRange(1), help="Most probable classes to show.")
@click.option("--output", "-o", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(
    *,
    endpoint: str,
    images: tuple[Path, ...],
    namespace: str,
    kubeconfig: Path | None,
    assume_role_arn: str | None,
    top: int,
    output: str,
) -> None:
    """Classify each IMAGE through the ClassifierEndpoint named ENDPOINT.

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
    answers = {path: _invoke(runtime, name, path) for path in images}
    ranked = {path: _ranked(answer, path, labels)[:top] for path, answer in answers.items()}
    click.echo(_as_json(ranked) if output == "json" else _as_table(ranked))


def content_type(image: bytes) -> str:
    """What an image is, by how its bytes begin; names are often wrong."""
    return next((kind for start, kind in _SIGNATURES.items() if image.startswith(start)), _ANY_IMAGE)


def class_labels(objects: Objects, given: Mapping[str, Any]) -> Sequence[str]:
    """The classes' names as `spec.classLabels` gives them; none where it does not."""
    if reference := given.get("configMapKeyRef"):
        text = objects.read_key(reference["name"], reference["key"])
        return [line.strip() for line in text.splitlines() if line.strip()]
    return list(given.get("values", ()))


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


def _invoke(runtime: Any, endpoint_name: str, path: Path) -> bytes:
    from classifier_operator.endpoint.answer import ANSWER_LIMIT

    image = path.read_bytes()
    with clients.explained():
        answer = runtime.invoke_endpoint(EndpointName=endpoint_name, ContentType=content_type(image), Body=image)
        body: bytes = answer["Body"].read(ANSWER_LIMIT + 1)
    return body


def _ranked(body: bytes, path: Path, labels: Sequence[str]) -> list[Ranked]:
    from classifier_operator.endpoint.answer import AnswerError

    try:
        return rank(body, labels)
    except AnswerError as error:
        raise click.ClickException(f"{path}: {error}") from error


def _as_json(ranked: Mapping[Path, Sequence[Ranked]]) -> str:
    answers = [{"image": str(path), "predictions": list(map(asdict, classes))} for path, classes in ranked.items()]
    return json.dumps(answers, indent=2)


def _as_table(ranked: Mapping[Path, Sequence[Ranked]]) -> str:
    rows = [("IMAGE", "LABEL", "PROBABILITY")]
    for path, classes in ranked.items():
        rows += [(str(path) if not n else "", one.label, f"{one.probability:.4f}") for n, one in enumerate(classes)]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return "\n".join(f"{image:<{widths[0]}}  {label:<{widths[1]}}  {value}" for image, label, value in rows)
