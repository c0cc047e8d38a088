"""Rules for whether the endpoint is there at all: made, on the move, failed, or in a state that only AWS can end."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import structs

from classifier_operator.api.conditions import ConditionType, Reason, find, rfc3339, stalled, working
from classifier_operator.api.ledger import with_resources
from classifier_operator.endpoint import status as report
from classifier_operator.endpoint.record import Remaking, Update
from classifier_operator.endpoint.situation import EndpointDecision, Situation
from classifier_operator.endpoint.testing import test_can_be_run
from classifier_operator.reconcile.calls import Call, create, delete, describe
from classifier_operator.reconcile.decision import Decision
from classifier_operator.sagemaker.failures import Fault, fault_of
from classifier_operator.sagemaker.views import EndpointView, ModelView, PlainView, Unseen

# An endpoint that failed by AWS's own fault is made anew after this long, doubling with each failure.
REMAKE_DELAY = timedelta(minutes=1)
MOST_REMAKE_DELAY = timedelta(hours=1)
# A role that was applied a moment before takes seconds, rarely minutes, to take effect: after so many failures in a row
# it is not young but wrong.
ROLE_FAILURES = 3

_REMADE = {Fault.CAPACITY: Reason.WAITING_FOR_CAPACITY, Fault.ROLE: Reason.ACCESS_PENDING}

MOVING = {
    "Creating": Reason.CREATING,
    "Updating": Reason.UPDATING,
    "SystemUpdating": Reason.UPDATING,
    "RollingBack": Reason.ROLLING_BACK,
    "Deleting": Reason.CREATING,
}


def is_unknown(at: Situation) -> EndpointDecision | None:
    """It was made, and nobody has looked since the operator started."""
    if at.sighting is not Unseen.UNKNOWN or not at.is_made:
        return None
    return Decision(status=at.status, calls=(describe(at.wanted.endpoint),))


def is_missing(at: Situation) -> EndpointDecision | None:
    """Make what is not there: the model, the configuration, the endpoint; the ledger names them first."""
    if at.view is not None:
        return None
    status, again = at.status, ""
    is_restored = _is_restored(at)
    if not is_restored and (looks := test_can_be_run(at)) is not None:
        return looks
    reason = Reason.RESTORING if is_restored else Reason.CREATING
    if status.endpoint_arn:
        # Deleted by hand, or by the operator because it had failed; or the spec has moved to another region.
        again = "is gone at AWS and " if at.is_made else ""
        status = report.without_endpoint(status)
    status = report.with_deployment(status, at.wanted, None)
    needed = prerequisites(at)
    is_all_new = len(needed) == len(at.wanted.models) + 1
    status = structs.replace(
        status,
        endpoint_name=at.wanted.endpoint.name,
        selector=report.selector_of(at.wanted.endpoint.name),
        # What is there already has the tags of before; they are changed once it serves.
        tags=at.tags if is_all_new else status.tags,
        retry=structs.replace(status.retry, after="") if status.retry else None,
        resources=with_resources(status.resources, at.wanted.resources),
    )
    verdict = working(reason, f"endpoint {at.wanted.endpoint.name} {again}is being created")
    calls = (*needed, create(at.wanted.endpoint, at.wanted.endpoint_params))
    return Decision(status=at.says(verdict, status), calls=calls)


def _is_restored(at: Situation) -> bool:
    """Return whether it served before; once that it is put back is on record, the status has no endpoint any more."""
    said = find(at.status.conditions, ConditionType.RECONCILING)
    is_under_way = said is not None and (said.reason, said.observed_generation) == (
        Reason.RESTORING,
        at.meta.generation,
    )
    return is_under_way or (at.is_made and report.has_served(at.status, at.wanted))


def is_moving(at: Situation) -> EndpointDecision | None:
    view = at.view
    if view is None or not view.is_moving:
        return None
    reason, message = MOVING[view.status], f"endpoint {view.name} is {view.status}"
    refused = at.status.rolled_back
    if refused is not None and refused.endpoint_config_name == at.wanted.config.name and view.status == "Updating":
        reason, message = Reason.ROLLING_BACK, f"{message}: what served before is restored: {refused.reason}"
    verdict = at.busy(reason, message)
    status = report.with_endpoint(at.status, view)
    if not status.variants and status.update is None:
        status = report.with_deployment(status, at.wanted, None)
    status = structs.replace(
        status,
        update=_seen_under_way(status.update, view),
        resources=with_resources(status.resources, [at.wanted.endpoint]),
    )
    return Decision(status=at.says(verdict, status), follow=at.follow)


def _seen_under_way(update: Update | None, view: EndpointView) -> Update | None:
    """The update, once it is known to have begun: another that moves the endpoint, such as a scaling, is not it."""
    if update is None or view.status not in ("Updating", "RollingBack"):
        return update
    is_another = view.is_detailed and view.status == "Updating" and view.pending_config != update.endpoint_config_name
    return update if is_another else structs.replace(update, has_begun=True)


def needs_a_closer_look(at: Situation) -> EndpointDecision | None:
    """A List does not say which configuration serves, and so not whether an update succeeded."""
    if at.view is None or at.view.is_detailed:
        return None
    return Decision(status=at.status, calls=(describe(at.wanted.endpoint),))


def has_failed(at: Situation) -> EndpointDecision | None:
    """A failed endpoint can only be deleted: it is, once there is something else to try."""
    view = at.view
    if view is None or view.status != "Failed":
        return None
    status = report.with_endpoint(at.status, view)
    if view.config_name != at.wanted.config.name:
        verdict = working(Reason.CREATING, f"endpoint {view.name} failed and is deleted to be made anew")
        # How often another configuration has failed says nothing of this one.
        status = structs.replace(status, retry=None)
        return Decision(status=at.says(verdict, status), calls=(delete(at.wanted.endpoint),))
    fault = fault_of(view.failure_reason, at.wanted.names)
    if fault.passes_by_itself and not _is_role_given_up(at, fault):
        return _made_anew(at, view, structs.replace(at, status=status), fault)
    message = f"endpoint {view.name} failed: {view.failure_reason or 'AWS gives no reason'}"
    return Decision(status=at.says(stalled(Reason.ENDPOINT_FAILED, message), status), guard=at.follow)


def _is_role_given_up(at: Situation, fault: Fault) -> bool:
    """Return whether the role has failed so often that it is wrong, not young; a retry that is due is made first."""
    retry = at.status.retry
    return fault is Fault.ROLE and retry is not None and retry.failures >= ROLE_FAILURES and not retry.after


def _made_anew(at: Situation, view: EndpointView, failed: Situation, fault: Fault) -> EndpointDecision:
    """AWS failed it by its own fault, or for lack of machines: another try may succeed, after a while."""
    retry = at.status.retry or Remaking()
    if not retry.after:
        delay = min(MOST_REMAKE_DELAY, REMAKE_DELAY * 2 ** min(retry.failures, 10))
        retry = Remaking(failures=retry.failures + 1, after=rfc3339(at.now + delay))
    reason = _REMADE.get(fault, Reason.CREATING)
    message = f"endpoint {view.name} failed and is made anew at {retry.after}: {view.failure_reason}"
    status = failed.says(working(reason, message), structs.replace(failed.status, retry=retry))
    left = (datetime.fromisoformat(retry.after) - at.now).total_seconds()
    if left > 0:
        return Decision(status=status, again_after=left, guard=at.follow)
    return Decision(status=status, calls=(delete(at.wanted.endpoint),))


def is_out_of_order(at: Situation) -> EndpointDecision | None:
    """OutOfService, UpdateRollbackFailed, or a state that nobody had heard of: said, and watched for a change."""
    view = at.view
    if view is None or view.status == "InService" or _asks_for_something_new(at, view):
        return None
    status = report.with_endpoint(at.status, view)
    message = f"endpoint {view.name} is {view.status}: {view.failure_reason or 'AWS gives no reason'}"
    reason = _STUCK.get(view.status)
    if reason is not None:
        return Decision(status=at.says(stalled(reason, message), status), guard=at.follow)
    # AWS adds states; whether this one passes by itself nobody knows, so it is watched like those that do.
    verdict = working(Reason.UPDATING, f"{message} (a state that this version does not know)")
    return Decision(status=at.says(verdict, status), follow=at.follow)


_STUCK = {
    "OutOfService": Reason.OUT_OF_SERVICE,
    "UpdateRollbackFailed": Reason.UPDATE_ROLLBACK_FAILED,
}


def _asks_for_something_new(at: Situation, view: EndpointView) -> bool:
    """Whether the spec has changed since the update that went wrong: that is how one gets out of it."""
    tried = at.status.update.endpoint_config_name if at.status.update else view.config_name
    return view.status in _STUCK and at.wanted.config.name not in (tried, view.config_name)


def prerequisites(at: Situation) -> tuple[Call, ...]:
    """The calls that make what an endpoint needs, where it is not known to be there."""
    requests = {**at.wanted.models, at.wanted.config: at.wanted.config_params}
    known = (ModelView, PlainView)
    # Of what is there and may be somebody else's, the answer to a creation tells whose it is.
    return tuple(
        create(one, params) for one, params in requests.items() if not isinstance(at.seen.owner_of(one), known)
    )
