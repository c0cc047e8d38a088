"""`classifier-operator emulator`: the stand-in for AWS alone, for users' own pipelines."""

from __future__ import annotations

import json
from typing import Any

import click

from classifier_operator.cli.extras import emulator_extra


@click.command(name="emulator")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=4566, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes any.")
@click.option(
    "--speed",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0),
    help="Emulated seconds in a second; 0: time moves only when told to.",
)
@click.option("--account", default="123456789012", show_default=True, help="Account of unknown credentials.")
@click.option(
    "--elastic-inference/--no-elastic-inference", default=False, show_default=True, help="Whether AWS still has it."
)
@click.option(
    "--settings",
    default="{}",
    metavar="JSON",
    help='More settings, for example \'{"training": {"training_seconds": 5}}\'.',
)
def command(*, host: str, port: int, speed: float, account: str, elastic_inference: bool, settings: str) -> None:
    """Emulate SageMaker with its states, and S3, STS, IAM, CloudWatch and more (by moto), until stopped.

    Training jobs really train, and endpoints really classify. Nothing is kept: a stopped emulator has forgotten all.
    """
    with emulator_extra():
        from sagemaker_emulator.server import serve
        from sagemaker_emulator.settings import Settings, patched
    try:
        basics = {"account": account, "elastic_inference": {"available": elastic_inference}}
        chosen = patched(patched(Settings(), basics), _parsed(settings))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--settings") from error
    try:
        serve(chosen, host=host, port=port, speed=speed, announce=lambda url: click.echo(usage(url)))
    except OSError as error:
        reason = error.strerror or error
        raise click.ClickException(f"cannot listen on {host}:{port}: {reason}; try another --port") from error


def usage(url: str) -> str:
    """How to use an emulator that listens at a URL."""
    credentials = "AWS_ACCESS_KEY_ID=emulator AWS_SECRET_ACCESS_KEY=emulator AWS_REGION=us-east-1"
    return (
        f"The stand-in for AWS listens at {url}. In another terminal:\n"
        f"  export AWS_ENDPOINT_URL={url} {credentials}\n"
        "and every AWS client uses it: the AWS command line, boto3, `classifier-operator run`.\n"
        "What it was asked, what exists, and faults to order:\n"
        f"  {url}/_emulator/calls/counts, /_emulator/resources, /_emulator/faults\n"
        "Ctrl-C stops it."
    )


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"no JSON: {error}") from error
