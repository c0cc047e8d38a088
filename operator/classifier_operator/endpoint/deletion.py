"""A ClassifierEndpoint that is being deleted or suspended: nothing of it is left at AWS."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from msgspec import structs

from classifier_operator.api.conditions import ConditionType, Reason, find, idle, stalled, unknown, working
from classifier_operator.api.ledger import Resource, ResourceType, resources_in, without
from classifier_operator.endpoint import status as report
from classifier_operator.endpoint.recovery import looks_back
from classifier_operator.endpoint.release import released
from classifier_operator.endpoint.situation import Endpoint, EndpointDecision, made_for
from classifier_operator.endpoint.teardown import Teardown, let_go, tear_down
from classifier_operator.endpoint.tenancy import adoption_refusal_of, retained
from classifier_operator.endpoint.variants import asked_for
from classifier_operator.reconcile.calls import describe
from classifier_operator.reconcile.decision import Decision, Seen, SpecError
from classifier_operator.reconcile.past import Past
from classifier_operator.reconcile.walls import note_of, policy_of, waiting_note_of, within
from classifier_operator.sagemaker.views import EndpointView


def of_another_account(endpoint: Endpoint, now: datetime) -> EndpointDecision | None:
    """Nothing is done, and nothing believed, while the operator's credentials are another account's.

    Where the spec asks for a role, that role's account is what counts; and to let go of everything needs no account.
    """
    words = endpoint.accounts.mismatch
    is_own = not (endpoint.spec.assume_role_arn or endpoint.defaults.assume_role_arn)
    if not words or not (is_own or endpoint.meta.is_deleted or endpoint.spec.suspend):
        return None
    with suppress(SpecError):
        if endpoint.meta.is_deleted and _policy(endpoint) == "Retain":
            return None
    verdict = unknown(Reason.ACCOUNT_MISMATCH, words)
    return Decision(status=report.with_conditions(endpoint.status, endpoint.meta, verdict, now))


def being_suspended(endpoint: Endpoint, seen: Seen, now: datetime) -> EndpointDecision:
    if (search := looks_back(endpoint, seen, now)) is not None:
        return search
    if (look := _last_look(endpoint, seen, now)) is not None:
        return look
    down = _torn_down(endpoint, seen)
    freed = let_go(within(_released(endpoint) - retained(endpoint), endpoint.defaults), seen)
    status = structs.replace(endpoint.status, resources=without(endpoint.status.resources, down.gone | freed.gone))
    verdict = idle(Reason.SUSPENDED, "nothing runs at AWS while spec.suspend is true")
    if status.resources:
        wall = note_of(resources_in(status.resources), endpoint.defaults)
        verdict = working(Reason.DELETING, f"suspended: {_waits_for(endpoint, down, seen, freed.waits_for, wall)}")
    else:
        # What could not become of the endpoint that was there may well be made anew.
        status = structs.replace(report.without_endpoint(status), rolled_back=None)
    if refusal := endpoint.wall or adoption_refusal_of(endpoint):
        # It may not be resumed like this, and says so while it is taken down, and afterwards.
        kept = sorted(one.name for one in retained(endpoint) if one.type is not ResourceType.SCALABLE_TARGET)
        note = f"; what was taken over stays as it is: {', '.join(kept)}" if kept else ""
        verdict = stalled(Reason.NOT_ALLOWED, f"{refusal}; {verdict.message}{note}")
    status = report.with_conditions(status, endpoint.meta, verdict, now)
    calls = (*freed.calls, *down.calls)
    return Decision(status=status, calls=calls, follow=down.follow, again_after=down.again_after)


def _last_look(endpoint: Endpoint, seen: Seen, now: datetime) -> EndpointDecision | None:
    """Put on record how many instances there are before it is taken down: it comes back with them.

    Where the spec names no count somebody may have changed it since the last look. A look that is refused keeps nothing
    up that costs money.
    """
    status = endpoint.status
    stays = retained(endpoint) | _released(endpoint)
    views = {one: seen.of(one) for one in within(made_for(status), endpoint.defaults) if one not in stays}
    serving = {
        one: view for one, view in views.items() if isinstance(view, EndpointView) and view.status == "InService"
    }
    if not serving or not any(asked.keeps_count for asked in asked_for(endpoint.spec)):
        return None
    # After a move to another region the former endpoint, of the same name, may serve still.
    made = min(serving, key=lambda one: (one.place.region != status.region, one))
    view = serving[made]
    said, trouble = find(status.conditions, ConditionType.RECONCILING), seen.trouble_with(made)
    generation = endpoint.meta.generation
    is_said = said is not None and (said.reason, said.observed_generation) == (Reason.DELETING, generation)
    if is_said and view.is_detailed:
        counted = report.with_live_counts(status, view)
        return Decision(status=counted, again_after=0.0) if counted != status else None
    if trouble is not None and not trouble.is_brief(now):
        return None
    verdict = working(Reason.DELETING, f"suspended: looking at endpoint {made.name} before it is deleted")
    return Decision(status=report.with_conditions(status, endpoint.meta, verdict, now), calls=(describe(made),))


def being_deleted(endpoint: Endpoint, seen: Seen, now: datetime) -> EndpointDecision:
    """Whatever is left of it goes; what was taken over and may not have been, or is a model, is let go of."""
    try:
        policy = _policy(endpoint)
    except SpecError as error:
        return _undecided(endpoint, error, now)
    search = looks_back(endpoint, seen, now) if policy != "Retain" else None
    if search is not None:
        return search
    down = _torn_down(endpoint, seen)
    freed = let_go(within(retained(endpoint) | _released(endpoint), endpoint.defaults), seen)
    status = structs.replace(endpoint.status, resources=without(endpoint.status.resources, down.gone | freed.gone))
    if policy == "Retain" or not status.resources:
        return Decision(status=status, releases=True)
    wall = waiting_note_of(resources_in(status.resources), endpoint.defaults)
    refusal = adoption_refusal_of(endpoint) or "it was adopted and is not deleted"
    why = f"{freed.waits_for}: {refusal}" if freed.waits_for else ""
    verdict = working(Reason.DELETING, _waits_for(endpoint, down, seen, why, wall))
    status = report.with_conditions(status, endpoint.meta, verdict, now)
    calls = (*freed.calls, *down.calls)
    return Decision(status=status, calls=calls, follow=down.follow, again_after=down.again_after)


def _policy(endpoint: Endpoint) -> str:
    """What becomes of what is at AWS. Raises SpecError."""
    return policy_of(endpoint.spec.deletion_policy, endpoint.defaults, otherwise="Delete")


def _undecided(endpoint: Endpoint, error: SpecError, now: datetime) -> EndpointDecision:
    """What becomes of it nobody has said: nothing is guessed."""
    if not endpoint.status.resources and endpoint.past is Past.KNOWN:
        return Decision(status=endpoint.status, releases=True)
    verdict = working(Reason.DELETING, f"nothing is deleted yet: {error}")
    return Decision(status=report.with_conditions(endpoint.status, endpoint.meta, verdict, now))


def _torn_down(endpoint: Endpoint, seen: Seen) -> Teardown:
    ledger = within(resources_in(endpoint.status.resources), endpoint.defaults)
    stays = retained(endpoint) | _released(endpoint)
    return tear_down([one for one in ledger if one not in stays], seen)


def _released(endpoint: Endpoint) -> frozenset[Resource]:
    return released(endpoint.meta, endpoint.status)


def _waits_for(endpoint: Endpoint, down: Teardown, seen: Seen, *notes: str) -> str:
    trouble = seen.trouble_with(*resources_in(endpoint.status.resources))
    refused = f"{trouble.operation} was refused: {trouble.words}" if trouble else ""
    return "; ".join(filter(None, (down.waits_for, refused, *notes)))
