"""Instance counts and weights: they change in place, without another configuration."""

from __future__ import annotations

from typing import Any

from classifier_operator.api.conditions import Reason
from classifier_operator.api.ledger import resources_in
from classifier_operator.endpoint import status as report
from classifier_operator.endpoint.deployment import VariantPlan
from classifier_operator.endpoint.record import EndpointStatus
from classifier_operator.endpoint.situation import EndpointDecision, Situation
from classifier_operator.reconcile.calls import Call, update_capacities
from classifier_operator.reconcile.decision import Decision
from classifier_operator.sagemaker.views import EndpointView, Unseen, VariantView

COUNT, WEIGHT = "DesiredInstanceCount", "DesiredWeight"


def capacities_differ(at: Situation) -> EndpointDecision | None:
    """Counts and weights change in place; counts that AWS chooses are none of ours."""
    view = at.view
    if view is None:
        return None
    live = [(plan, view.variant(plan.name)) for plan in at.wanted.variants]
    desired = [_request(plan, wish) for plan, variant in live if variant is not None and (wish := _wish(plan, variant))]
    if not desired:
        return None
    reason, by_hand = Reason.UPDATING, ""
    if report.has_served(at.status, at.wanted):
        reason, by_hand = Reason.RESTORING, " (changed by somebody else)"
    changes = ", ".join(_in_words(plan, variant) for plan, variant in live if variant and _wish(plan, variant))
    verdict = at.busy(reason, f"changed in place: {changes}{by_hand}")
    return Decision(status=at.says(verdict), calls=(update_capacities(at.wanted.endpoint, desired),))


def brought_to_spec(at: Situation, view: EndpointView) -> tuple[Call, ...]:
    """The call that gives what serves instead of the wanted configuration the spec's counts and weights.

    The spec's numbers mean its own variants: where others serve, they are left alone.
    """
    if {plan.name for plan in at.wanted.variants} != {live.name for live in view.variants}:
        return ()
    live = [(plan, view.variant(plan.name)) for plan in at.wanted.variants]
    desired = [
        _request(plan, wish) for plan, variant in live if variant and (wish := _wish_of_previous(at, plan, variant))
    ]
    return (update_capacities(at.wanted.endpoint, desired),) if desired else ()


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


def _wish(plan: VariantPlan, live: VariantView) -> dict[str, Any]:
    wish: dict[str, Any] = {}
    if plan.asked.has_fixed_count and live.desired_count != plan.asked.initial_count:
        wish[COUNT] = plan.asked.initial_count
    if live.desired_weight != plan.asked.weight:
        wish[WEIGHT] = plan.asked.weight
    return wish


def _in_words(plan: VariantPlan, live: VariantView) -> str:
    wish = _wish(plan, live)
    changes = []
    if COUNT in wish:
        changes.append(f"{live.desired_count} -> {plan.asked.initial_count} instances")
    if WEIGHT in wish:
        changes.append(f"weight {live.desired_weight:g} -> {plan.asked.weight}")
    return f"{plan.name} {' and '.join(changes)}"
