"""Rules for what AWS has refused: names, accelerators, calls, and configurations that are not tried again."""

from __future__ import annotations

from msgspec import structs

from classifier_operator.api.conditions import (
    ConditionType,
    Reason,
    find,
    rfc3339,
    stalled,
)
from classifier_operator.api.ledger import without
from classifier_operator.endpoint import status as report
from classifier_operator.endpoint.presence import (
    MOVING,
)
from classifier_operator.endpoint.situation import (
    EndpointDecision,
    Situation,
)
from classifier_operator.endpoint.spec import (
    AcceleratorRefused,
    RolledBack,
)
from classifier_operator.reconcile.decision import (
    Decision,
)
from classifier_operator.reconcile.trouble import verdict_of
from classifier_operator.sagemaker.failures import Fault, fault_of
from classifier_operator.sagemaker.refusals import RefusalKind
from classifier_operator.sagemaker.views import Stranger


def name_is_taken(at: Situation) -> EndpointDecision | None:
    for resource in at.wanted.resources:
        stranger = at.seen.of(resource)
        if isinstance(stranger, Stranger):
            whose = stranger.owner or "nobody this operator knows"
            message = f"{resource.type} {resource.name} exists and belongs to {whose}: {stranger.arn}"
            status = structs.replace(at.status, resources=without(at.status.resources, [resource]))
            return Decision(status=at.says(stalled(Reason.NAME_TAKEN, message, serving=at.serves), status))
    return None


def accelerator_was_refused(at: Situation) -> EndpointDecision | None:
    """AWS refuses the accelerator, at once or by a failed endpoint: recorded, so that it is asked only once."""
    words = _accelerator_refusal(at)
    if words is None:
        return None
    refused = AcceleratorRefused(
        accelerator_type=at.spec.accelerator_type,
        region=at.wanted.place.region,
        reason=words,
        time=rfc3339(at.now),
    )
    return Decision(status=structs.replace(at.status, accelerator_refused=refused), again_after=0.0)


def _accelerator_refusal(at: Situation) -> str | None:
    if not at.wanted.hardware.accelerator_type:
        return None
    trouble = at.seen.trouble_with(*at.wanted.resources)
    if trouble is not None and trouble.kind is RefusalKind.ACCELERATOR:
        return trouble.words
    view = at.view
    if view is None or view.config_name != at.wanted.config.name or view.status != "Failed":
        return None
    return view.failure_reason if fault_of(view.failure_reason) is Fault.ACCELERATOR else None


def call_was_refused(at: Situation) -> EndpointDecision | None:
    trouble = at.seen.trouble_with(*at.wanted.resources)
    if trouble is None or not trouble.is_pausing(at.now):
        return None
    underway = MOVING.get(at.view.status, Reason.CREATING) if at.view else Reason.CREATING
    verdict = verdict_of(trouble, at.now, underway=underway, serving=at.serves)
    status = at.status
    if trouble.is_final:
        refused = RolledBack(endpoint_config_name=at.wanted.config.name, reason=trouble.words, time=rfc3339(at.now))
        status = structs.replace(status, rolled_back=refused, update=None)
    follow = at.follow if at.view is not None and at.view.is_moving else frozenset()
    return Decision(status=at.says(verdict, status), follow=follow, again_after=trouble.seconds_left(at.now))


def was_refused_for_good(at: Situation) -> EndpointDecision | None:
    """AWS or the smoke test refused this very configuration: it is not tried again until the spec changes."""
    refused = at.status.rolled_back
    if refused is None or refused.endpoint_config_name != at.wanted.config.name:
        return None
    if at.view is not None and (at.view.is_moving or at.view.config_name == at.wanted.config.name):
        return None
    held = find(at.status.conditions, ConditionType.STALLED)
    reason = Reason(held.reason) if held is not None else Reason.ROLLED_BACK
    message = f"configuration {refused.endpoint_config_name} was refused: {refused.reason}"
    status = report.with_endpoint(at.status, at.view) if at.view is not None else at.status
    guard = at.follow if at.view is not None else frozenset()
    return Decision(status=at.says(stalled(reason, message, serving=at.serves), status), guard=guard)
