"""Rules for what AWS has refused: names, accelerators, calls, and configurations that are not tried again."""

from __future__ import annotations

from msgspec import structs

from classifier_operator.api.conditions import ConditionType, Reason, find, rfc3339, stalled
from classifier_operator.api.ledger import resources_in, without
from classifier_operator.endpoint import status as report
from classifier_operator.endpoint.capacities import brought_to_spec, update_after_going_back
from classifier_operator.endpoint.presence import MOVING
from classifier_operator.endpoint.previous import previous_is_good, still_unproven
from classifier_operator.endpoint.record import RefusedAccelerator, RolledBack
from classifier_operator.endpoint.situation import EndpointDecision, Situation, is_outcome_of
from classifier_operator.reconcile.calls import CAPACITIES, identify
from classifier_operator.reconcile.decision import Decision
from classifier_operator.reconcile.trouble import Trouble, delay_of, note_of, verdict_of
from classifier_operator.sagemaker.failures import Fault, fault_of
from classifier_operator.sagemaker.refusals import RefusalKind
from classifier_operator.sagemaker.views import EndpointView, Stranger, Unseen


def name_was_taken(at: Situation) -> EndpointDecision | None:
    """Said before, and the operator has been restarted since: look whether the stranger is still there, quietly."""
    held = find(at.status.conditions, ConditionType.STALLED)
    if held is None or held.reason != Reason.NAME_TAKEN or held.observed_generation != at.meta.generation:
        return None
    ledger = set(resources_in(at.status.resources))
    unknown = [one for one in at.wanted.served if one not in ledger and at.seen.of(one) is Unseen.UNKNOWN]
    if not unknown:
        return None
    return Decision(status=at.status, calls=tuple(map(identify, unknown)))


def name_is_taken(at: Situation) -> EndpointDecision | None:
    """A stranger's resource is never touched, nor is what depends on it."""
    for resource in at.wanted.served:
        stranger = at.seen.of(resource)
        if isinstance(stranger, Stranger):
            whose = stranger.owner or "nobody this operator knows"
            message = f"{resource.type} {resource.name} exists and belongs to {whose}: {stranger.arn}"
            not_ours = [resource, *(at.wanted.targets if resource == at.wanted.endpoint else ())]
            status = structs.replace(at.status, resources=without(at.status.resources, not_ours))
            verdict = stalled(Reason.NAME_TAKEN, message, serving=at.serves)
            return Decision(status=at.says(verdict, status), guard=at.own)
    return None


def accelerator_was_refused(at: Situation) -> EndpointDecision | None:
    """AWS refuses an accelerator, at once or by a failed endpoint: recorded, so that it is asked only once."""
    words = _accelerator_refusal(at)
    if words is None:
        return None
    asked = {plan.hardware.accelerator_type for plan in at.wanted.variants} - {""}
    # Words that name none of them are about all of them: Elastic Inference is gone as a whole.
    refused = {one for one in asked if one in words} or asked
    region, time = at.wanted.place.region, rfc3339(at.now)
    known = [
        one for one in at.status.refused_accelerators if one.region != region or one.accelerator_type not in refused
    ]
    news = [RefusedAccelerator(accelerator_type=one, region=region, reason=words, time=time) for one in sorted(refused)]
    return Decision(status=structs.replace(at.status, refused_accelerators=(*known, *news)), again_after=0.0)


def _accelerator_refusal(at: Situation) -> str | None:
    if not any(plan.hardware.accelerator_type for plan in at.wanted.variants):
        return None
    trouble = at.seen.trouble_with(*at.wanted.served)
    if trouble is not None and trouble.kind is RefusalKind.ACCELERATOR:
        return trouble.words
    view = at.view
    if view is None:
        return None
    has_failed = view.status == "Failed" and view.config_name == at.wanted.config.name
    # The reason is read last: it takes the names of all requests, and most passes are about what serves.
    if not (has_failed or was_taken_back(at, view)):
        return None
    return view.failure_reason if fault_of(view.failure_reason, at.wanted.names) is Fault.ACCELERATOR else None


def was_taken_back(at: Situation, view: EndpointView) -> bool:
    """Whether AWS has taken back the update to what is wanted: it serves something else, and was touched since."""
    update = at.update
    if update is None or not (update.has_begun and view.is_detailed):
        return False
    is_back = view.status == "InService" and view.config_name != at.wanted.config.name
    return is_back and update.started_from != view.modified_at


