"""The log of the process: its format, its level, and how much of libraries' it has."""

from __future__ import annotations

import logging
import sys

from classifier_operator.adapters.log_lines import JsonLines, TextLines
from classifier_operator.adapters.log_output import Handler, Redacting, log_uncaught


def set_up_logging(log_format: str, level: str) -> None:
    """Send the log to standard error, as "json" or "text", from a level such as "info" on, without secrets."""
    handler = Handler(sys.stderr)
    handler.setFormatter(Redacting(JsonLines() if log_format == "json" else TextLines()))
    # Below a warning, libraries say whom they call with which credentials: nobody needs that, and nobody shall read it.
    chosen = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(level=max(logging.WARNING, chosen), handlers=[handler], force=True)
    logging.getLogger("classifier_operator").setLevel(chosen)
    log_uncaught()
    # Each refused AssumeRole with its traceback: the refusal is logged, and said by the objects, without.
    logging.getLogger("botocore.credentials").setLevel(logging.ERROR)
