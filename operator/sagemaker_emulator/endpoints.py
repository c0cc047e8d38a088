"""The operations on endpoints: checks and answers.

States are in `endpoint_states`, what they lead to in `deployments`, what Describe shows in `endpoint_descriptions`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sagemaker_emulator import deployment_rules, endpoint_configs, endpoint_states, errors, models
from sagemaker_emulator.context import Context, Params, tags_of
from sagemaker_emulator.deployments import Deployments, Trouble
from sagemaker_emulator.endpoint_descriptions import description
from sagemaker_emulator.endpoint_states import Served, Target, Variant
from sagemaker_emulator.listing import Listing
from sagemaker_emulator.records import Endpoint, EndpointConfig

KIND = "endpoint"
USE: Final = "endpoint"


def create(context: Context, params: Params, deployments: Deployments) -> Params:
    """CreateEndpoint."""
    name = params["EndpointName"]
    arn = context.key.arn(KIND, name)
    with context.scope.lock:
        if context.scope.endpoints.get(name, context.now):
            raise errors.already_exists(KIND, arn)
        config = endpoint_configs.find_settled(context, params["EndpointConfigName"])
        target = _target(context, config, params.get("DeploymentConfig", {}))
        _require_accelerators(context, target)
        _require_quota(context, target, replaced=())
        trouble = _creation_trouble(context, name, target)
        endpoint = Endpoint(
            name=name,
            arn=arn,
            request=params,
            created=context.now,
            tags=tags_of(params),
            tagged=context.now,
            phases=endpoint_states.creating(context.now, target),
        )
        context.scope.endpoints.add(endpoint)
    context.world.follow(context.scope, endpoint)
    deployments.create(context.scope, endpoint, target, trouble)
    return {"EndpointArn": arn}


def describe(context: Context, params: Params) -> Params:
    """DescribeEndpoint."""
    with context.scope.lock:
        endpoint = context.described(context.scope.endpoints, params["EndpointName"])
        if endpoint is None:
            raise errors.not_found(KIND, context.key.arn(KIND, params["EndpointName"]))
        config = context.scope.configs.get(endpoint.phase(context.now).config, context.now)
        return description(endpoint, config, context.now)


def update(context: Context, params: Params, deployments: Deployments) -> Params:
    """UpdateEndpoint."""
    with context.scope.lock:
        endpoint = find(context, params["EndpointName"])
        phase = _changeable(context, endpoint)
        endpoint_configs.find(context, phase.config)
        config = endpoint_configs.find_settled(context, params["EndpointConfigName"])
        target = _retaining(params, phase, _target(context, config, _policy(params, phase)))
        _check_kind(target, phase)
        deployment_rules.check(target, phase)
        target = deployment_rules.effective(target, phase)
        _require_no_targets(context, endpoint.name, target, phase)
        _require_accelerators(context, target)
        _require_quota(context, target, replaced=phase.variants)
        trouble = _update_trouble(context, endpoint.name, target)
        endpoint.deployment += 1
        endpoint.phases = endpoint_states.updating(endpoint.phases, context.now, target)
    context.world.follow(context.scope, endpoint)
    deployments.update(context.scope, endpoint, target, trouble)
    return {"EndpointArn": endpoint.arn}


def scale(context: Context, params: Params) -> Params:
    """UpdateEndpointWeightsAndCapacities."""
    with context.scope.lock:
        endpoint = find(context, params["EndpointName"])
        phase = _changeable(context, endpoint)
        variants = _rescaled(endpoint, phase.variants, params["DesiredWeightsAndCapacities"])
        wanted = Target(phase.config, variants)
        _require_quota(context, wanted, replaced=phase.variants, in_place=True)
        endpoint.deployment += 1
        endpoint.phases = endpoint_states.scaling(endpoint.phases, context.now, variants, context.settings.endpoint)
    context.world.follow(context.scope, endpoint)
    return {"EndpointArn": endpoint.arn}


def delete(context: Context, params: Params) -> None:
    """DeleteEndpoint: refused while something is in progress, and the only thing a Failed endpoint allows."""
    with context.scope.lock:
        endpoint = find(context, params["EndpointName"])
        if endpoint.phase(context.now).status not in {*endpoint_states.CHANGEABLE, "Failed"}:
            raise errors.in_progress(endpoint.arn)
        if context.scope.targets_of(endpoint.name) and not context.settings.deregister_with_endpoint:
            raise errors.may_not_deregister()
        context.scope.forget_targets(endpoint.name)
        endpoint.deployment += 1
        endpoint.phases = endpoint_states.deleting(endpoint.phases, context.now, context.settings.endpoint)
    context.world.follow(context.scope, endpoint)


def list_endpoints(context: Context, params: Params) -> Params:
    """ListEndpoints."""
    with context.scope.lock:
        return LISTING.answer(context, context.scope.endpoints, params)


def find(context: Context, name: str) -> Endpoint:
    """The endpoint of this name, or AWS's refusal."""
    endpoint = context.scope.endpoints.get(name, context.now)
    if endpoint is None:
        raise errors.not_found(KIND, context.key.arn(KIND, name))
    return endpoint