def call_was_refused(at: Situation) -> EndpointDecision | None:
    beside = at.follow if at.refusal_in_place is not None else frozenset()
    trouble = at.seen.trouble_with(*(one for one in at.wanted.served if one not in beside))
    if trouble is None or not trouble.is_pausing(at.now):
        return None
    follow = at.follow if at.view is not None and at.view.is_moving else frozenset()
    # What is to be taken over is looked at while it waits, too: somebody may scale it.
    guard = at.own if at.view is None else at.own | at.follow
    if trouble.is_only_a_look:
        return Decision(status=at.status, follow=follow, guard=guard)
    if _is_refused(at) and (trouble.is_final or _is_beside(at, trouble)):
        # Said and recorded; what the endpoint does meanwhile is seen by the other rules.
        return None
    underway = _underway(at, trouble)
    if trouble.is_brief(at.now):
        verdict = at.busy(underway, delay_of(trouble, underway).message)
        return Decision(status=at.says(verdict), follow=follow, guard=guard)
    serving = at.serves and not (trouble.is_final and still_unproven(at, at.view))
    verdict = verdict_of(trouble, at.now, underway=underway, serving=serving)
    status = at.status
    if trouble.is_final and trouble.operation != "AddTags":
        # On record only if it is not to be tried again: a restart must not forget that, and must try all else.
        never = trouble.is_never_tried_again
        refused = at.refuses(verdict.headline[0], trouble.words) if never else status.rolled_back
        status = structs.replace(status, rolled_back=refused, update=still_unproven(at, at.view))
    return Decision(status=at.says(verdict, status), follow=follow, guard=guard)


def was_refused_for_good(at: Situation) -> EndpointDecision | None:
    """AWS or the smoke test refused this very configuration: it is not tried again until the spec changes."""
    refused, view = at.status.rolled_back, at.view
    if refused is None or not _is_refused(at):
        return None
    reason = Reason(refused.kind or Reason.ROLLED_BACK)
    message = f"configuration {refused.endpoint_config_name} was refused: {refused.reason}"
    if view is None:
        status = at.status
        if at.is_made and at.sighting is Unseen.ABSENT:
            # Which test has refused it stays known: another one gives it another chance.
            status = structs.replace(report.without_endpoint(status), smoke_test=status.smoke_test)
        return Decision(status=at.says(stalled(reason, message), status))
    served = view.config_name or at.status.endpoint_config_name
    if reason is Reason.ROLLED_BACK and served != at.wanted.config.name:
        message = rolled_back_message(refused, served)
    if view.status == "InService" and view.is_detailed and served != at.wanted.config.name:
        status = report.with_live_sizes(report.with_endpoint(at.status, view), view)
        status = structs.replace(status, update=update_after_going_back(at, view))
        trouble = at.seen.trouble_with(at.wanted.endpoint)
        if trouble is not None and _is_beside(at, trouble) and not trouble.is_brief(at.now):
            message = f"{message}; {note_of(trouble)}"
        verdict = stalled(reason, message, serving=previous_is_good(at, view))
        return Decision(status=at.says(verdict, status), calls=brought_to_spec(at, view), guard=at.follow)
    if view.status == "SystemUpdating" or _is_resized(at, view):
        verdict = stalled(reason, message, serving=at.serves)
        return Decision(status=at.says(verdict, report.with_endpoint(at.status, view)), follow=at.follow)
    return None


def _is_beside(at: Situation, trouble: Trouble) -> bool:
    """Whether only counts or weights of what serves instead of the wanted configuration could not be changed."""
    return trouble.operation == CAPACITIES and at.status.endpoint_config_name != at.wanted.config.name


def _is_resized(at: Situation, view: EndpointView) -> bool:
    """Whether only counts or weights change: the update is over, and no other is under way."""
    return view.status == "Updating" and at.update is None and not view.pending_config


def rolled_back_message(refused: RolledBack, served: str) -> str:
    """What is said of an update that AWS has taken back, and of the configuration that serves."""
    return f"the update to {refused.endpoint_config_name} was rolled back; {served} serves: {refused.reason}"


def _is_refused(at: Situation) -> bool:
    refused = at.status.rolled_back
    is_named = refused is not None and refused.endpoint_config_name == at.wanted.config.name
    return is_named and not _failed_another_test(at)


def _failed_another_test(at: Situation) -> bool:
    """A smoke test refused it that is not asked for any more: what the spec asks for now has not been tried."""
    test = at.status.smoke_test
    has_failed = test is not None and not test.has_passed and test.endpoint_config_name == at.wanted.config.name
    return has_failed and not is_outcome_of(test, at.spec, at.wanted)


def _underway(at: Situation, trouble: Trouble) -> Reason:
    if trouble.operation in ("InvokeEndpoint", "GetObject"):
        return Reason.SMOKE_TESTING
    if at.view is None:
        # A refusal may have raised doubt about how it is, not about whether there is one.
        return Reason.UPDATING if at.is_made and at.sighting is Unseen.UNKNOWN else Reason.CREATING
    return Reason.UPDATING if at.view.status == "InService" else MOVING.get(at.view.status, Reason.CREATING)
