"""What to do about a ClassifierEndpoint: pure, from the object, what AWS says, and the time.

The rules are tried in order and the first that applies decides; each returns a whole decision or None.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from msgspec import structs

from classifier_operator.api.conditions import Reason, Verdict, stalled, with_note, working
from classifier_operator.api.ledger import Resource, ResourceType, resources_in
from classifier_operator.endpoint import status as report
from classifier_operator.endpoint.adoption import adopts, candidates_of
from classifier_operator.endpoint.capacities import capacities_differ
from classifier_operator.endpoint.deletion import being_deleted, being_suspended, of_another_account
from classifier_operator.endpoint.doubts import with_doubts
from classifier_operator.endpoint.presence import (
    MOST_REMAKE_DELAY,
    has_failed,
    is_missing,
    is_moving,
    is_out_of_order,
    is_unknown,
    needs_a_closer_look,
)
from classifier_operator.endpoint.recovery import looks_back, serves_what_is_not_on_record, unrecorded
from classifier_operator.endpoint.refused import (
    accelerator_was_refused,
    call_was_refused,
    name_is_taken,
    name_was_taken,
    was_refused_for_good,
)
from classifier_operator.endpoint.scaling import endpoint_of
from classifier_operator.endpoint.serving import (
    is_scaled_by_aws,
    serves_as_wanted,
    smoke_test_failed,
    smoke_test_is_due,
    was_settled_before,
)
from classifier_operator.endpoint.situation import (
    Endpoint,
    EndpointDecision,
    Situation,
    made_for,
    of_this_place,
    serve,
    sources_of,
    tests_of,
    with_outcome,
)
from classifier_operator.endpoint.tenancy import uses_of
from classifier_operator.endpoint.updates import serves_something_else, update_was_rolled_back
from classifier_operator.endpoint.variants import AcceleratorRefusedError
from classifier_operator.reconcile.decision import Decision, Seen, SpecError, Subject
from classifier_operator.reconcile.trouble import bounded_after
from classifier_operator.reconcile.walls import note_of
from classifier_operator.sagemaker.names import suffixes_in
from classifier_operator.sagemaker.views import EndpointView


def decide(endpoint: Endpoint, seen: Seen, now: datetime) -> EndpointDecision:
    """The next step for the object."""
    endpoint = _with_own_past(_with_bounded_retry(endpoint, now))
    return unrecorded(endpoint, _step(endpoint, seen, now))


def _step(endpoint: Endpoint, seen: Seen, now: datetime) -> EndpointDecision:
    if (waits := of_another_account(endpoint, now)) is not None:
        return waits
    if endpoint.meta.is_deleted:
        return being_deleted(endpoint, seen, now)
    if endpoint.spec.suspend:
        return being_suspended(endpoint, seen, now)
    decision = _beyond_noted(endpoint, _decided(endpoint, seen, now))
    return structs.replace(decision, status=with_doubts(endpoint, decision.status))


def _decided(endpoint: Endpoint, seen: Seen, now: datetime) -> EndpointDecision:
    try:
        refusal = endpoint.wall or endpoint.allowed.refusal_of(uses_of(endpoint))
        wanted = None if refusal else endpoint.wanted
    except SpecError as error:
        return _refused(endpoint, error, seen, now)
    if refusal:
        return _not_allowed(endpoint, refusal, seen, now)
    if (search := looks_back(endpoint, seen, now)) is not None:
        return search
    if wanted is None:
        return _waiting_for_training(endpoint, seen, now)
    before = Situation(
        meta=endpoint.meta,
        spec=endpoint.spec,
        status=of_this_place(endpoint.status, wanted),
        wanted=wanted,
        seen=seen,
        now=now,
        defaults=endpoint.defaults,
        testing=endpoint.testing,
        testable=endpoint.testable,
    )
    situation = with_outcome(before)
    decision = next(decided for rule in RULES if (decided := rule(situation)) is not None)
    return structs.replace(decision, transfers=tests_of(situation))


def _with_bounded_retry(endpoint: Endpoint, now: datetime) -> Endpoint:
    retry = endpoint.status.retry
    if retry is None:
        return endpoint
    retry = structs.replace(retry, after=bounded_after(retry.after, now, MOST_REMAKE_DELAY))
    return structs.replace(endpoint, status=structs.replace(endpoint.status, retry=retry))


def _with_own_past(endpoint: Endpoint) -> Endpoint:
    """Go back to nobody's configuration, where the namespace may not take over what it likes.

    Whether the endpoint had served it only the status tells, and a hand may have written it. One that was adopted came
    with a configuration of somebody's.
    """
    update, adopted = endpoint.status.update, endpoint.status.adopted
    if update is None or adopted is not None or endpoint.allowed.entries is None:
        return endpoint
    key = endpoint.meta.key
    if suffixes_in(key.namespace, key.name, update.previous_endpoint_config_name) is not None:
        return endpoint
    update = structs.replace(update, previous_endpoint_config_name="")
    return structs.replace(endpoint, status=structs.replace(endpoint.status, update=update))


def subject_of(endpoint: Endpoint) -> Subject:
    """The resources whose state decides: those in the ledger, those that are wanted now, and one to be adopted.

    Whose a scalable target is, its endpoint tells, also when that is gone already.
    """
    known = resources_in(endpoint.status.resources)
    scaled = [endpoint_of(one) for one in known if one.type is ResourceType.SCALABLE_TARGET]
    wanted = None
    if not (endpoint.meta.is_deleted or endpoint.spec.suspend):
        with suppress(SpecError):
            wanted = endpoint.wanted
    adoptable = candidates_of(endpoint.meta, wanted.place) if wanted else ()
    resources = frozenset({*known, *scaled, *(wanted.resources if wanted else ()), *adoptable})
    identity = f"{endpoint.meta.generation}:{wanted and wanted.config.name}:{endpoint.meta.adopt}"
    has_accelerator = wanted is not None and any(plan.hardware.accelerator_type for plan in wanted.variants)
    return Subject(resources=resources, identity=identity, has_accelerator=has_accelerator)


RULES: tuple[Callable[[Situation], EndpointDecision | None], ...] = (
    adopts,
    name_was_taken,
    name_is_taken,
    accelerator_was_refused,
    call_was_refused,
    was_settled_before,
    is_unknown,
    was_refused_for_good,
    is_missing,
    is_scaled_by_aws,
    is_moving,
    needs_a_closer_look,
    serves_what_is_not_on_record,
    has_failed,
    is_out_of_order,
    update_was_rolled_back,
    serves_something_else,
    capacities_differ,
    smoke_test_is_due,
    smoke_test_failed,
    serves_as_wanted,
)


def _refused(endpoint: Endpoint, error: SpecError, seen: Seen, now: datetime) -> EndpointDecision:
    reason = Reason.ACCELERATOR_UNAVAILABLE if isinstance(error, AcceleratorRefusedError) else Reason.INVALID_SPEC
    made = made_for(endpoint.status)
    if not (made and serve(made, seen, endpoint.defaults)):
        endpoint = structs.replace(endpoint, status=report.without_accelerators(endpoint.status))
    return _as_it_is(endpoint, stalled(reason, str(error), serving=_serves(endpoint, seen)), seen, now)


def _not_allowed(endpoint: Endpoint, refusal: str, seen: Seen, now: datetime) -> EndpointDecision:
    """Its namespace may not use what it asks for: nothing is changed at AWS, and what is there already is looked at."""
    there = [one.name for one in made_for(endpoint.status) if isinstance(seen.of(one), EndpointView)]
    notes = [f"endpoint {name} stays as it is" for name in there]
    verdict = stalled(Reason.NOT_ALLOWED, "; ".join([refusal, *notes]), serving=_serves(endpoint, seen))
    return _as_it_is(endpoint, verdict, seen, now)


def _as_it_is(endpoint: Endpoint, verdict: Verdict, seen: Seen, now: datetime) -> EndpointDecision:
    """Nothing is done to the endpoint that was made before, but how it is, is said; and looked at, while it changes."""
    status, moving, made = endpoint.status, frozenset[Resource](), made_for(endpoint.status)
    for one in made:
        view = seen.of(one)
        if isinstance(view, EndpointView):
            status = report.with_endpoint(status, view)
            moving = made if view.is_moving else moving
    status = report.with_conditions(status, endpoint.meta, verdict, now)
    return Decision(status=status, follow=moving, guard=made - moving)


def _beyond_noted(endpoint: Endpoint, decision: EndpointDecision) -> EndpointDecision:
    """Say what was made beyond the namespace's wall: it may cost money, and nobody takes it down."""
    note = note_of(resources_in(endpoint.status.resources), endpoint.defaults)
    if not note:
        return decision
    conditions = with_note(decision.status.conditions, note)
    return structs.replace(decision, status=structs.replace(decision.status, conditions=conditions))