def _changeable(context: Context, endpoint: Endpoint) -> endpoint_states.Phase:
    """The endpoint's phase, if it allows a change. That a status nobody knows forbids one is a guess."""
    phase = endpoint.phase(context.now)
    if phase.status == "Failed":
        raise errors.failed_endpoint(endpoint.arn, phase.status)
    if phase.status not in endpoint_states.CHANGEABLE:
        raise errors.in_progress(endpoint.arn)
    return phase


def _target(context: Context, config: EndpointConfig, policy: Params) -> Target:
    variants = tuple(_variant(context, variant) for variant in config.variants)
    return Target(config.name, variants, policy)


def _variant(context: Context, variant: Params) -> Variant:
    weight = float(variant.get("InitialVariantWeight", 1.0))
    count = int(variant.get("InitialInstanceCount", 0))
    return Variant(
        name=variant["VariantName"],
        served=_served(context, variant.get("ModelName", "")),
        instance_type=variant.get("InstanceType", ""),
        accelerator=variant.get("AcceleratorType", ""),
        weight=weight,
        count=count,
        desired_weight=weight,
        desired_count=count,
        serverless=variant.get("ServerlessConfig"),
        since=context.now,
    )


def _served(context: Context, model_name: str) -> Served:
    """The model as it is now: the endpoint keeps serving it when the model resource is deleted."""
    if not model_name:
        return Served("")
    container = models.find(context, model_name).containers[0]
    return Served(model_name, container.get("Image", ""), models.data_url(container))


def _policy(params: Params, phase: endpoint_states.Phase) -> Params:
    if params.get("RetainDeploymentConfig") and phase.deployment:
        return phase.deployment
    return dict(params.get("DeploymentConfig", {}))


def _retaining(params: Params, phase: endpoint_states.Phase, target: Target) -> Target:
    """Weights and counts of the running variants, where the caller wants to keep them."""
    if not params.get("RetainAllVariantProperties"):
        return target
    excluded = {p["VariantPropertyType"] for p in params.get("ExcludeRetainedVariantProperties", [])}
    running = {variant.name: variant for variant in phase.variants}
    kept = tuple(_keeping(new, running.get(new.name), excluded) for new in target.variants)
    return replace(target, variants=kept)


def _keeping(new: Variant, old: Variant | None, excluded: set[str]) -> Variant:
    if old is None:
        return new
    weight = new.desired_weight if "DesiredWeight" in excluded else old.desired_weight
    count = new.desired_count if "DesiredInstanceCount" in excluded else old.desired_count
    return replace(new, weight=weight, count=count, desired_weight=weight, desired_count=count)


def _check_kind(target: Target, phase: endpoint_states.Phase) -> None:
    """Documented: a serverless endpoint can get instances, but never the other way round. The text is unconfirmed."""
    if any(v.serverless for v in target.variants) and not all(v.serverless for v in phase.variants):
        raise errors.validation("An instance-based endpoint cannot be updated to a serverless endpoint.")


def _require_no_targets(context: Context, name: str, target: Target, phase: endpoint_states.Phase) -> None:
    """A scalable target keeps its variant and the variant's instance type."""
    kept = {(variant.name, variant.instance_type) for variant in target.variants}
    changed = [v.name for v in phase.variants if (v.name, v.instance_type) not in kept]
    registered = {target.variant for target in context.scope.targets_of(name)}
    if refused := [variant for variant in changed if variant in registered]:
        raise errors.variants_are_targets(refused)


