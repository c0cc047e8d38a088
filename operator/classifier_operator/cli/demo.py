"""`classifier-operator demo`: train, serve, classify and delete, on a real API server and a stand-in for AWS."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from classifier_operator.cli.extras import emulator_extra, require_checkout

if TYPE_CHECKING:
    from classifier_operator.demo.story import Options
    from classifier_operator.demo.view import View

# From the source root.
_CHECKOUT = Path(__file__).resolve().parents[3]
_MANIFEST = _CHECKOUT / "manifests" / "examples" / "digits.yaml"
_CRDS = _CHECKOUT / "crds"
_FILE = click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path)
# Output that is no terminal's has no width of its own.
_WIDTH = 100


@click.command(name="demo")
@click.option(
    "--kubeconfig",
    type=_FILE,
    help="Use the cluster of this file's current context, in a fresh namespace. [a control plane of its own]",
)
@click.option(
    "--speed",
    default=20.0,
    show_default=True,
    type=click.FloatRange(1, 100),
    help="Emulated seconds of AWS in a second.",
)
@click.option("--manifest", type=_FILE, help="Apply this file instead. [manifests/examples/digits.yaml]")
@click.option("--keep", is_flag=True, help="Before deletion, keep all running until Ctrl-C, to try more by hand.")
def command(*, kubeconfig: Path | None, speed: float, manifest: Path | None, keep: bool) -> None:
    """Show the whole way on this machine, without an AWS account.

    A Kubernetes API server, a stand-in for AWS and the operator are started; scikit-learn's scanned digits are packed,
    uploaded and trained on; the model is served and classifies images that it has never seen; everything is deleted,
    and AWS is asked that nothing is left. Takes under a minute. Ends with 1, and says why, if any of it fails.

    Neither an AWS account of yours nor your current Kubernetes context is touched.
    """
    require_checkout()
    with emulator_extra("sklearn"):
        from rich.console import Console

        from classifier_operator.demo.errors import DemoError
        from classifier_operator.demo.example import read_example
        from classifier_operator.demo.story import Options
        from classifier_operator.demo.view import View
    try:
        options = Options(read_example(manifest or _MANIFEST), _CRDS, kubeconfig, speed, keep)
    except DemoError as error:
        raise click.ClickException(str(error)) from error
    _play(options, View(Console(width=None if sys.stdout.isatty() else _WIDTH)))


def _play(options: Options, view: View) -> None:
    """Play it; whatever goes wrong is said last, below the operator's last words."""
    from classifier_operator.demo.story import play

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        play(options, view, _wait)
    except KeyboardInterrupt:
        click.echo("Interrupted. Everything that was started has been stopped.", err=True)
        raise SystemExit(128 + signal.SIGINT) from None
    except _expected() as error:
        for note in getattr(error, "__notes__", ()):
            click.echo(note, err=True)
        click.echo(f"The demo failed: {error}", err=True)
        raise SystemExit(1) from error


def _expected() -> tuple[type[Exception], ...]:
    """What can go wrong outside of this program."""
    from botocore.exceptions import BotoCoreError, ClientError

    from classifier_operator.demo.errors import DemoError
    from classifier_operator.endpoint.answer import AnswerError
    from control_plane import ControlPlaneError
    from sagemaker_emulator.control import ControlError

    return (DemoError, ControlPlaneError, ControlError, AnswerError, BotoCoreError, ClientError, OSError)


def _wait() -> None:
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        click.echo()


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - signal's signature
    """A signal ends the demo as Ctrl-C does: what was started is stopped on the way out."""
    raise SystemExit(128 + number)
