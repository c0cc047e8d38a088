"""What a spec asks of each variant, whichever of its two forms it has: one model, or several beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite

from msgspec import Struct, structs

from classifier_operator.api.ledger import Place
from classifier_operator.endpoint.record import (
    AcceleratorStatus,
    Adopted,
    EndpointStatus,
    RefusedAccelerator,
    VariantStatus,
)
from classifier_operator.endpoint.spec import AcceleratorFallback, Autoscaling, EndpointSpec, Model, Serverless, Variant
from classifier_operator.reconcile.decision import SpecError
from classifier_operator.sagemaker.images import UnknownImageError, UnknownRegionError, image_uri

# The name of the one variant of the short form, as SageMaker's own console calls it.
ONLY_VARIANT = "AllTraffic"
DEFAULT_WEIGHT = 1


class AcceleratorRefusedError(SpecError):
    """AWS refused the accelerator, and the spec names nothing to serve on instead."""


class TrainedModel(Struct, frozen=True, kw_only=True):
    """What a ClassifierTraining says of itself to endpoints that follow it.

    classes: how many its spec asks for; 0 where that is not known.
    """

    artifact: str = ""
    image: str = ""
    job_name: str = ""
    message: str = ""
    classes: int = 0


class Asked(Struct, frozen=True, kw_only=True):
    """One variant as the spec asks for it; `path` is where in the spec its fields are."""

    path: str
    name: str
    weight: float = 1
    training: str = ""
    model: Model | None = None
    instance_type: str = ""
    instance_count: int | None = None
    accelerator_type: str = ""
    accelerator_fallback: AcceleratorFallback | None = None
    autoscaling: Autoscaling | None = None
    serverless: Serverless | None = None
    # Instances that there are, or that the variant takes over; 0 where there are none yet.
    live_count: int = 0

    @property
    def initial_count(self) -> int:
        """Instances to begin with; a serverless variant has none. A count that the spec does not name never falls."""
        if self.serverless is not None:
            return 0
        return self.instance_count or self.live_count or (self.autoscaling.min_count if self.autoscaling else 1)

    @property
    def has_fixed_count(self) -> bool:
        """Whether another count than the spec's is a deviation: not where the spec names none, or AWS chooses it."""
        return self.instance_count is not None and self.autoscaling is None and self.serverless is None

    @property
    def keeps_count(self) -> bool:
        """Whether an update leaves the count as it is: whoever scales the endpoint has chosen it."""
        return self.serverless is None and not self.has_fixed_count


class Source(Struct, frozen=True, kw_only=True):
    """Where a model comes from."""

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


def asked_for(spec: EndpointSpec) -> tuple[Asked, ...]:
    """The variants by name: their order in the spec says nothing."""
    if not spec.variants:
        return (_only(spec),)
    return tuple(_one_of_several(spec, one) for one in sorted(spec.variants, key=lambda one: one.name))


def names_weights(asked: Iterable[Asked]) -> bool:
    """Whether the spec names weights: of one that is absent, the API server makes the default."""
    return any(one.weight != DEFAULT_WEIGHT for one in asked)


def with_adopted_weights(asked: Sequence[Asked], adopted: Adopted | None) -> tuple[Asked, ...]:
    """Return the variants with the weights that they were taken over with, where the spec names none."""
    if adopted is None or names_weights(asked):
        return tuple(asked)
    weights = {name: weight for name, text in adopted.weights.items() if (weight := _weight(text)) is not None}
    return tuple(structs.replace(one, weight=weights.get(one.name, one.weight)) for one in asked)


def _weight(text: str) -> float | None:
    try:
        weight = float(text)
    except ValueError:
        return None
    return weight if isfinite(weight) and weight >= 0 else None


