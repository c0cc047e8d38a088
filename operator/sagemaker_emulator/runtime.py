"""InvokeEndpoint: which variant answers, and what."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sagemaker_emulator import endpoint_states, errors
from sagemaker_emulator.endpoint_states import Phase, Variant
from sagemaker_emulator.errors import AwsError
from sagemaker_emulator.inference import LoadError, ModelCache
from sagemaker_emulator.records import Endpoint
from sagemaker_emulator.store import ScopeKey
from sagemaker_emulator.world import World

VARIANT_HEADER = "X-Amzn-SageMaker-Target-Variant"
ATTRIBUTES_HEADER = "X-Amzn-SageMaker-Custom-Attributes"
DEFAULT_TYPE = "application/octet-stream"
VariantKey = tuple[str, float, str, str]


@dataclass(frozen=True)
class Invocation:
    """One call of an endpoint."""

    endpoint: str
    body: bytes
    content_type: str = DEFAULT_TYPE
    accept: str = "*/*"
    target_variant: str = ""

    @classmethod
    def from_http(cls, endpoint: str, headers: Mapping[str, str], body: bytes) -> Invocation:
        return cls(
            endpoint=endpoint,
            body=body,
            content_type=headers.get("Content-Type", DEFAULT_TYPE),
            accept=headers.get("Accept", "*/*"),
            target_variant=headers.get(VARIANT_HEADER, ""),
        )


@dataclass(frozen=True)
class Prediction:
    """The model's answer and which variant gave it."""

    body: bytes
    content_type: str
    variant: str


class Runtime:
    """Answers invocations from the models that endpoints have loaded.

    Args:
        sleep: how the first calls of an accelerated variant are slowed down.

    """

    def __init__(self, world: World, models: ModelCache, sleep: Callable[[float], None] = time.sleep) -> None:
        self._world = world
        self._models = models
        self._sleep = sleep
        self._lock = threading.Lock()
        self._served: dict[VariantKey, int] = {}
        self._credits: dict[VariantKey, float] = {}

    def invoke(self, key: ScopeKey, invocation: Invocation) -> Prediction:
        """Classify.

        Raises:
            AwsError: ValidationError if the endpoint cannot answer, ModelError if the model refuses the image.

        """
        if len(invocation.body) > errors.MAX_BODY_BYTES:
            raise errors.body_too_large()
        endpoint, variants = self._serving(key, invocation.endpoint)
        variant = self._chosen(endpoint, variants, invocation.target_variant)
        if variant.serverless and len(invocation.body) > errors.MAX_SERVERLESS_BODY_BYTES:
            raise errors.body_too_large_for_serverless()
        self._warm_up(endpoint, variant)
        body, content_type = self._classified(key, variant, invocation)
        return Prediction(body, content_type, variant.name)

    def clear(self) -> None:
        """Forget which variants are warm."""
        with self._lock:
            self._served.clear()
            self._credits.clear()

    def _serving(self, key: ScopeKey, name: str) -> tuple[Endpoint, tuple[Variant, ...]]:
        scope, now = self._world.scope(key), self._world.clock.now()
        with scope.lock:
            endpoint = scope.endpoints.get(name, now)
            phase = endpoint.phase(now) if endpoint else None
        # AWS's runtime knows an endpoint only once it serves; that it says the same in the other states is unconfirmed.
        if endpoint is None or phase is None or phase.status not in endpoint_states.SERVING:
            raise AwsError("ValidationError", f"Endpoint {name} of account {key.account} not found.")
        return endpoint, fleet(phase)

    def _chosen(self, endpoint: Endpoint, variants: tuple[Variant, ...], target: str) -> Variant:
        if target:
            return _named(endpoint, variants, target)
        weighted = [variant for variant in variants if variant.weight > 0]
        if not weighted:
            raise AwsError("ValidationError", f"Endpoint {endpoint.name} has no variant with a weight above 0.")
        return self._next_by_weight(endpoint, weighted)

    def _next_by_weight(self, endpoint: Endpoint, variants: list[Variant]) -> Variant:
        """Each variant's share of the calls is its share of the weights, evenly mixed rather than drawn at random."""
        with self._lock:
            for variant in variants:
                key = _variant_key(endpoint, variant)
                self._credits[key] = self._credits.get(key, 0.0) + variant.weight
            best = max(variants, key=lambda variant: self._credits[_variant_key(endpoint, variant)])
            self._credits[_variant_key(endpoint, best)] -= sum(variant.weight for variant in variants)
            return best

    def _warm_up(self, endpoint: Endpoint, variant: Variant) -> None:
        """Elastic Inference loads the model into the accelerator on the first calls."""
        elastic = self._world.settings.elastic_inference
        key = _variant_key(endpoint, variant)
        with self._lock:
            number = self._served[key] = self._served.get(key, 0) + 1
        if variant.accelerator and number <= elastic.slow_calls:
            self._sleep(elastic.first_call_real_seconds)

    def _classified(self, key: ScopeKey, variant: Variant, invocation: Invocation) -> tuple[bytes, str]:
        from sagemaker_emulator import algorithm

        try:
            model = self._models.get(key, variant.served, variant.name)
            return model.classify(invocation.body, invocation.content_type, invocation.accept)
        except algorithm.UnsupportedContentType as error:
            raise model_error(415, str(error), invocation.endpoint, key) from None
        except algorithm.InvalidImage as error:
            raise model_error(400, str(error), invocation.endpoint, key) from None
        except LoadError as error:
            raise model_error(500, str(error), invocation.endpoint, key) from None


def fleet(phase: Phase) -> tuple[Variant, ...]:
    """All variants that get traffic, weighted; while traffic shifts, those of the new configuration too."""
    share = phase.pending.share if phase.pending else 0.0
    if not phase.pending or not share:
        return phase.variants
    old = tuple(replace(v, weight=v.weight * (1 - share)) for v in phase.variants)
    return old + tuple(replace(v, weight=v.desired_weight * share) for v in phase.pending.variants)


def model_error(status: int, message: str, endpoint: str, key: ScopeKey) -> AwsError:
    """The container refused or broke: HTTP 424 with what it said."""
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    kind = "client" if status < 500 else "server"
    url = (
        f"https://{key.region}.console.aws.amazon.com/cloudwatch/home?region={key.region}#logEventViewer:group={group}"
    )
    return AwsError(
        "ModelError",
        f'Received {kind} error ({status}) from primary with message "{message}". See {url} in account '
        f"{key.account} for more information.",
        424,
        OriginalStatusCode=status,
        OriginalMessage=message,
        LogStreamArn=f"arn:aws:logs:{key.region}:{key.account}:log-group:{group}",
    )


def _named(endpoint: Endpoint, variants: tuple[Variant, ...], name: str) -> Variant:
    for variant in variants:
        if variant.name == name:
            return variant
    # The text is unconfirmed.
    raise AwsError("ValidationError", f"Variant {name} of endpoint {endpoint.name} not found.")


def _variant_key(endpoint: Endpoint, variant: Variant) -> VariantKey:
    """A variant's fleet: another one for each deployment, the same when it is scaled."""
    return (endpoint.arn, variant.since, variant.name, variant.served.model)
