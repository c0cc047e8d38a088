"""What to do about a ClassifierEndpoint: pure, from the object, what AWS says, and the time.

The rules are tried in order and the first that applies decides; each returns a whole decision or None.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from classifier_operator.api.conditions import Reason, stalled, working
from classifier_operator.api.ledger import Resource, ResourceType, resources_in
from classifier_operator.endpoint import status as report
from classifier_operator.endpoint.deletion import being_deleted, being_suspended
from classifier_operator.endpoint.deployment import AcceleratorRefusedError
from classifier_operator.endpoint.presence import (
    has_failed,
    is_missing,
    is_moving,
    is_out_of_order,
    is_unknown,
    needs_a_closer_look,
)
from classifier_operator.endpoint.refused import (
    accelerator_was_refused,
    call_was_refused,
    name_is_taken,
    was_refused_for_good,
)
from classifier_operator.endpoint.serving import (
    serves_as_wanted,
    smoke_test_failed,
    smoke_test_is_due,
    was_settled_before,
)
from classifier_operator.endpoint.situation import (
    Endpoint,
    EndpointDecision,
    Situation,
    may_serve,
    wanted_deployment,
    was_ready,
    with_outcome,
)
from classifier_operator.endpoint.updates import count_differs, serves_something_else, update_was_rolled_back
from classifier_operator.reconcile.decision import Decision, Seen, SpecError, Subject, UnsupportedError


def decide(endpoint: Endpoint, seen: Seen, now: datetime) -> EndpointDecision:
    """The next step for the object."""
    if endpoint.meta.is_deleted:
        return being_deleted(endpoint, seen, now)
    if endpoint.spec.suspend:
        return being_suspended(endpoint, seen, now)
    try:
        wanted = wanted_deployment(endpoint)
    except SpecError as error:
        return _refused(endpoint, error, seen, now)
    if wanted is None:
        return _waiting_for_training(endpoint, seen, now)
    situation = Situation(
        meta=endpoint.meta,
        spec=endpoint.spec,
        status=with_outcome(endpoint, wanted),
        wanted=wanted,
        seen=seen,
        now=now,
    )
    return next(decided for rule in RULES if (decided := rule(situation)) is not None)


def subject_of(endpoint: Endpoint) -> Subject:
    """The resources whose state decides: those in the ledger, and the three that are wanted now."""
    known = resources_in(endpoint.status.resources)
    wanted = None
    if not (endpoint.meta.is_deleted or endpoint.spec.suspend):
        with suppress(SpecError):
            wanted = wanted_deployment(endpoint)
    resources = frozenset({*known, *(wanted.resources if wanted else ())})
    return Subject(resources=resources, identity=f"{endpoint.meta.generation}:{wanted and wanted.config.name}")


RULES: tuple[Callable[[Situation], EndpointDecision | None], ...] = (
    name_is_taken,
    accelerator_was_refused,
    call_was_refused,
    was_settled_before,
    is_unknown,
    was_refused_for_good,
    is_missing,
    is_moving,
    needs_a_closer_look,
    has_failed,
    is_out_of_order,
    update_was_rolled_back,
    serves_something_else,
    count_differs,
    smoke_test_is_due,
    smoke_test_failed,
    serves_as_wanted,
)


def _refused(endpoint: Endpoint, error: SpecError, seen: Seen, now: datetime) -> EndpointDecision:
    reasons: dict[type[SpecError], Reason] = {
        UnsupportedError: Reason.NOT_IMPLEMENTED,
        AcceleratorRefusedError: Reason.ACCELERATOR_UNAVAILABLE,
    }
    made, serving = _what_serves(endpoint, seen)
    verdict = stalled(reasons.get(type(error), Reason.INVALID_SPEC), str(error), serving=serving)
    return Decision(status=report.with_conditions(endpoint.status, endpoint.meta, verdict, now), guard=made)


def _waiting_for_training(endpoint: Endpoint, seen: Seen, now: datetime) -> EndpointDecision:
    """There is no model to serve yet; one that the spec named before goes on serving."""
    name = endpoint.spec.training_ref.name if endpoint.spec.training_ref else ""
    message = f"waiting for ClassifierTraining {name} to exist"
    if endpoint.trained is not None:
        message = f"waiting for ClassifierTraining {name} to have a model: {endpoint.trained.message}"
    made, serving = _what_serves(endpoint, seen)
    ready = Reason.IN_SERVICE if serving else Reason.WAITING_FOR_TRAINING
    verdict = working(Reason.WAITING_FOR_TRAINING, message, is_ready=serving, ready=ready)
    return Decision(status=report.with_conditions(endpoint.status, endpoint.meta, verdict, now), guard=made)


def _what_serves(endpoint: Endpoint, seen: Seen) -> tuple[frozenset[Resource], bool]:
    """The endpoint that was made for the object, and whether it serves something that had been found good."""
    status = endpoint.status
    ledger = resources_in(status.resources)
    made = frozenset(one for one in ledger if one.type is ResourceType.ENDPOINT and one.name == status.endpoint_name)
    return made, bool(made) and was_ready(status) and all(may_serve(seen.of(one)) for one in made)
