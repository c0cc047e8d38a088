"""What a ClassifierEndpoint's status holds, as typed values; `status.py` says what goes into it, and when."""

from __future__ import annotations

from msgspec import Struct, field

from classifier_operator.api.conditions import Condition
from classifier_operator.api.ledger import Entry, Place, Resource, ResourceType
from classifier_operator.endpoint.spec import Autoscaling


class _Said(Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    pass


class AcceleratorStatus(_Said, frozen=True):
    """Which accelerator was asked for, and which one serves."""

    requested: str = ""
    effective: str = ""
    reason: str = ""


class VariantStatus(_Said, frozen=True):
    """A variant as it serves."""

    name: str
    model_name: str = ""
    image: str = ""
    artifact_s3_uri: str = ""
    training_name: str = ""
    training_job_name: str = ""
    instance_type: str = ""
    accelerator: AcceleratorStatus | None = None
    current_instance_count: int = 0
    desired_instance_count: int = 0
    current_weight: str = ""
    autoscaling: Autoscaling | None = None


class SmokeTestStatus(_Said, frozen=True):
    """How the smoke test of a configuration went."""

    endpoint_config_name: str = ""
    test_hash: str = ""
    time: str = ""
    outcome: str = ""
    label: str = ""
    probability: str = ""
    latency_milliseconds: int = 0
    first_latency_milliseconds: int = 0
    message: str = ""

    @property
    def has_passed(self) -> bool:
        """Whether the answer was as expected."""
        return self.outcome == "Passed"


class RolledBack(_Said, frozen=True):
    """A configuration that AWS or the smoke test refused: it is not tried again.

    kind: the reason that the conditions give for it.
    """

    endpoint_config_name: str
    kind: str = ""
    reason: str = ""
    time: str = ""


class RefusedAccelerator(_Said, frozen=True):
    """AWS's refusal of an accelerator: it is not asked again."""

    accelerator_type: str
    region: str = ""
    reason: str = ""
    time: str = ""


class Update(_Said, frozen=True):
    """An update that is asked for: to which configuration, and when AWS had last changed the endpoint.

    It stays on record until that configuration is found good.
    previous_endpoint_config_name: the last one that was; "" where none was.
    has_begun: it was seen under way; before that, what AWS changes is nothing that it has taken back.
    counts: how many instances each variant had that served when it was asked for.
    """

    endpoint_config_name: str
    previous_endpoint_config_name: str = ""
    started_from: str = ""
    has_begun: bool = False
    counts: dict[str, int] = {}


class Adopted(_Said, frozen=True):
    """What was there before the object, and was taken over by it."""

    type: ResourceType
    name: str
    region: str
    assume_role_arn: str = ""
    image: str = ""
    artifact_s3_uri: str = ""
    # Instances of an endpoint, over all its variants, when it was taken over.
    instance_count: int = 0
    # Shares of an endpoint's variants when it was taken over, until the spec names some itself.
    weights: dict[str, str] = {}

    @property
    def place(self) -> Place:
        """Where it is."""
        return Place(self.region, self.assume_role_arn)

    @property
    def resource(self) -> Resource:
        """The same as a key."""
        return Resource(self.place, self.type, self.name)


class Remaking(_Said, frozen=True):
    """How often AWS has failed the endpoint by its own fault, and when it is made anew."""

    failures: int = 0
    after: str = ""


class EndpointStatus(_Said, frozen=True):
    """The status of a ClassifierEndpoint."""

    observed_generation: int = 0
    revision: int = 0
    conditions: tuple[Condition, ...] = ()
    account: str = ""
    ready_before: bool = False
    region: str = ""
    endpoint_name: str = ""
    endpoint_arn: str = ""
    endpoint_status: str = ""
    endpoint_config_name: str = ""
    failure_reason: str = ""
    url: str = ""
    variants: tuple[VariantStatus, ...] = ()
    instance_count: int = 0
    selector: str = ""
    smoke_test: SmokeTestStatus | None = None
    rolled_back: RolledBack | None = None
    refused_accelerators: tuple[RefusedAccelerator, ...] = ()
    adopted: Adopted | None = None
    update: Update | None = None
    retry: Remaking | None = None
    last_modified_time: str = ""
    tags: dict[str, str] = {}
    # What an earlier annotation had adopted, with what that may refer to: it is let go of, and not deleted.
    let_go: tuple[Entry, ...] = ()
    # What is probably a mistake in the spec, a sentence each.
    warnings: tuple[str, ...] = ()
    resources: tuple[Entry, ...] = field(default=())
