"""What a ClassifierEndpoint uses of AWS, by itself, by the trainings that it follows, and by what it has taken over."""

from __future__ import annotations

from collections.abc import Iterable

from classifier_operator.api.ledger import Resource, ResourceType, resources_in
from classifier_operator.endpoint.situation import Endpoint, sources_of
from classifier_operator.endpoint.teardown import referred_to, scaling
from classifier_operator.endpoint.variants import Asked, Source
from classifier_operator.reconcile.tenants import Limit, Use, adopted, machine, placed, reached, stored


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
        *(adopted(name) for name in sorted({endpoint.meta.adopt, _recorded(endpoint)} - {""})),
    )


def adoption_refusal_of(endpoint: Endpoint) -> str:
    """Why what the object has taken over may not be its own any more; "" where it may, or there is nothing.

    Its name, its region and the role by which it is reached are held against the rules together.
    """
    uses = [use for one in _taken_over(endpoint) for use in (adopted(one.name), *reached(one.place))]
    return endpoint.allowed.refusal_of(uses) if uses else ""


def retained(endpoint: Endpoint) -> frozenset[Resource]:
    """What stays as it is because it was taken over and may not have been: nobody deletes it behind the rules' back.

    An endpoint with all that it may refer to: which of the configurations and models it serves AWS alone knows.
    """
    if not adoption_refusal_of(endpoint):
        return frozenset()
    found: set[Resource] = set()
    for one in _taken_over(endpoint):
        ledger = resources_in(endpoint.status.resources)
        if one.type is ResourceType.MODEL:
            found.add(one)
            continue
        found |= {one, *referred_to(ledger, one), *scaling(ledger, one)}
    return frozenset(found)


def _recorded(endpoint: Endpoint) -> str:
    """The name of what was adopted, as the status has it: it is used and made again, whatever the ledger names."""
    return endpoint.status.adopted.name if endpoint.status.adopted is not None else ""


def _taken_over(endpoint: Endpoint) -> tuple[Resource, ...]:
    """What the object has adopted and still has, whatever its annotation says by now."""
    one = endpoint.status.adopted
    if one is None:
        return ()
    return (one.resource,) if one.resource in resources_in(endpoint.status.resources) else ()


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
