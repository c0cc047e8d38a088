"""What an object says of an unexpected error of the operator: that there was one, of which type, and where.

Never the error's own text: it may repeat anything that the operator has read. The log has it, without secrets.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from classifier_operator.api.conditions import ConditionType, Reason, rfc3339
from classifier_operator.api.cut import cut
from classifier_operator.runtime.bodies import mappings, word

# Seconds before the first further try, and the most that they grow to.
PAUSE_SECONDS = (30.0, 600.0)
_PACKAGE = "classifier_operator."
# The steps of a pass, by the module and the function that take them.
STEPS = {
    ("runtime.evaluate", "decide"): "deciding what to do",
    ("runtime.controller", "_announce"): "writing down what is about to be done",
    ("runtime.controller", "_act"): "acting",
    ("runtime.controller", "_conclude"): "writing the status",
}


def pause_after(failures: int) -> float:
    """Seconds until the next try, without jitter, after so many in a row."""
    first, most = PAUSE_SECONDS
    return min(most, first * 2.0 ** min(failures - 1, 16))


def failed(status: Mapping[str, Any], message: str, *, generation: int, now: datetime) -> dict[str, Any]:
    """The status of an object of which the operator cannot do its part: all of it as before, but for one condition.

    Ready stays as it was: what serves goes on serving.
    """
    before = mappings(status.get("conditions"))
    ready = [one for one in before if one.get("type") == ConditionType.READY]
    since = [word(one.get("lastTransitionTime")) for one in before if one.get("type") == ConditionType.RECONCILING]
    condition = {
        "type": ConditionType.RECONCILING.value,
        "status": "True",
        "reason": Reason.INTERNAL_ERROR.value,
        "message": cut(message),
        "observedGeneration": generation,
        "lastTransitionTime": since[0] if since and since[0] else rfc3339(now),
    }
    return {**status, "conditions": [*ready, condition]}


def message_of(error: BaseException) -> str:
    """The type of the error, in which step and on which line, and where to read more."""
    step, line = _where(error)
    return (
        f"an unexpected {type(error).__name__} of the operator while {step} ({line}): it is tried again with growing "
        f"pauses; the operator's log has the traceback under this object's name"
    )


def _where(error: BaseException) -> tuple[str, str]:
    """The step of the pass, and the innermost line of the operator's own."""
    step, line = "looking at the object", "unknown"
    for frame, number in traceback.walk_tb(error.__traceback__):
        name = frame.f_globals.get("__name__", "")
        if name.startswith(_PACKAGE):
            module = name.removeprefix(_PACKAGE)
            step = STEPS.get((module, frame.f_code.co_name), step)
            line = f"{module}:{number}"
    return step, line
