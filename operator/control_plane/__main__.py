"""Owns the command line: `python -m control_plane up|down|status|tools`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from control_plane import background
from control_plane.binaries import find_tools
from control_plane.catalog import TOOLS
from control_plane.errors import ControlPlaneError

_STATE = click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".local"),
    show_default=True,
    help="Folder for the kubeconfig, the logs and the data.",
)
_CONTROLLERS_HELP = "Also run the garbage collector, namespace and service-account controllers."
_WITHOUT_CONTROLLERS = (
    "It runs without kube-controller-manager: a deleted namespace stays Terminating, and nothing makes pods. To have "
    "it, stop this one and start again with --controllers (make cluster-down; make cluster CONTROLLERS=1), which "
    "builds it once, about a minute."
)


@click.group(help="Run a real Kubernetes API server on this machine, on loopback.")
def cli() -> None:
    """Group the commands."""


@cli.command(help="Start it in the background, or do nothing if it runs.")
@_STATE
@click.option(
    "--controllers/--no-controllers",
    default=None,
    help=f"{_CONTROLLERS_HELP}  [default: where kube-controller-manager is built already]",
)
def up(state: Path, controllers: bool | None) -> None:
    """Start in the background."""
    running = background.up(state, controllers=controllers)
    click.echo(f"Kubernetes API server at {running.url}")
    click.echo(f"export KUBECONFIG={running.kubeconfig}")
    if not running.controllers:
        click.echo(_WITHOUT_CONTROLLERS)


@cli.command(help="Stop the one in the background and remove its data.")
@_STATE
def down(state: Path) -> None:
    """Stop the one in the background."""
    click.echo("stopped" if background.down(state) else f"nothing runs in {state}")


@cli.command(help="Say whether one runs; the exit code is 3 if not.")
@_STATE
def status(state: Path) -> None:
    """Say what runs."""
    running = background.status(state.absolute())
    if running is None:
        click.echo(f"nothing runs in {state}")
        sys.exit(3)
    click.echo(f"running at {running.url}, process {running.pid}, kubeconfig {running.kubeconfig}")


@cli.command(help="Run it in the foreground, as `up` does in the background.")
@_STATE
@click.option("--controllers", is_flag=True, help=_CONTROLLERS_HELP)
def serve(state: Path, controllers: bool) -> None:
    """Run until told to end."""
    sys.exit(background.serve(state.absolute(), controllers=controllers))


@cli.command(help=f"Find or build tools and print their paths: {', '.join(TOOLS)}.")
@click.argument("names", nargs=-1, required=True)
def tools(names: tuple[str, ...]) -> None:
    """Print the paths of tools."""
    for path in find_tools(*names).values():
        click.echo(path)


def main() -> None:
    """Run the command line; an expected error is one message and exit code 1."""
    try:
        cli()
    except ControlPlaneError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
