"""A ClassifierEndpoint that is being deleted or suspended: nothing of it is left at AWS."""

from __future__ import annotations

from datetime import datetime

from msgspec import structs

from classifier_operator.api.conditions import Reason, idle, stalled, working
from classifier_operator.api.ledger import resources_in, without
from classifier_operator.endpoint import status as report
from classifier_operator.endpoint.situation import Endpoint, EndpointDecision
from classifier_operator.endpoint.teardown import Teardown, tear_down
from classifier_operator.reconcile.decision import Decision, Seen, SpecError
from classifier_operator.reconcile.walls import note_of, policy_of, waiting_note_of, within


def being_suspended(endpoint: Endpoint, seen: Seen, now: datetime) -> EndpointDecision:
    down = _torn_down(endpoint, seen)
    status = structs.replace(endpoint.status, resources=without(endpoint.status.resources, down.gone))
    verdict = idle(Reason.SUSPENDED, "nothing runs at AWS while spec.suspend is true")
    if status.resources:
        wall = note_of(resources_in(status.resources), endpoint.defaults)
        verdict = working(Reason.DELETING, f"suspended: {_waits_for(endpoint, down, seen, wall)}")
    else:
        # What could not become of the endpoint that was there may well be made anew.
        status = structs.replace(report.without_endpoint(status), rolled_back=None)
    if endpoint.wall:
        # It may not be resumed like this, and says so while it is taken down, and afterwards.
        verdict = stalled(Reason.NOT_ALLOWED, f"{endpoint.wall}; {verdict.message}")
    status = report.with_conditions(status, endpoint.meta, verdict, now)
    return Decision(status=status, calls=down.calls, follow=down.follow)


def being_deleted(endpoint: Endpoint, seen: Seen, now: datetime) -> EndpointDecision:
    try:
        policy = policy_of(endpoint.spec.deletion_policy, endpoint.defaults, otherwise="Delete")
    except SpecError as error:
        return _undecided(endpoint, error, now)
    down = _torn_down(endpoint, seen)
    status = structs.replace(endpoint.status, resources=without(endpoint.status.resources, down.gone))
    if policy == "Retain" or not status.resources:
        return Decision(status=status, releases=True)
    wall = waiting_note_of(resources_in(status.resources), endpoint.defaults)
    verdict = working(Reason.DELETING, _waits_for(endpoint, down, seen, wall))
    status = report.with_conditions(status, endpoint.meta, verdict, now)
    return Decision(status=status, calls=down.calls, follow=down.follow)


def _undecided(endpoint: Endpoint, error: SpecError, now: datetime) -> EndpointDecision:
    """What becomes of it nobody has said: nothing is guessed."""
    if not endpoint.status.resources:
        return Decision(status=endpoint.status, releases=True)
    verdict = working(Reason.DELETING, f"nothing is deleted yet: {error}")
    return Decision(status=report.with_conditions(endpoint.status, endpoint.meta, verdict, now))


def _torn_down(endpoint: Endpoint, seen: Seen) -> Teardown:
    return tear_down(within(resources_in(endpoint.status.resources), endpoint.defaults), seen)


def _waits_for(endpoint: Endpoint, down: Teardown, seen: Seen, wall: str) -> str:
    trouble = seen.trouble_with(*resources_in(endpoint.status.resources))
    refused = f"{trouble.operation} was refused: {trouble.words}" if trouble else ""
    return "; ".join(filter(None, (down.waits_for, refused, wall)))
