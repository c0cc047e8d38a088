"""What a spec asks AWS to have: a model, an endpoint configuration and an endpoint, by name and request.

A model and a configuration are named after their content, so a change makes new ones beside the old. Counts and tags
are no part of that content: they change in place.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from classifier_operator.api.ledger import Place, Resource, ResourceType
from classifier_operator.endpoint.spec import ONLY_VARIANT, AcceleratorStatus, EndpointSpec, EndpointStatus
from classifier_operator.reconcile.calls import tag_list
from classifier_operator.reconcile.decision import Defaults, Meta, SpecError, UnsupportedError, place_of, role_of
from classifier_operator.sagemaker.images import UnknownImageError, image_uri
from classifier_operator.sagemaker.names import aws_name, content_hash

_LATER = {
    "variants": "serving several variants",
    "serverless": "serverless serving",
    "autoscaling": "autoscaling",
    "rollout": "choosing a rollout",
    "data_capture": "data capture",
}


class TrainedModel(Struct, frozen=True, kw_only=True):
    """What a ClassifierTraining says of itself to endpoints that follow it."""

    artifact: str = ""
    image: str = ""
    job_name: str = ""
    message: str = ""


class Source(Struct, frozen=True, kw_only=True):
    """Where the model comes from."""

    artifact: str
    image: str
    training: str = ""
    job_name: str = ""


class Hardware(Struct, frozen=True, kw_only=True):
    """What serves: the accelerator that was asked for may have been replaced by the fallback."""

    instance_type: str
    accelerator: AcceleratorStatus | None = None

    @property
    def accelerator_type(self) -> str:
        """The accelerator that is sent."""
        return self.accelerator.effective if self.accelerator else ""


class Deployment(Struct, frozen=True, kw_only=True):
    """The three resources, and the requests that make them."""

    place: Place
    source: Source
    hardware: Hardware
    model: Resource
    model_params: dict[str, Any]
    config: Resource
    config_params: dict[str, Any]
    endpoint: Resource
    endpoint_params: dict[str, Any]
    instance_count: int

    @property
    def resources(self) -> tuple[Resource, Resource, Resource]:
        """In the order of their creation."""
        return self.model, self.config, self.endpoint


class AcceleratorRefusedError(SpecError):
    """AWS refused the accelerator, and the spec names nothing to serve on instead."""


def endpoint_resource(meta: Meta, place: Place) -> Resource:
    """The endpoint: its name stays the same for as long as the object stays in its region and account."""
    name = aws_name(meta.key.namespace, meta.key.name, content_hash(meta.uid, place.region, place.assume_role_arn))
    return Resource(place, ResourceType.ENDPOINT, name)


def check(spec: EndpointSpec) -> None:
    """Refuse what this version does not do.

    Raises:
        UnsupportedError: naming the field.

    """
    for field, what in _LATER.items():
        if getattr(spec, field):
            path = {"data_capture": "dataCapture"}.get(field, field)
            raise UnsupportedError(f"spec.{path}", f"{what} is not implemented in this version: remove the field")


def source_of(spec: EndpointSpec, status: EndpointStatus, trained: TrainedModel | None, place: Place) -> Source | None:
    """The model to serve; None while there is none.

    An endpoint goes on serving its training's model when the training is deleted or has lost it; the model of another
    training, which the spec named before, is no answer to the spec.
    """
    if spec.model is not None:
        return Source(artifact=spec.model.artifact_s3_uri, image=spec.model.image or _looked_up(place))
    training = spec.training_ref.name if spec.training_ref else ""
    if trained is not None and trained.artifact:
        return Source(artifact=trained.artifact, image=trained.image, training=training, job_name=trained.job_name)
    served = next((one for one in status.variants if one.name == ONLY_VARIANT and one.artifact_s3_uri), None)
    if served is None or served.training_name != training:
        return None
    return Source(
        artifact=served.artifact_s3_uri, image=served.image, training=training, job_name=served.training_job_name
    )


def hardware_of(spec: EndpointSpec, status: EndpointStatus, place: Place) -> Hardware:
    """What to serve on.

    Raises:
        AcceleratorRefusedError: AWS refused the accelerator and there is no fallback.

    """
    wanted = spec.accelerator_type
    if not wanted:
        return Hardware(instance_type=spec.instance_type)
    refused = status.accelerator_refused
    if refused is None or (refused.accelerator_type, refused.region) != (wanted, place.region):
        return Hardware(
            instance_type=spec.instance_type,
            accelerator=AcceleratorStatus(requested=wanted, effective=wanted),
        )
    if spec.accelerator_fallback is None:
        raise AcceleratorRefusedError("spec.acceleratorType", _advice(wanted, refused.reason))
    return Hardware(
        instance_type=spec.accelerator_fallback.instance_type or spec.instance_type,
        accelerator=AcceleratorStatus(requested=wanted, reason=refused.reason),
    )


def deployment_of(meta: Meta, spec: EndpointSpec, defaults: Defaults, source: Source, hardware: Hardware) -> Deployment:
    """The resources that serve this source on this hardware."""
    place = place_of(spec.region, spec.assume_role_arn, defaults)
    tags = tag_list({**spec.tags, **meta.owner_tags})
    model_content = _model(spec, role_of(spec.role_arn, defaults), source)
    model = _named(meta, place, ResourceType.MODEL, model_content)
    variant = _variant(model, hardware)
    config_content = {"ProductionVariants": [variant], **_kms(spec)}
    config = _named(meta, place, ResourceType.ENDPOINT_CONFIG, config_content)
    sized = {**variant, "InitialInstanceCount": spec.instance_count}
    return Deployment(
        place=place,
        source=source,
        hardware=hardware,
        model=model,
        model_params={**model_content, "Tags": tags},
        config=config,
        config_params={**config_content, "ProductionVariants": [sized], "Tags": tags},
        endpoint=endpoint_resource(meta, place),
        endpoint_params={"EndpointConfigName": config.name, "Tags": tags},
        instance_count=spec.instance_count,
    )


def _advice(accelerator: str, words: str) -> str:
    return (
        f"AWS refused {accelerator}: {words} (Amazon Elastic Inference was retired in April 2024: serve on a GPU or "
        "Inferentia instance type such as ml.g4dn.xlarge or ml.inf2.xlarge, or set spec.acceleratorFallback)"
    )


def _looked_up(place: Place) -> str:
    try:
        return image_uri(place.region)
    except UnknownImageError as error:
        raise SpecError("spec.model.image", str(error)) from error


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


def _variant(model: Resource, hardware: Hardware) -> dict[str, Any]:
    variant = {
        "VariantName": ONLY_VARIANT,
        "ModelName": model.name,
        "InstanceType": hardware.instance_type,
    }
    if hardware.accelerator_type:
        variant["AcceleratorType"] = hardware.accelerator_type
    return variant


def _kms(spec: EndpointSpec) -> dict[str, str]:
    return {"KmsKeyId": spec.kms_key_id} if spec.kms_key_id else {}