def with_live_counts(asked: Sequence[Asked], status: EndpointStatus) -> tuple[Asked, ...]:
    """Return the variants with the instances that there are.

    A variant that is new takes over, by its weight, from those that are no longer asked for: the whole never becomes
    smaller because a variant has another name. What was adopted counts like a variant that is no longer asked for.
    """
    recorded = {one.name: one.desired_instance_count for one in status.variants}
    names = {one.name for one in asked}
    leaving = sum(count for name, count in recorded.items() if name not in names)
    if not any(recorded.values()) and status.adopted is not None:
        leaving = status.adopted.instance_count
    new = [one for one in asked if not recorded.get(one.name)]
    weights = sum(one.weight for one in new)
    counts = {one.name: int(-(-leaving * one.weight // weights)) if weights else leaving for one in new}
    return tuple(structs.replace(one, live_count=recorded.get(one.name) or counts[one.name]) for one in asked)


def source_of(asked: Asked, status: EndpointStatus, trained: Mapping[str, TrainedModel], place: Place) -> Source | None:
    """The model to serve; None while there is none.

    An endpoint goes on serving its training's model when the training is deleted or has lost it; the model of another
    training, which the spec named before, is no answer to the spec.
    """
    if asked.model is not None:
        return Source(artifact=asked.model.artifact_s3_uri, image=asked.model.image or _looked_up(asked, place))
    model = trained.get(asked.training)
    if model is not None and model.artifact:
        return Source(artifact=model.artifact, image=model.image, training=asked.training, job_name=model.job_name)
    served = _served_before(asked, status.variants)
    if served is None:
        return None
    return Source(
        artifact=served.artifact_s3_uri,
        image=served.image,
        training=asked.training,
        job_name=served.training_job_name,
    )


def hardware_of(asked: Asked, refused: Iterable[RefusedAccelerator], place: Place) -> Hardware:
    """What to serve on.

    Raises:
        AcceleratorRefusedError: AWS refused the accelerator and there is no fallback.

    """
    wanted = asked.accelerator_type
    if not wanted:
        return Hardware(instance_type=asked.instance_type)
    words = {(one.accelerator_type, one.region): one.reason for one in refused}.get((wanted, place.region))
    if words is None:
        accelerator = AcceleratorStatus(requested=wanted, effective=wanted)
        return Hardware(instance_type=asked.instance_type, accelerator=accelerator)
    if asked.accelerator_fallback is None:
        raise AcceleratorRefusedError(f"{asked.path}.acceleratorType", _advice(asked, words))
    return Hardware(
        instance_type=asked.accelerator_fallback.instance_type or asked.instance_type,
        accelerator=AcceleratorStatus(requested=wanted, reason=words),
    )


def _only(spec: EndpointSpec) -> Asked:
    return Asked(
        path="spec",
        name=ONLY_VARIANT,
        training=spec.training_ref.name if spec.training_ref else "",
        model=spec.model,
        instance_type=spec.instance_type,
        instance_count=spec.instance_count,
        accelerator_type=spec.accelerator_type,
        accelerator_fallback=spec.accelerator_fallback,
        autoscaling=spec.autoscaling,
        serverless=spec.serverless,
    )


def _one_of_several(spec: EndpointSpec, one: Variant) -> Asked:
    return Asked(
        path=f"spec.variants[{one.name}]",
        name=one.name,
        weight=one.weight,
        training=one.training_ref.name if one.training_ref else "",
        model=one.model,
        instance_type=one.instance_type,
        instance_count=one.instance_count,
        accelerator_type=one.accelerator_type,
        accelerator_fallback=one.accelerator_fallback,
        autoscaling=one.autoscaling or spec.autoscaling,
    )


def _served_before(asked: Asked, served: Iterable[VariantStatus]) -> VariantStatus | None:
    """The variant that serves the training's model; one of another name too, for variants can be renamed."""
    ours = [one for one in served if one.artifact_s3_uri and one.training_name == asked.training]
    return next((one for one in ours if one.name == asked.name), ours[0] if ours else None)


def _looked_up(asked: Asked, place: Place) -> str:
    try:
        return image_uri(place.region)
    except UnknownRegionError as error:
        raise SpecError("spec.region", str(error)) from error
    except UnknownImageError as error:
        raise SpecError(f"{asked.path}.model.image", str(error)) from error


def _advice(asked: Asked, words: str) -> str:
    return (
        f"AWS refused {asked.accelerator_type}: {words} (Amazon Elastic Inference was retired in April 2024: serve on "
        "a GPU or Inferentia instance type such as ml.g4dn.xlarge or ml.inf2.xlarge, or set "
        f"{asked.path}.acceleratorFallback)"
    )
