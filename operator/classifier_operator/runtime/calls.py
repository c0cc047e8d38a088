"""What a pass has to know of the calls that it is about to send: which depend on each other, and what is on record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from classifier_operator.api.ledger import ResourceType, entry_of
from classifier_operator.endpoint.smoke_test import InputsCall, SmokeTestCall
from classifier_operator.reconcile.calls import Call
from classifier_operator.reconcile.past import SearchCall
from classifier_operator.runtime.write import as_json
from classifier_operator.training.fetches import AbortCall, ImportCall

# On record as the account of what has nothing in any. An account that is absent is not known.
NOWHERE = ""

AnyCall = Call | InputsCall | SmokeTestCall | ImportCall | AbortCall | SearchCall


def stands_alone(call: AnyCall) -> bool:
    """Jobs and objects have nothing to do with each other, nor has what is tidied up beside what serves.

    An endpoint needs its configuration, and that its models; an update may need a scaling to have ended. What is only
    looked at needs nothing.
    """
    if isinstance(call, Call) and call.checks_owner:
        return True
    return call.resource.type in _ALONE or call.operation in _BESIDES


_ALONE = (ResourceType.TRAINING_JOB, ResourceType.OBJECT)
_BESIDES = frozenset({"AddTags", "DeleteTags", "RegisterScalableTarget", "PutScalingPolicy"})


def may_leave_something(call: AnyCall) -> bool:
    """Whether something may be at AWS after the call that was not there before it."""
    return isinstance(call, ImportCall) or (isinstance(call, Call) and call.changes)


_WHAT_IT_IS_ABOUT = ("account", "jobName", "endpointArn", "update", "import", "history")


def announced(
    before: Mapping[str, Any], after: Mapping[str, Any], calls: Sequence[AnyCall], *, is_retried: bool
) -> Mapping[str, Any]:
    """Return the status that has to be on record before the calls are sent; `before` where it is already.

    That AWS has refused everything so far stays on record while it is asked again: a wait is written once.
    """
    known = (
        {**before, "account": after["account"]} if before.get("account") == NOWHERE and "account" in after else before
    )
    return before if _is_written_down(known, after, calls, is_retried=is_retried) else after


def _is_written_down(
    before: Mapping[str, Any], after: Mapping[str, Any], calls: Sequence[AnyCall], *, is_retried: bool
) -> bool:
    """Whether the status already says what a crash must not make forgotten: what is made, and what is moved whence."""
    made = [as_json(entry_of(call.resource)) for call in calls if call.creates]
    ledger = before.get("resources", ())
    if any(before.get(field) != after.get(field) for field in _WHAT_IT_IS_ABOUT):
        return False
    if any(entry not in ledger for entry in made):
        return False
    return bool(made) or is_retried
