"""Rules for an endpoint that serves something else than it should.

Whether an update succeeded is judged by one thing alone, the configuration that a serving endpoint has: AWS goes back
to InService after a failed update too, sometimes without a FailureReason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from classifier_operator.api.conditions import Reason, stalled
from classifier_operator.api.ledger import Resource, ResourceType, resources_in, with_resources
from classifier_operator.endpoint import status as report
from classifier_operator.endpoint.capacities import brought_to_spec, has_the_same_instance_type, update_after_going_back
from classifier_operator.endpoint.presence import prerequisites
from classifier_operator.endpoint.previous import last_good, previous_is_good
from classifier_operator.endpoint.record import EndpointStatus, Update, VariantStatus
from classifier_operator.endpoint.refused import rolled_back_message, was_taken_back
from classifier_operator.endpoint.rollout import deployment_config
from classifier_operator.endpoint.scaling import deregistered, endpoint_of, variant_of
from classifier_operator.endpoint.situation import EndpointDecision, Situation
from classifier_operator.endpoint.testing import test_can_be_run
from classifier_operator.reconcile.calls import Call, create, describe, known_tags, tag_list, update_endpoint
from classifier_operator.reconcile.decision import Decision
from classifier_operator.sagemaker.refusals import RefusalKind
from classifier_operator.sagemaker.views import EndpointView, Unseen

_WEIGHT, _CAPTURE = ({"VariantPropertyType": one} for one in ("DesiredWeight", "DataCaptureConfig"))
# What AWS scales keeps its count over an update; weights and the capture of data are the new configuration's.
_RETAINING_COUNTS = {"RetainAllVariantProperties": True, "ExcludeRetainedVariantProperties": [_WEIGHT, _CAPTURE]}
# On the way back weights stay, too: they are the spec's, while an older configuration has those that it was made with.
_RETAINING_SIZES = {"RetainAllVariantProperties": True, "ExcludeRetainedVariantProperties": [_CAPTURE]}


def update_was_rolled_back(at: Situation) -> EndpointDecision | None:
    """It serves, but not what was asked for, and AWS has touched it since: the update was taken back."""
    view = at.view
    if view is None or not was_taken_back(at, view):
        return None
    reason = view.failure_reason or "AWS gives no reason"
    rolled_back = at.refuses(Reason.ROLLED_BACK, reason)
    status = report.with_live_sizes(report.with_endpoint(at.status, view), view)
    status = structs.replace(status, rolled_back=rolled_back, update=update_after_going_back(at, view))
    message = rolled_back_message(rolled_back, view.config_name)
    verdict = stalled(Reason.ROLLED_BACK, message, serving=previous_is_good(at, view))
    return Decision(status=at.says(verdict, status), calls=brought_to_spec(at, view), guard=at.follow)


def serves_something_else(at: Situation) -> EndpointDecision | None:
    """Move it to the wanted configuration."""
    view = at.view
    if view is None or view.config_name == at.wanted.config.name:
        return None
    # An update that is only on record yet has changed nothing of that.
    has_begun = at.update is None or at.update.has_begun
    is_restored = report.has_served(at.status if has_begun else structs.replace(at.status, update=None), at.wanted)
    if not is_restored and (looks := test_can_be_run(at)) is not None:
        return looks
    update = Update(
        endpoint_config_name=at.wanted.config.name,
        previous_endpoint_config_name=last_good(at, view),
        started_from=view.modified_at,
        counts=_counts(at.status, view),
    )
    if at.update is None and any(
        plan.asked.keeps_count and view.variant(plan.name) is None for plan in at.wanted.variants
    ):
        # What begins anew takes instances over: how many there are now, only a look tells.
        return Decision(
            status=structs.replace(at.status, update=update), calls=(describe(at.wanted.endpoint),), guard=at.follow
        )
    counted = _with_counts(at, view)
    if counted != at.status:
        # What begins anew begins with what there is now.
        return Decision(status=counted, guard=at.follow, again_after=0.0)
    ground = _ground(at, view)
    if any(not call.changes for call in ground):
        return Decision(status=at.status, calls=ground, guard=at.follow)
    freed = _targets_in_the_way(at)
    status = structs.replace(
        _without_scaling(report.with_endpoint(at.status, view), freed),
        update=update,
        rolled_back=None,
        resources=with_resources(at.status.resources, at.wanted.resources),
    )
    reason, by_hand = Reason.UPDATING, ""
    if is_restored:
        reason, by_hand = Reason.RESTORING, f"was moved to {view.config_name} by somebody else and "
    message = f"endpoint {view.name} {by_hand}is being moved to {at.wanted.config.name}"
    calls = (
        *ground,
        *prerequisites(at),
        *freed.values(),
        update_endpoint(at.wanted.endpoint, _update_params(at, view)),
    )
    return Decision(status=at.says(at.busy(reason, message), status), calls=calls)


def _counts(status: EndpointStatus, view: EndpointView) -> dict[str, int]:
    """How many instances each variant has, or had before its endpoint was made anew; a serverless one has none."""
    awaited = report.awaited_counts(status)
    return {
        live.name: max(live.desired_count, awaited.get(live.name, 0)) if live.desired_count else 0
        for live in view.variants
    }


def _with_counts(at: Situation, view: EndpointView) -> EndpointStatus:
    """The status with the instances that there are now; of what was adopted, in all, while nothing else is known.

    Where the spec names a count, what it was tells whether the variant had served as it says.
    """
    named = {plan.name for plan in at.wanted.variants if not plan.asked.keeps_count}
    status = report.with_live_counts(at.status, view, but=named)
    adopted = status.adopted
    if adopted is None or adopted.resource != at.wanted.endpoint:
        return status
    if any(one.desired_instance_count for one in status.variants):
        return status
    count = sum(live.desired_count for live in view.variants)
    taken = structs.replace(adopted, instance_count=count, weights=report.weights_of(view))
    return structs.replace(status, adopted=taken)


def restored(at: Situation, config_name: str) -> Call:
    """The call that takes an update back: all at once, for what serves now is not good.

    A count stays where it is one of the same machines.
    """
    retaining = _RETAINING_COUNTS if at.view is not None and _keeps_counts(at, at.view) else {}
    if at.wanted.targets or _is_of_the_same_machines(at):
        retaining = _RETAINING_SIZES
    return update_endpoint(at.wanted.endpoint, {"EndpointConfigName": config_name, **retaining})


def _ground(at: Situation, view: EndpointView) -> tuple[Call, ...]:
    """The calls that put back the configuration that serves, where somebody has deleted it.

    AWS refuses to leave a configuration that does not exist any more. What it was the status tells, once it
    was found good.
    """
    current = Resource(at.wanted.place, ResourceType.ENDPOINT_CONFIG, view.config_name)
    trouble = at.seen.trouble_with(at.wanted.endpoint)
    is_missed = trouble is not None and trouble.kind is RefusalKind.NOT_PROPAGATED
    if not is_missed or current not in resources_in(at.status.resources):
        return ()
    if at.seen.of(current) is Unseen.UNKNOWN:
        return (describe(current),)
    variants = [_as_it_was(one) for one in at.status.variants if one.instance_type]
    update = at.status.update
    is_another = update is not None and update.previous_endpoint_config_name not in ("", view.config_name)
    if at.seen.of(current) is not Unseen.ABSENT or is_another or not variants:
        return ()
    return (
        create(
            current, {"ProductionVariants": variants, "Tags": tag_list(at.meta.all_tags(known_tags(at.status.tags)))}
        ),
    )


def _as_it_was(variant: VariantStatus) -> dict[str, Any]:
    accelerator = variant.accelerator.effective if variant.accelerator else ""
    return {
        "VariantName": variant.name,
        "ModelName": variant.model_name,
        "InstanceType": variant.instance_type,
        "InitialInstanceCount": max(1, variant.current_instance_count),
        **({"AcceleratorType": accelerator} if accelerator else {}),
    }


def _update_params(at: Situation, view: EndpointView) -> dict[str, Any]:
    retaining = _RETAINING_COUNTS if _keeps_counts(at, view) else {}
    params: dict[str, Any] = {"EndpointConfigName": at.wanted.config.name, **retaining}
    if at.spec.rollout is not None and _can_be_guarded(at, view):
        params["DeploymentConfig"] = deployment_config(at.spec.rollout)
    return params


def _keeps_counts(at: Situation, view: EndpointView) -> bool:
    """Whether a variant that serves keeps its instances; a serverless one has none to keep."""
    kept = [view.variant(plan.name) for plan in at.wanted.variants if plan.asked.keeps_count]
    return any(live is not None and live.desired_count for live in kept)


def _is_of_the_same_machines(at: Situation) -> bool:
    """Whether what was last found good has the wanted variants, on as good machines; serverless has none."""
    before = {one.name: one.instance_type for one in at.status.variants}
    wanted = {plan.name: plan.hardware.instance_type for plan in at.wanted.variants}
    return before == wanted and all(wanted.values())


def _can_be_guarded(at: Situation, view: EndpointView) -> bool:
    """AWS takes a DeploymentConfig only for the same variants, and not with an accelerator before or after."""
    accelerators = [plan.hardware.accelerator_type for plan in at.wanted.variants]
    accelerators += [one.accelerator.effective for one in at.status.variants if one.accelerator]
    same_names = {plan.name for plan in at.wanted.variants} == {live.name for live in view.variants}
    return same_names and not any(accelerators)


def _targets_in_the_way(at: Situation) -> dict[str, Call]:
    """AWS refuses an update that drops a variant that it scales, or changes its instance type.

    What an adopted endpoint has, the status does not tell: where AWS refuses, no target of the spec's is kept. One that
    the spec does not ask for is somebody else's, and so are those of an endpoint that is being let go of.
    """
    kept = {
        plan.name
        for plan in at.wanted.variants
        if plan.asked.autoscaling is not None and has_the_same_instance_type(at.status, plan)
    }
    trouble = at.seen.trouble_with(at.wanted.endpoint)
    if trouble is not None and (trouble.operation, trouble.kind) == ("UpdateEndpoint", RefusalKind.IN_PROGRESS):
        kept = set()
    targets = [one for one in resources_in(at.status.resources) if one.type is ResourceType.SCALABLE_TARGET]
    own = [one for one in targets if endpoint_of(one) == at.wanted.endpoint]
    return {variant_of(one): deregistered(one) for one in own if variant_of(one) not in kept}


def _without_scaling(status: EndpointStatus, freed: Mapping[str, Call]) -> EndpointStatus:
    variants = tuple(structs.replace(one, autoscaling=None) if one.name in freed else one for one in status.variants)
    return structs.replace(status, variants=variants)
