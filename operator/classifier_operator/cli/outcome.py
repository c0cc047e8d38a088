"""How a long-running command ends that cannot start: one line of its log, and an exit code."""

from __future__ import annotations

import logging
from typing import Any

import click

from classifier_operator.adapters.log_setup import set_up_logging
from classifier_operator.runtime.start import StartError

logger = logging.getLogger(__name__)

# click's own codes: for what the user has to write otherwise, and for what has gone wrong.
_USAGE, _ERROR = click.UsageError.exit_code, click.ClickException.exit_code


class LoggedCommand(click.Command):
    """A command with --log-format and --log-level, whose errors are lines of the log: JSON where that is JSON."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run it; what cannot be started ends with 1, options that make no sense with 2."""
        set_up_logging(ctx.params["log_format"], ctx.params["log_level"])
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            logger.critical("%s", error.format_message())
            ctx.exit(_USAGE)
        except StartError as error:
            logger.critical("%s", error)
            ctx.exit(_ERROR)
