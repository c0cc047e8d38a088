"""Instance counts and weights: they change in place, without another configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from classifier_operator.api.conditions import ConditionType, Reason, find
from classifier_operator.api.ledger import Resource, ResourceType, resources_in
from classifier_operator.endpoint import status as report
from classifier_operator.endpoint.deployment import VariantPlan
from classifier_operator.endpoint.previous import still_unproven
from classifier_operator.endpoint.record import EndpointStatus, Update
from classifier_operator.endpoint.situation import EndpointDecision, Situation
from classifier_operator.reconcile.calls import Call, update_capacities
from classifier_operator.reconcile.decision import Decision
from classifier_operator.reconcile.trouble import Trouble
from classifier_operator.sagemaker.views import EndpointView, Unseen, VariantView

COUNT, WEIGHT = "DesiredInstanceCount", "DesiredWeight"


def capacities_differ(at: Situation) -> EndpointDecision | None:
    """Counts and weights change in place; counts that AWS chooses are none of ours."""
    view = at.view
    if view is None or at.refusal_in_place is not None:
        # It serves as before: that its numbers were refused is said with the rest (`serving`).
        return None
    wishes = _wishes(at, view)
    if not wishes:
        return None
    call = update_capacities(at.wanted.endpoint, [_request(plan, wish) for plan, _, wish in wishes])
    if _was_refused_before(at):
        # A restart forgets what was refused, and it is asked once more: the status keeps AWS's words until then.
        return Decision(status=at.status, calls=(call,), guard=at.follow)
    reason, by_hand = Reason.UPDATING, ""
    if report.has_served(at.status, at.wanted):
        reason, by_hand = Reason.RESTORING, " (changed by somebody else)"
    changes = ", ".join(_in_words(plan, variant, wish) for plan, variant, wish in wishes)
    verdict = at.busy(reason, f"changed in place: {changes}{by_hand}")
    return Decision(status=at.says(verdict), calls=(call,))


def refused_in_place(at: Situation) -> Trouble | None:
    """The refusal of counts or weights that the spec asks for and the endpoint does not have."""
    view = at.view
    return at.refusal_in_place if view is not None and _wishes(at, view) else None


def _wishes(at: Situation, view: EndpointView) -> list[tuple[VariantPlan, VariantView, dict[str, Any]]]:
    live = [(plan, variant) for plan in at.wanted.variants if (variant := view.variant(plan.name)) is not None]
    least = {**_from_before(at), **_taken_over(at)}
    wishes = [(plan, variant, _wish(plan, variant, least.get(plan.name, 0))) for plan, variant in live]
    return [one for one in wishes if one[2]]


def _was_refused_before(at: Situation) -> bool:
    """Whether the object stalls over the spec as it is, though it serves the wanted configuration."""
    held = find(at.status.conditions, ConditionType.STALLED)
    if held is None or (held.reason, held.observed_generation) != (Reason.INVALID_SPEC, at.meta.generation):
        return False
    return at.status.endpoint_config_name == at.wanted.config.name


def brought_to_spec(at: Situation, view: EndpointView) -> tuple[Call, ...]:
    """The call that gives what serves instead of the wanted configuration the spec's counts and weights.

    The spec's numbers mean its own variants: where others serve, they have as many instances as before the update, for
    a configuration that is there already begins with those that it was made with.
    """
    if lost := _lost_on_the_way_back(at, view):
        desired = [{"VariantName": name, COUNT: count} for name, count in lost.items()]
        return (update_capacities(at.wanted.endpoint, desired),)
    if {plan.name for plan in at.wanted.variants} != {live.name for live in view.variants}:
        return ()
    live = [(plan, view.variant(plan.name)) for plan in at.wanted.variants]
    desired = [
        _request(plan, wish) for plan, variant in live if variant and (wish := _wish_of_previous(at, plan, variant))
    ]
    return (update_capacities(at.wanted.endpoint, desired),) if desired else ()


def update_after_going_back(at: Situation, view: EndpointView) -> Update | None:
    """Return the update that stays on record: also one that is over, until the instances that it cost are back."""
    return at.status.update if _lost_on_the_way_back(at, view) else still_unproven(at, view)


def _lost_on_the_way_back(at: Situation, view: EndpointView) -> dict[str, int]:
    """Return how many instances each variant had before the update that was taken back, where it has fewer now.

    What the update has not replaced somebody else may have scaled since.
    """
    update = at.status.update
    if update is None or update.previous_endpoint_config_name != view.config_name:
        return {}
    names = {plan.name for plan in at.wanted.variants}
    replaced = {name: count for name, count in update.counts.items() if name not in names}
    live = {one.name: one.desired_count for one in view.variants}
    return {name: count for name, count in replaced.items() if 0 < live.get(name, count) < count}


def _from_before(at: Situation) -> dict[str, int]:
    """The instances that each variant last had, where its endpoint was made anew and nobody has seen it serve since.

    Its configuration has stayed, and begins with those that it was made with. AWS keeps to the bounds of its own.
    """
    least = report.awaited_counts(at.status)
    for plan in at.wanted.variants:
        bounds = plan.asked.autoscaling
        if bounds is not None and plan.name in least:
            least[plan.name] = min(least[plan.name], bounds.max_count)
    return least


def _taken_over(at: Situation) -> dict[str, int]:
    """The least instances of each variant that the update has begun anew: those of the variants that it has replaced.

    An update to a configuration that is there already begins with as few instances as it was made with. What has failed
    its smoke test and stays, because nothing was good before, anybody may scale.
    """
    update, test = at.update, at.status.smoke_test
    has_failed = test is not None and not test.has_passed and test.endpoint_config_name == at.wanted.config.name
    if update is None or has_failed:
        return {}
    names = {plan.name for plan in at.wanted.variants}
    replaced = sum(count for name, count in update.counts.items() if name not in names)
    new = [plan for plan in at.wanted.variants if plan.name not in update.counts]
    if not new and _is_of_somebody(at, update.previous_endpoint_config_name):
        # The whole is not to become smaller because some of its variants have the names that the spec gives.
        new = list(at.wanted.variants)
    weights = sum(plan.asked.weight for plan in new)
    return {
        plan.name: update.counts.get(plan.name, 0)
        + (int(-(-replaced * plan.asked.weight // weights)) if weights else replaced)
        for plan in new
        if replaced
    }


def _is_of_somebody(at: Situation, config_name: str) -> bool:
    """Whether the configuration came with the endpoint that was adopted."""
    config = Resource(at.wanted.place, ResourceType.ENDPOINT_CONFIG, config_name)
    return at.status.adopted is not None and config not in resources_in(at.status.resources)


def has_the_same_instance_type(status: EndpointStatus, plan: VariantPlan) -> bool:
    """Whether the variant that was last found good has the machines that the spec asks for."""
    served = report.variant_in(status, plan.name)
    return served is not None and served.instance_type == plan.hardware.instance_type


def _wish_of_previous(at: Situation, plan: VariantPlan, live: VariantView) -> dict[str, Any]:
    if not live.desired_count:
        # It is serverless.
        return {}
    wish = _wish(plan, live)
    # As many of other machines may be too few; more of them do no harm.
    is_less_of_others = plan.asked.initial_count < live.desired_count and not has_the_same_instance_type(
        at.status, plan
    )
    if is_less_of_others or _may_be_scaled_by_aws(at, plan):
        wish.pop(COUNT, None)
    return wish


def _may_be_scaled_by_aws(at: Situation, plan: VariantPlan) -> bool:
    """Whether the scaling that an earlier spec asked for may go on."""
    target = at.wanted.target(plan)
    return target in resources_in(at.status.resources) and at.seen.of(target) is not Unseen.ABSENT


def _request(plan: VariantPlan, wish: dict[str, Any]) -> dict[str, Any]:
    return {"VariantName": plan.name, **wish}


def _wish(plan: VariantPlan, live: VariantView, least: int = 0) -> dict[str, Any]:
    wish: dict[str, Any] = {}
    if plan.asked.keeps_count and live.desired_count < least:
        wish[COUNT] = least
    if plan.asked.has_fixed_count and live.desired_count != plan.asked.initial_count:
        wish[COUNT] = plan.asked.initial_count
    if f"{live.desired_weight:g}" != f"{plan.asked.weight:g}":
        wish[WEIGHT] = plan.asked.weight
    return wish


def _in_words(plan: VariantPlan, live: VariantView, wish: Mapping[str, Any]) -> str:
    changes = []
    if COUNT in wish:
        changes.append(f"{live.desired_count} -> {wish[COUNT]} instances")
    if WEIGHT in wish:
        changes.append(f"weight {live.desired_weight:g} -> {plan.asked.weight:g}")
    return f"{plan.name} {' and '.join(changes)}"