def _rescaled(endpoint: Endpoint, variants: tuple[Variant, ...], wanted: list[Params]) -> tuple[Variant, ...]:
    names = [change["VariantName"] for change in wanted]
    if repeated := next((name for name in names if names.count(name) > 1), None):
        # The text is moto's, which follows AWS's.
        raise errors.validation(f'The variant name "{repeated}" was non-unique within the request.')
    by_name = {change["VariantName"]: change for change in wanted}
    if unknown := set(by_name) - {variant.name for variant in variants}:
        # The text is unconfirmed.
        raise errors.validation(
            f'The variant name(s) "{", ".join(sorted(unknown))}" is/are not present within '
            f'endpoint configuration "{endpoint.phases[-1].config}".'
        )
    return tuple(_wanting(variant, by_name.get(variant.name, {})) for variant in variants)


def _wanting(variant: Variant, change: Params) -> Variant:
    """A count alone leaves the weight, and the other way round."""
    serverless = variant.serverless
    if serverless and "ServerlessUpdateConfig" in change:
        serverless = {**serverless, **change["ServerlessUpdateConfig"]}
    return replace(
        variant,
        desired_weight=float(change.get("DesiredWeight", variant.desired_weight)),
        desired_count=int(change.get("DesiredInstanceCount", variant.desired_count)),
        serverless=serverless,
    )


def _refused_accelerator(context: Context, target: Target) -> str:
    return context.settings.elastic_inference.first_refused(variant.accelerator for variant in target.variants)


def _require_accelerators(context: Context, target: Target) -> None:
    refused = _refused_accelerator(context, target)
    if refused and context.settings.elastic_inference.refused_at == "CreateEndpoint":
        raise errors.accelerator_refused(refused)


def _require_quota(context: Context, target: Target, *, replaced: tuple[Variant, ...], in_place: bool = False) -> None:
    """Blue/green needs both fleets at once, so an update asks for all its instances; scaling only for more."""
    for instance_type in sorted({variant.instance_type for variant in target.variants} - {""}):
        if context.world.capacity.quota(instance_type, USE) is None:
            continue
        delta = _count(target.variants, instance_type)
        if in_place:
            delta -= _count(replaced, instance_type)
        used = sum(
            _count(phase.variants, instance_type)
            for phase in (endpoint.phase(context.now) for endpoint in context.scope.endpoints)
            if phase.status != "Failed"
        )
        context.world.capacity.require(instance_type, USE, used=used, delta=delta)


def _count(variants: tuple[Variant, ...], instance_type: str) -> int:
    return sum(max(v.count, v.desired_count) for v in variants if v.instance_type == instance_type)


def _creation_trouble(context: Context, name: str, target: Target) -> Trouble | None:
    if ordered := context.world.outcomes.take("creation", name):
        return Trouble(ordered.reason or errors.INTERNAL_FAILURE, ordered.after_seconds)
    return _async_refusal(context, target)


def _update_trouble(context: Context, name: str, target: Target) -> Trouble | None:
    if ordered := context.world.outcomes.take("update", name):
        return Trouble(ordered.reason, ordered.after_seconds, rollback_fails=ordered.result == "rollback_fails")
    return _async_refusal(context, target)


def _async_refusal(context: Context, target: Target) -> Trouble | None:
    """What AWS finds out only while it deploys."""
    if refused := _refused_accelerator(context, target):
        return Trouble(errors.accelerator_refused(refused).message)
    if any(context.world.capacity.is_short(variant.instance_type, USE) for variant in target.variants):
        return Trouble(errors.CAPACITY_FAILURE)
    return None


LISTING: Listing[Endpoint] = Listing(
    operation="ListEndpoints",
    result="Endpoints",
    summary=lambda endpoint, now: {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "CreationTime": endpoint.created,
        "LastModifiedTime": endpoint.phase(now).at,
        "EndpointStatus": endpoint.phase(now).status,
    },
    status=lambda endpoint, now: endpoint.phase(now).status,
    modified=lambda endpoint, now: endpoint.phase(now).at,
)
