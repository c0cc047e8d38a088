"""What a ClassifierEndpoint uses of AWS, by itself and by the trainings that it follows."""

from __future__ import annotations

from collections.abc import Iterable

from classifier_operator.endpoint.situation import Endpoint, sources_of
from classifier_operator.endpoint.variants import Asked, Source
from classifier_operator.reconcile.tenants import Limit, Use, machine, placed, stored


def uses_of(endpoint: Endpoint) -> tuple[Use, ...]:
    """What the spec uses, whichever of it is in use at the moment: fallbacks are among it.

    Raises:
        SpecError: a region, a role or an image is missing.

    """
    spec = endpoint.spec
    image = spec.smoke_test.image.s3_uri if spec.smoke_test else ""
    capture = spec.data_capture.s3_uri if spec.data_capture else ""
    variants = [_uses_of_variant(asked, source) for asked, source in sources_of(endpoint)]
    return (
        *placed(spec.region, spec.role_arn, spec.assume_role_arn, endpoint.defaults),
        *(use for uses in variants for use in uses),
        *stored("spec.smokeTest.image.s3Uri", image),
        *stored("spec.dataCapture.s3Uri", capture, is_prefix=True),
    )


def _uses_of_variant(asked: Asked, source: Source | None) -> Iterable[Use]:
    yield from machine(f"{asked.path}.instanceType", asked.instance_type)
    if asked.accelerator_type:
        path = f"{asked.path}.acceleratorType"
        yield Use(path=path, limit=Limit.ACCELERATOR_TYPES, value=asked.accelerator_type)
    if asked.accelerator_fallback is not None:
        yield from machine(f"{asked.path}.acceleratorFallback.instanceType", asked.accelerator_fallback.instance_type)
    if source is not None:
        # That of a training was looked at before it was made; the rules may have changed since.
        field = "trainingRef" if source.training else "model.artifactS3Uri"
        yield from stored(f"{asked.path}.{field}", source.artifact)
