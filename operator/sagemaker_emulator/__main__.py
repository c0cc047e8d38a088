"""`python -m sagemaker_emulator`: the stand-in for AWS as a process of its own."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading

import click

from sagemaker_emulator.server import LOOPBACK, READY, serve
from sagemaker_emulator.settings import Settings, patched


@click.command()
@click.option("--host", default=LOOPBACK, show_default=True, help="Interface to listen on.")
@click.option("--port", default=0, show_default=True, help="Port to listen on; 0 takes a free one.")
@click.option("--speed", default=1.0, show_default=True, help="Emulated seconds per second; 0: by hand.")
@click.option("--account", default="123456789012", show_default=True, help="Account of unknown credentials.")
@click.option(
    "--settings",
    "changes",
    default="{}",
    help='Further settings as JSON, for example \'{"training": {"training_seconds": 5}}\'.',
)
@click.option("--exit-with-stdin", is_flag=True, hidden=True)
def main(host: str, port: int, speed: float, account: str, changes: str, exit_with_stdin: bool) -> None:
    """Emulate SageMaker, and by moto S3, STS, IAM, CloudWatch, EventBridge and SQS, on one port."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    if exit_with_stdin:
        threading.Thread(target=_exit_with_stdin, daemon=True).start()
    try:
        settings = patched(Settings(), {"account": account, **json.loads(changes)})
        serve(settings, host=host, port=port, speed=speed, announce=_announce)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror or error}") from None


def _announce(url: str) -> None:
    click.echo(f"{READY}{url}")


def _exit_with_stdin() -> None:
    """A parent that dies, however it does, closes the pipe that is our standard input."""
    # Not sys.stdin: a thread waiting in its buffer would keep the interpreter from shutting down.
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
