"""What a ClassifierEndpoint's status says: one function for each group of fields."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime
from urllib.parse import quote

from msgspec import structs

from classifier_operator.api.conditions import ConditionType, Verdict, find, with_verdict
from classifier_operator.api.kinds import GROUP
from classifier_operator.endpoint.deployment import Deployment, VariantPlan
from classifier_operator.endpoint.record import EndpointStatus, VariantStatus
from classifier_operator.reconcile.decision import Meta
from classifier_operator.sagemaker.regions import domain_of
from classifier_operator.sagemaker.views import EndpointView, VariantView


def with_conditions(status: EndpointStatus, meta: Meta, verdict: Verdict, now: datetime) -> EndpointStatus:
    """The status with the verdict as its conditions."""
    return structs.replace(
        status,
        ready_before=verdict.is_unknown and was_ready(status),
        observed_generation=meta.generation,
        conditions=with_verdict(status.conditions, verdict, generation=meta.generation, now=now),
    )


def was_ready(status: EndpointStatus) -> bool:
    """Whether the object was called ready; while nobody can tell, whether it was before."""
    ready = find(status.conditions, ConditionType.READY)
    return ready is not None and (ready.is_true or (ready.status == "Unknown" and status.ready_before))


def with_endpoint(status: EndpointStatus, view: EndpointView) -> EndpointStatus:
    """The status with what AWS says of the endpoint; a List says nothing of configuration and counts."""
    arn = view.arn or status.endpoint_arn
    status = structs.replace(
        status,
        endpoint_name=view.name,
        endpoint_arn=arn,
        endpoint_status=view.status,
        failure_reason=view.failure_reason,
        url=invocation_url(_region_of(arn), view.name),
        selector=selector_of(view.name),
    )
    if not view.is_detailed:
        return status
    return structs.replace(
        status,
        endpoint_config_name=view.config_name,
        instance_count=sum(live.current_count for live in view.variants),
        last_modified_time=view.modified_at,
    )


def with_deployment(status: EndpointStatus, deployment: Deployment, view: EndpointView | None) -> EndpointStatus:
    """The status with the deployment that serves, or that is about to for the first time."""
    variants = tuple(_variant(status, plan, view.variant(plan.name) if view else None) for plan in deployment.variants)
    return structs.replace(status, region=deployment.place.region, variants=variants)


def with_live_sizes(status: EndpointStatus, view: EndpointView) -> EndpointStatus:
    """The status with the counts and weights that its variants have now; what they serve stays what it says."""
    return structs.replace(status, variants=tuple(_resized(one, view.variant(one.name)) for one in status.variants))


def with_live_counts(status: EndpointStatus, view: EndpointView, but: Container[str] = ()) -> EndpointStatus:
    """The status with the instances that its variants are to have now, but for those; weights stay what it says."""
    awaited = awaited_counts(status)

    def counted(variant: VariantStatus) -> VariantStatus:
        live = view.variant(variant.name)
        count = live.desired_count if live else 0
        if variant.name in but or count in (0, variant.desired_instance_count) or count < awaited.get(variant.name, 0):
            return variant
        return structs.replace(variant, current_instance_count=count, desired_instance_count=count)

    return structs.replace(status, variants=tuple(map(counted, status.variants)))


def awaited_counts(status: EndpointStatus) -> dict[str, int]:
    """The instances that variants last had, or are made with, while none of them has been seen to serve since."""
    return {
        one.name: one.desired_instance_count
        for one in status.variants
        if one.desired_instance_count and not one.current_instance_count
    }


def weights_of(view: EndpointView) -> dict[str, str]:
    """The shares that the variants of an endpoint are to have, as text that loses nothing."""
    return {one.name: repr(one.desired_weight).removesuffix(".0") for one in view.variants}


def variant_in(status: EndpointStatus, name: str) -> VariantStatus | None:
    """What the status says of a variant."""
    return next((one for one in status.variants if one.name == name), None)


def _variant(status: EndpointStatus, plan: VariantPlan, live: VariantView | None) -> VariantStatus:
    before = variant_in(status, plan.name)
    return VariantStatus(
        name=plan.name,
        model_name=plan.model.name,
        image=plan.source.image,
        artifact_s3_uri=plan.source.artifact,
        training_name=plan.source.training,
        training_job_name=plan.source.job_name,
        instance_type=plan.hardware.instance_type,
        accelerator=plan.hardware.accelerator,
        current_instance_count=live.current_count if live else 0,
        desired_instance_count=live.desired_count if live else plan.asked.initial_count,
        current_weight=f"{live.current_weight:g}" if live else "",
        autoscaling=before.autoscaling if before else None,
    )


def _resized(variant: VariantStatus, live: VariantView | None) -> VariantStatus:
    if live is None:
        return variant
    return structs.replace(
        variant,
        current_instance_count=live.current_count,
        desired_instance_count=live.desired_count,
        current_weight=f"{live.current_weight:g}",
    )


def without_endpoint(status: EndpointStatus) -> EndpointStatus:
    """The status once nothing runs at AWS any more."""
    return structs.replace(
        status,
        endpoint_arn="",
        endpoint_status="",
        endpoint_config_name="",
        failure_reason="",
        url="",
        instance_count=0,
        variants=tuple(structs.replace(one, current_instance_count=0, autoscaling=None) for one in status.variants),
        smoke_test=None,
        update=None,
        last_modified_time="",
    )


def without_accelerators(status: EndpointStatus) -> EndpointStatus:
    """The status of what does not serve, whose variants have none of the accelerators that AWS has refused."""
    refused = {(one.accelerator_type, one.region): one.reason for one in status.refused_accelerators}

    def corrected(variant: VariantStatus) -> VariantStatus:
        has = variant.accelerator
        if has is None or (words := refused.get((has.effective, status.region))) is None:
            return variant
        return structs.replace(variant, accelerator=structs.replace(has, effective="", reason=words))

    return structs.replace(status, variants=tuple(map(corrected, status.variants)))


def without_counts(status: EndpointStatus) -> EndpointStatus:
    """The status whose variants say nothing of how many instances there are to be."""
    return structs.replace(
        status, variants=tuple(structs.replace(one, desired_instance_count=0) for one in status.variants)
    )


def invocation_url(region: str, name: str) -> str:
    """Where the endpoint is invoked (SageMaker Runtime's InvokeEndpoint)."""
    return f"https://runtime.sagemaker.{region}.{domain_of(region)}/endpoints/{quote(name, safe='')}/invocations"


def selector_of(name: str) -> str:
    """A label selector that matches no Pod: a HorizontalPodAutoscaler refuses an empty one."""
    return f"{GROUP}/endpoint={name}"


def is_settled(status: EndpointStatus, deployment: Deployment, tags: dict[str, str]) -> bool:
    """Whether the status already records that exactly this deployment serves, and nothing is left to do."""
    wanted = {resource.name for resource in deployment.resources}
    return (
        status.endpoint_status == "InService"
        and has_served(status, deployment)
        and status.retry is None
        and status.tags == tags
        and wanted <= {entry.name for entry in status.resources}
        and {entry.name for entry in status.resources if entry not in status.let_go} <= wanted
    )


def has_served(status: EndpointStatus, deployment: Deployment) -> bool:
    """Whether the status records that this deployment served: whatever else is there now, somebody else has done."""
    return (
        status.endpoint_config_name == deployment.config.name
        and len(status.variants) == len(deployment.variants)
        and all(_is_as_planned(variant_in(status, plan.name), plan) for plan in deployment.variants)
        and status.update is None
    )


def _is_as_planned(served: VariantStatus | None, plan: VariantPlan) -> bool:
    asked = plan.asked
    return (
        served is not None
        and served.current_instance_count == served.desired_instance_count
        and (not asked.has_fixed_count or served.desired_instance_count == asked.initial_count)
        and served.current_weight == f"{asked.weight:g}"
        and served.autoscaling == asked.autoscaling
    )


def _region_of(arn: str) -> str:
    parts = arn.split(":")
    return parts[3] if len(parts) > 3 else ""