def _waiting_for_training(endpoint: Endpoint, seen: Seen, now: datetime) -> EndpointDecision:
    """There is no model to serve yet; one that the spec named before goes on serving."""
    missing = sorted({asked.training for asked, source in sources_of(endpoint) if source is None})
    message = f"waiting for {'; '.join(_what_is_missing(endpoint, name) for name in missing)}"
    serving = _serves(endpoint, seen)
    ready = Reason.IN_SERVICE if serving else Reason.WAITING_FOR_TRAINING
    verdict = working(Reason.WAITING_FOR_TRAINING, message, is_ready=serving, ready=ready)
    return _as_it_is(endpoint, verdict, seen, now)


def _what_is_missing(endpoint: Endpoint, training: str) -> str:
    trained = endpoint.trained.get(training)
    if trained is None and not endpoint.knows_trainings:
        # That nothing is known of it does not mean that it does not exist.
        return f"ClassifierTraining {training}: the operator cannot list the ClassifierTrainings of this namespace now"
    if trained is None:
        return f"ClassifierTraining {training} to exist"
    return f"ClassifierTraining {training} to have a model: {trained.message}"


def _serves(endpoint: Endpoint, seen: Seen) -> bool:
    """Whether the endpoint that was made for the object serves something that had been found good."""
    made = made_for(endpoint.status)
    return bool(made) and report.was_ready(endpoint.status) and serve(made, seen, endpoint.defaults)
