"""What the operator says of itself at /metrics, and that it says anything at all."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from tests.apiserver.operator_process import PREFIX, value_of

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


def unforeseen_errors(text: str) -> float:
    """How many passes ended with an error that nobody has foreseen."""
    return sum(map(float, _ERRORS.findall(text)))
