"""Rules for an endpoint that serves the wanted configuration: its smoke test, and what is tidied up behind it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import structs

from classifier_operator.api.conditions import ConditionType, Reason, Verdict, find, settled, stalled, with_note
from classifier_operator.api.ledger import Resource, resources_in, with_resources, without
from classifier_operator.endpoint import status as report
from classifier_operator.endpoint.capacities import refused_in_place
from classifier_operator.endpoint.previous import to_restore
from classifier_operator.endpoint.record import Adopted, EndpointStatus, VariantStatus
from classifier_operator.endpoint.release import after_release, released
from classifier_operator.endpoint.scaling import registered
from classifier_operator.endpoint.situation import EndpointDecision, Situation, smoke_test_is_done
from classifier_operator.endpoint.spec import Autoscaling
from classifier_operator.endpoint.teardown import tear_down
from classifier_operator.endpoint.testing import call_of
from classifier_operator.endpoint.updates import restored
from classifier_operator.endpoint.variants import asked_for, names_weights
from classifier_operator.reconcile.calls import Call, identify, retag, retagged, unsure
from classifier_operator.reconcile.decision import Decision
from classifier_operator.reconcile.trouble import note_of, verdict_of
from classifier_operator.reconcile.walls import within
from classifier_operator.sagemaker.views import EndpointView, ModelView, PlainView, Unseen


def was_settled_before(at: Situation) -> EndpointDecision | None:
    """Nothing has changed since it was called good, and AWS, where it was asked, agrees."""
    if find(at.status.conditions, ConditionType.RECONCILING) is not None:
        # A change was under way whose answer may have been lost: going back to what was there does not undo it.
        return None
    if not report.is_settled(at.status, at.wanted, at.tags) or not _is_found_good(at):
        return None
    if at.sighting is not Unseen.UNKNOWN and not _is_listed_unchanged(at):
        return None
    return Decision(status=at.says(_verdict_in_service(at)), guard=at.follow)


def is_scaled_by_aws(at: Situation) -> EndpointDecision | None:
    """A count that the spec does not name changes: nothing that anybody needs to hear of, or wait for."""
    view = at.view
    if view is None or view.status != "Updating" or at.status.update is not None:
        return None
    # Of an endpoint that AWS does not scale, a List does not tell whether its configuration changes.
    is_count = view.is_detailed and not view.pending_config and at.wanted.keeps_counts
    if not (at.wanted.targets or is_count):
        return None
    is_busy = find(at.status.conditions, ConditionType.RECONCILING) is not None
    if is_busy or not at.serves or at.status.endpoint_config_name != at.wanted.config.name:
        return None
    status = report.with_endpoint(at.status, view)
    return Decision(status=at.says(_verdict_in_service(at), status), follow=at.follow)


def _is_found_good(at: Situation) -> bool:
    test, outcome = at.spec.smoke_test, at.status.smoke_test
    if test is None:
        return True
    return smoke_test_is_done(at) and outcome is not None and (outcome.has_passed or test.on_failure == "Report")


def _is_listed_unchanged(at: Situation) -> bool:
    """A List tells whether somebody has touched it; what was changed, only a Describe tells."""
    view = at.view
    if view is None or view.is_detailed or view.status != "InService":
        return False
    return view.modified_at == at.status.last_modified_time


def smoke_test_is_due(at: Situation) -> EndpointDecision | None:
    if at.view is None or at.spec.smoke_test is None or smoke_test_is_done(at):
        return None
    call = call_of(at, at.spec.smoke_test)
    testing = at.testing
    is_under_way = testing is not None and testing.test == call.key
    calls = () if is_under_way else (call,)
    trouble = None if at.refusal_in_place else at.seen.trouble_with(at.wanted.endpoint)
    is_again = trouble is not None or (testing is not None and is_under_way and testing.is_again)
    if is_again and _is_said(at):
        # What it waits for was said; whether it still does, this try will tell.
        return Decision(status=at.status, calls=calls, guard=at.follow)
    waits = f"; {trouble.words}" if trouble else ""
    verdict = at.busy(Reason.SMOKE_TESTING, f"endpoint {at.view.name} is invoked with the smoke test's image{waits}")
    return Decision(status=at.says(verdict, _before_the_test(at, at.view)), calls=calls, guard=at.follow)


def _is_said(at: Situation) -> bool:
    """Whether the status is about the spec as it is now."""
    return at.status.observed_generation == at.meta.generation


def smoke_test_failed(at: Situation) -> EndpointDecision | None:
    """Go back to what served before, if there was something; else say that it must not be used."""
    outcome, test = at.status.smoke_test, at.spec.smoke_test
    if at.view is None or test is None or outcome is None or outcome.has_passed:
        return None
    if test.on_failure == "Report":
        return None
    message = f"the smoke test of {at.wanted.config.name} failed: {outcome.message}"
    previous = to_restore(at)
    if not previous:
        verdict = stalled(Reason.SMOKE_TEST_FAILED, message)
        return Decision(status=at.says(verdict, _with_live(at, at.view)), guard=at.follow)
    trouble = at.seen.trouble_with(at.wanted.endpoint)
    if trouble is not None and trouble.is_final and trouble.operation == "UpdateEndpoint":
        verdict = stalled(Reason.SMOKE_TEST_FAILED, f"{message}; {previous} cannot be restored: {trouble.words}")
        return Decision(status=at.says(verdict, _with_live(at, at.view)), guard=at.follow)
    refused = at.refuses(Reason.SMOKE_TEST_FAILED, message)
    # The update stays on record until what served before serves again: a crash must not forget what that was.
    status = structs.replace(report.with_endpoint(at.status, at.view), rolled_back=refused)
    verdict = at.busy(Reason.ROLLING_BACK, f"{message}; {previous} is restored")
    return Decision(status=at.says(verdict, status), calls=(restored(at, previous),))


def serves_as_wanted(at: Situation) -> EndpointDecision | None:
    """Done: what nothing refers to any more goes, tags follow the spec, and AWS scales what it is to scale."""
    if at.view is None:
        return None
    recorded = {entry.resource for entry in at.status.resources}
    if not recorded.issuperset(at.wanted.targets):
        # In the ledger first, and only then at AWS.
        status = at.says(at.busy(Reason.UPDATING, "autoscaling is being set up"), _with_live(at, at.view))
        return Decision(status=status, guard=at.follow, again_after=0.0)
    known = within(resources_in(at.status.resources), at.defaults)
    kept = released(at.meta, at.status)
    garbage = [one for one in known if one not in at.wanted.resources and one not in kept]
    down = tear_down(garbage, at.seen)
    tagging, tags = _retagged(at)
    scaling, scaled = _scaled(at)
    live = _with_live(at, at.view)
    status = structs.replace(
        live,
        rolled_back=None,
        # What an update has begun with too few instances is not forgotten while AWS refuses to give them back.
        update=at.status.update if refused_in_place(at) else None,
        retry=None,
        adopted=_adopted(at),
        tags=tags,
        resources=without(live.resources, down.gone),
    )
    status = structs.replace(status, variants=tuple(_with_scaling(one, scaled) for one in status.variants))
    status = at.says(_verdict_in_service(at), status)
    trouble = at.seen.trouble_with(*garbage)
    if trouble is not None and trouble.needs_somebody:
        status = structs.replace(status, conditions=with_note(status.conditions, note_of(trouble)))
    decision = Decision(
        status=status,
        calls=(*tagging, *scaling, *down.calls),
        follow=down.follow,
        guard=at.follow,
        again_after=0.0 if tags != at.status.tags and not tagging else down.again_after,
    )
    return after_release(at, decision, kept)


def _adopted(at: Situation) -> Adopted | None:
    """What was taken over; its weights no more, once the spec has named others: a later absence means the default."""
    adopted = at.status.adopted
    if adopted is None or not names_weights(asked_for(at.spec)):
        return adopted
    return structs.replace(adopted, weights={})


def _verdict_in_service(at: Situation) -> Verdict:
    trouble = refused_in_place(at) or at.seen.trouble_with(*at.wanted.targets)
    if trouble is not None and trouble.is_pausing(at.now):
        return verdict_of(trouble, at.now, underway=Reason.UPDATING, serving=True)
    outcome = at.status.smoke_test
    words = f"endpoint {at.wanted.endpoint.name} serves {at.wanted.config.name}"
    for plan in at.wanted.variants:
        wanted = plan.hardware.accelerator
        if wanted is not None and not wanted.effective:
            words += f"; {plan.name} on {plan.hardware.instance_type} without {wanted.requested}, which AWS has refused"
    if at.spec.smoke_test is not None and outcome is not None and not outcome.has_passed:
        words = f"{words}; its smoke test failed: {outcome.message}"
    return settled(Reason.IN_SERVICE, words)


def _with_live(at: Situation, view: EndpointView) -> EndpointStatus:
    status = report.with_deployment(report.with_endpoint(at.status, view), at.wanted, view)
    return structs.replace(status, resources=with_resources(status.resources, at.wanted.resources))


def _before_the_test(at: Situation, view: EndpointView) -> EndpointStatus:
    """What a failure goes back to is kept on record: AWS does not tell what an older configuration served."""
    if not to_restore(at):
        return _with_live(at, view)
    status = report.with_live_sizes(report.with_endpoint(at.status, view), view)
    return structs.replace(status, resources=with_resources(status.resources, at.wanted.resources))


def _retagged(at: Situation) -> tuple[tuple[Call, ...], dict[str, str]]:
    """The next calls that bring the spec's tags to everything that serves, and which tags are there after them."""
    wanted, had = at.tags, at.status.tags
    if wanted == had:
        return (), had
    arns = {one: _arn(at, one) for one in at.wanted.served}
    unseen = tuple(identify(one) for one, arn in arns.items() if not arn)
    if unseen:
        # Only AWS knows how it writes their names in ARNs.
        return unseen, had
    on_record = unsure(wanted=wanted, had=had)
    if had != on_record:
        # On record first, and only then at AWS.
        return (), on_record
    # What is about to go may be wanted again before it is gone.
    others = {one: _arn(at, one) for one in resources_in(at.status.resources) if one not in arns}
    arns |= {one: arn for one, arn in others.items() if arn}
    calls = tuple(call for one, arn in arns.items() for call in retag(one, arn, wanted=wanted, had=had))
    return calls, retagged(wanted=wanted, had=had)


def _arn(at: Situation, resource: Resource) -> str:
    sighting = at.seen.of(resource)
    return sighting.arn if isinstance(sighting, (EndpointView, ModelView, PlainView)) else ""


def _scaled(at: Situation) -> tuple[tuple[Call, ...], dict[str, Autoscaling]]:
    """The calls that make AWS scale as the spec says, and what it scales after them."""
    calls: list[Call] = []
    scaled = {one.name: one.autoscaling for one in at.status.variants if one.autoscaling is not None}
    for plan in at.wanted.variants:
        autoscaling, target = plan.asked.autoscaling, at.wanted.target(plan)
        if autoscaling is None:
            scaled.pop(plan.name, None)
        elif scaled.get(plan.name) != autoscaling and not _is_put_off(at, target):
            calls += registered(target, autoscaling)
            scaled[plan.name] = autoscaling
    return tuple(calls), scaled


def _is_put_off(at: Situation, resource: Resource) -> bool:
    trouble = at.seen.trouble_with(resource)
    return trouble is not None and trouble.is_pausing(at.now)


def _with_scaling(variant: VariantStatus, scaled: Mapping[str, Autoscaling]) -> VariantStatus:
    return structs.replace(variant, autoscaling=scaled.get(variant.name))
