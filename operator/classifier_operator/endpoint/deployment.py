"""What a spec asks AWS to have: models, a configuration, an endpoint and scalable targets, by name and request.

A model and a configuration are named after their content, so a change makes new ones beside the old. Counts, weights
and tags are no part of that content: they change in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from classifier_operator.api.ledger import Place, Resource, ResourceType
from classifier_operator.endpoint.record import Adopted, EndpointStatus
from classifier_operator.endpoint.scaling import scalable_target
from classifier_operator.endpoint.spec import DataCapture, EndpointSpec, Serverless
from classifier_operator.endpoint.variants import Asked, Hardware, Source, with_adopted_weights, with_live_counts
from classifier_operator.reconcile.calls import tag_list
from classifier_operator.reconcile.decision import Defaults, Meta, place_of, role_of
from classifier_operator.sagemaker.names import aws_name, content_hash
from classifier_operator.sagemaker.words import names_in


class VariantPlan(Struct, frozen=True, kw_only=True):
    """A variant with all that it needs: its model's request, and the machines."""

    asked: Asked
    source: Source
    hardware: Hardware
    model: Resource
    model_params: dict[str, Any]

    @property
    def name(self) -> str:
        """The variant's name."""
        return self.asked.name


class Deployment(Struct, frozen=True, kw_only=True):
    """The resources, and the requests that make them."""

    place: Place
    variants: tuple[VariantPlan, ...]
    config: Resource
    config_params: dict[str, Any]
    endpoint: Resource
    endpoint_params: dict[str, Any]

    @property
    def models(self) -> dict[Resource, dict[str, Any]]:
        """The models with their requests; variants that serve the same share one."""
        return {one.model: one.model_params for one in self.variants}

    @property
    def served(self) -> tuple[Resource, ...]:
        """What serves, in the order of its creation."""
        return *self.models, self.config, self.endpoint

    @property
    def targets(self) -> tuple[Resource, ...]:
        """The scalable targets of the variants that AWS scales."""
        return tuple(self.target(one) for one in self.variants if one.asked.autoscaling is not None)

    @property
    def keeps_counts(self) -> bool:
        """Whether an update leaves some variant's count as it is."""
        return any(one.asked.keeps_count for one in self.variants)

    @property
    def resources(self) -> tuple[Resource, ...]:
        """All of them."""
        return *self.served, *self.targets

    @property
    def names(self) -> tuple[str, ...]:
        """Values of the requests that AWS may quote, the user's own names among it."""
        return names_in(
            {"models": list(self.models.values()), "config": self.config_params, "it": self.endpoint_params}
        )

    def target(self, variant: VariantPlan) -> Resource:
        """The scalable target of a variant."""
        return scalable_target(self.endpoint, variant.name)


def endpoint_resource(meta: Meta, place: Place, adopted: Adopted | None = None) -> Resource:
    """The endpoint: its name stays the same for as long as the object stays in its region and account."""
    if adopted is not None and adopted.type is ResourceType.ENDPOINT and adopted.place == place:
        return Resource(place, ResourceType.ENDPOINT, adopted.name)
    name = aws_name(meta.key.namespace, meta.key.name, content_hash(meta.uid, place.region, place.assume_role_arn))
    return Resource(place, ResourceType.ENDPOINT, name)


def deployment_of(
    meta: Meta,
    spec: EndpointSpec,
    defaults: Defaults,
    status: EndpointStatus,
    variants: Sequence[tuple[Asked, Source, Hardware]],
) -> Deployment:
    """The resources that serve these models on this hardware."""
    place = place_of(spec.region, spec.assume_role_arn, defaults)
    tags = tag_list(meta.all_tags(spec.tags))
    role_arn = role_of(spec.role_arn, defaults)
    plans = []
    counted = with_live_counts(with_adopted_weights([asked for asked, _, _ in variants], status.adopted), status)
    for asked, (_, source, hardware) in zip(counted, variants, strict=True):
        content = _model(spec, role_arn, source)
        model = _adopted_model(status, place, source) or _named(meta, place, ResourceType.MODEL, content)
        params = {**content, "Tags": tags}
        plans.append(VariantPlan(asked=asked, source=source, hardware=hardware, model=model, model_params=params))
    shared = _shared(spec)
    content = {"ProductionVariants": [*map(_variant, plans)], **shared, **_taken_over(status, place)}
    config = _named(meta, place, ResourceType.ENDPOINT_CONFIG, content)
    sized = [{**_variant(plan), **_sizes(plan.asked)} for plan in plans]
    return Deployment(
        place=place,
        variants=tuple(plans),
        config=config,
        config_params={"ProductionVariants": sized, **shared, "Tags": tags},
        endpoint=endpoint_resource(meta, place, status.adopted),
        endpoint_params={"EndpointConfigName": config.name, "Tags": tags},
    )


