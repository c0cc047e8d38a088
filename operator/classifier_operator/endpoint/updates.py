"""Rules for an endpoint that serves something else than it should.

Whether an update succeeded is judged by one thing alone, the configuration that a serving endpoint has: AWS goes back
to InService after a failed update too, sometimes without a FailureReason.
"""

from __future__ import annotations

from msgspec import structs

from classifier_operator.api.conditions import Reason, rfc3339, stalled
from classifier_operator.api.ledger import with_resources
from classifier_operator.endpoint import status as report
from classifier_operator.endpoint.presence import prerequisites
from classifier_operator.endpoint.refused import previous_is_good
from classifier_operator.endpoint.situation import EndpointDecision, Situation
from classifier_operator.endpoint.spec import ONLY_VARIANT, RolledBack, Update
from classifier_operator.reconcile.calls import update_capacities, update_endpoint
from classifier_operator.reconcile.decision import Decision
from classifier_operator.sagemaker.refusals import RefusalKind
from classifier_operator.sagemaker.views import EndpointView


def update_was_rolled_back(at: Situation) -> EndpointDecision | None:
    """It serves, but not what was asked for, and AWS has touched it since: the update was taken back."""
    view, update = at.view, at.status.update
    if view is None or update is None or update.endpoint_config_name != at.wanted.config.name:
        return None
    if view.config_name == at.wanted.config.name or update.started_from == _modified(view):
        return None
    trouble = at.seen.trouble_with(at.wanted.endpoint)
    if trouble is not None and trouble.operation == "UpdateEndpoint" and trouble.kind is not RefusalKind.UNAVAILABLE:
        # AWS did not even begin: somebody else has touched the endpoint.
        return None
    reason = view.failure_reason or "AWS gives no reason"
    rolled_back = RolledBack(endpoint_config_name=at.wanted.config.name, reason=reason, time=rfc3339(at.now))
    status = structs.replace(report.with_endpoint(at.status, view), rolled_back=rolled_back, update=None)
    message = f"the update to {at.wanted.config.name} was rolled back; {view.config_name} serves: {reason}"
    verdict = stalled(Reason.ROLLED_BACK, message, serving=previous_is_good(at, view))
    return Decision(status=at.says(verdict, status), guard=at.follow)


def serves_something_else(at: Situation) -> EndpointDecision | None:
    """Move it to the wanted configuration."""
    view = at.view
    if view is None or view.config_name == at.wanted.config.name:
        return None
    update = Update(
        endpoint_config_name=at.wanted.config.name,
        previous_endpoint_config_name=view.config_name,
        started_from=_modified(view),
    )
    status = structs.replace(
        report.with_endpoint(at.status, view),
        update=update,
        resources=with_resources(at.status.resources, at.wanted.resources),
    )
    verdict = at.busy(Reason.UPDATING, f"endpoint {view.name} is being moved to {at.wanted.config.name}")
    call = update_endpoint(at.wanted.endpoint, {"EndpointConfigName": at.wanted.config.name})
    return Decision(status=at.says(verdict, status), calls=(*prerequisites(at), call))


def count_differs(at: Situation) -> EndpointDecision | None:
    live = at.view.variant(ONLY_VARIANT) if at.view else None
    if live is None or live.desired_count == at.wanted.instance_count:
        return None
    desired = [{"VariantName": ONLY_VARIANT, "DesiredInstanceCount": at.wanted.instance_count}]
    verdict = at.busy(Reason.UPDATING, f"{live.desired_count} -> {at.wanted.instance_count} instances")
    return Decision(status=at.says(verdict), calls=(update_capacities(at.wanted.endpoint, desired),))


def _modified(view: EndpointView) -> str:
    return view.modified.isoformat() if view.modified else ""
