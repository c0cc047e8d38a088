"""What a ClassifierEndpoint's status says: one function for each group of fields."""

from __future__ import annotations

from datetime import datetime

from msgspec import structs

from classifier_operator.api.conditions import Verdict, with_verdict
from classifier_operator.endpoint.deployment import Deployment
from classifier_operator.endpoint.spec import ONLY_VARIANT, EndpointStatus, VariantStatus
from classifier_operator.reconcile.decision import Meta
from classifier_operator.sagemaker.views import EndpointView


def with_conditions(status: EndpointStatus, meta: Meta, verdict: Verdict, now: datetime) -> EndpointStatus:
    """The status with the verdict as its conditions."""
    return structs.replace(
        status,
        observed_generation=meta.generation,
        conditions=with_verdict(status.conditions, verdict, generation=meta.generation, now=now),
    )


def with_endpoint(status: EndpointStatus, view: EndpointView) -> EndpointStatus:
    """The status with what AWS says of the endpoint; a List says nothing of configuration and counts."""
    status = structs.replace(
        status,
        endpoint_name=view.name,
        endpoint_arn=view.arn or status.endpoint_arn,
        endpoint_status=view.status,
        failure_reason=view.failure_reason,
        url=status.url or invocation_url(_region_of(view.arn), view.name),
        selector=f"classifiers.sagemaker.dev/endpoint={view.name}",
    )
    if not view.is_detailed:
        return status
    live = view.variant(ONLY_VARIANT)
    return structs.replace(
        status,
        endpoint_config_name=view.config_name,
        instance_count=live.current_count if live else 0,
    )


def with_deployment(status: EndpointStatus, deployment: Deployment, view: EndpointView | None) -> EndpointStatus:
    """The status with the deployment that serves, or that is about to for the first time."""
    live = view.variant(ONLY_VARIANT) if view is not None else None
    variant = VariantStatus(
        name=ONLY_VARIANT,
        model_name=deployment.model.name,
        image=deployment.source.image,
        artifact_s3_uri=deployment.source.artifact,
        training_name=deployment.source.training,
        training_job_name=deployment.source.job_name,
        instance_type=deployment.hardware.instance_type,
        accelerator=deployment.hardware.accelerator,
        current_instance_count=live.current_count if live else 0,
        desired_instance_count=live.desired_count if live else deployment.instance_count,
        current_weight=f"{live.current_weight:g}" if live else "",
    )
    return structs.replace(status, region=deployment.place.region, variants=(variant,))


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
        variants=tuple(structs.replace(one, current_instance_count=0) for one in status.variants),
        smoke_test=None,
        update=None,
    )


def invocation_url(region: str, name: str) -> str:
    """Where the endpoint is invoked (SageMaker Runtime's InvokeEndpoint)."""
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://runtime.sagemaker.{region}.{domain}/endpoints/{name}/invocations"


def is_settled(status: EndpointStatus, deployment: Deployment, tags: dict[str, str]) -> bool:
    """Whether the status already records that exactly this deployment serves."""
    served = next((one for one in status.variants if one.name == ONLY_VARIANT), None)
    wanted = {resource.name for resource in deployment.resources}
    return (
        served is not None
        and status.endpoint_status == "InService"
        and status.endpoint_config_name == deployment.config.name
        and served.desired_instance_count == deployment.instance_count
        and served.current_instance_count == deployment.instance_count
        and status.update is None
        and status.tags == tags
        and {entry.name for entry in status.resources} == wanted
    )


def _region_of(arn: str) -> str:
    parts = arn.split(":")
    return parts[3] if len(parts) > 3 else ""