def _taken_over(status: EndpointStatus, place: Place) -> dict[str, str]:
    """What tells the configuration of an adopted endpoint from one of the object's own endpoint.

    A configuration that is there already begins with as few instances as it was made with.
    """
    adopted = status.adopted
    if adopted is None or adopted.place != place or adopted.type is not ResourceType.ENDPOINT:
        return {}
    return {"AdoptedEndpoint": adopted.name}


def _adopted_model(status: EndpointStatus, place: Place, source: Source) -> Resource | None:
    """A model that was taken over serves as long as it is what the spec asks for."""
    adopted = status.adopted
    if adopted is None or adopted.type is not ResourceType.MODEL or adopted.place != place:
        return None
    if (adopted.image, adopted.artifact_s3_uri) != (source.image, source.artifact):
        return None
    return Resource(place, ResourceType.MODEL, adopted.name)


def _named(meta: Meta, place: Place, kind: ResourceType, content: dict[str, Any]) -> Resource:
    content_name = content_hash(meta.uid, place.region, place.assume_role_arn, content)
    return Resource(place, kind, aws_name(meta.key.namespace, meta.key.name, content_name))


def _model(spec: EndpointSpec, role_arn: str, source: Source) -> dict[str, Any]:
    model: dict[str, Any] = {
        "ExecutionRoleArn": role_arn,
        "PrimaryContainer": {"Image": source.image, "ModelDataUrl": source.artifact},
    }
    if spec.network.isolated:
        model["EnableNetworkIsolation"] = True
    if spec.network.subnets:
        model["VpcConfig"] = {
            "SecurityGroupIds": sorted(spec.network.security_group_ids),
            "Subnets": sorted(spec.network.subnets),
        }
    return model


def _variant(plan: VariantPlan) -> dict[str, Any]:
    variant: dict[str, Any] = {"VariantName": plan.name, "ModelName": plan.model.name}
    if plan.asked.serverless is not None:
        return {**variant, "ServerlessConfig": _serverless(plan.asked.serverless)}
    variant["InstanceType"] = plan.hardware.instance_type
    if plan.hardware.accelerator_type:
        variant["AcceleratorType"] = plan.hardware.accelerator_type
    return variant


def _sizes(asked: Asked) -> dict[str, float]:
    """What changes in place later on, and is therefore no part of the configuration's name."""
    count: dict[str, float] = {} if asked.serverless is not None else {"InitialInstanceCount": asked.initial_count}
    return count if asked.weight == 1 else {**count, "InitialVariantWeight": asked.weight}


def _serverless(serverless: Serverless) -> dict[str, int]:
    return {"MemorySizeInMB": serverless.memory_size_mb, "MaxConcurrency": serverless.max_concurrency}


def _shared(spec: EndpointSpec) -> dict[str, Any]:
    key = {"KmsKeyId": spec.kms_key_id} if spec.kms_key_id else {}
    return {**key, **({"DataCaptureConfig": _data_capture(spec.data_capture)} if spec.data_capture else {})}


def _data_capture(capture: DataCapture) -> dict[str, Any]:
    key = {"KmsKeyId": capture.kms_key_id} if capture.kms_key_id else {}
    return {
        "EnableCapture": True,
        "InitialSamplingPercentage": capture.sampling_percent,
        "DestinationS3Uri": capture.s3_uri,
        "CaptureOptions": [{"CaptureMode": mode} for mode in sorted(capture.modes)],
        **key,
    }
