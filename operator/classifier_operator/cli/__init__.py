"""The console script: parse, call, print. Each command imports what it needs when it runs, so `run` stays small."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from classifier_operator import __version__
from classifier_operator.adapters.log_output import print_uncaught
from classifier_operator.adapters.secrets import known_secrets
from classifier_operator.api.redaction import redacted

# As a shell says of what SIGINT has ended.
INTERRUPTED = 130

COMMANDS = ("run", "demo", "predict", "logs", "wait", "dataset", "check", "orphans", "emulator")


class LazyGroup(click.Group):
    """A group whose commands are loaded when they are asked for, and whose errors show no secrets."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            error.message = redacted(error.message, known_secrets())  # type: ignore[misc]  # nobody else may
            raise
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The commands' names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name, from the module of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"classifier_operator.cli.{cmd_name}").command
        return command


@click.group(cls=LazyGroup, context_settings={"auto_envvar_prefix": "CLASSIFIER_OPERATOR"})
@click.version_option(__version__, prog_name="classifier-operator")
def main() -> None:
    """SageMaker image classifiers as Kubernetes objects.

    Every option can also be set in the environment, as CLASSIFIER_OPERATOR_<COMMAND>_<OPTION>.
    """
    print_uncaught()
