"""What the operator says of itself at /metrics, and that it says anything at all."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

PREFIX = "classifier_operator_"
# An operator that is busy may be late once; one that hangs is not flat.
PATIENCE_SECONDS = 15.0
_PAUSE_SECONDS = 1.0
_ERRORS = re.compile(rf'^{PREFIX}passes_total\{{.*result="error".*\}} (\S+)$', re.MULTILINE)


class UnansweredError(Exception):
    """The operator does not say how it is."""


def scraped(
    ask: Callable[[], str], *, now: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
) -> str:
    """What it answers, once that tells its tasks.

    Raises:
        UnansweredError: it did not, although it was asked again for some time.

    """
    end = now() + PATIENCE_SECONDS
    while value_of(text := ask(), "tasks") is None:
        if now() >= end:
            said = f"{len(text)} characters without {PREFIX}tasks" if text else "nothing"
            raise UnansweredError(f"/metrics answered {said} for {PATIENCE_SECONDS:.0f} s")
        sleep(_PAUSE_SECONDS)
    return text


def value_of(text: str, name: str) -> float | None:
    """The value of a metric without labels; None if it is not there."""
    found = re.search(rf"^{PREFIX}{name} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else None


def unforeseen_errors(text: str) -> float:
    """How many passes ended with an error that nobody has foreseen."""
    return sum(map(float, _ERRORS.findall(text)))
