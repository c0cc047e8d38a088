"""A ClassifierEndpoint's spec as typed values; the CRD is where their fields are explained."""

from __future__ import annotations

from msgspec import Struct, field
from msgspec.structs import force_setattr

from classifier_operator.api.numbers import number_text


class _Part(Struct, frozen=True, rename="camel", kw_only=True):
    pass


class TrainingRef(_Part, frozen=True):
    """A ClassifierTraining of the same namespace."""

    name: str


class Model(_Part, frozen=True):
    """A model that no ClassifierTraining made."""

    artifact_s3_uri: str
    image: str = ""


class AcceleratorFallback(_Part, frozen=True):
    """What serves once AWS has refused the accelerator."""

    instance_type: str = ""


class Autoscaling(_Part, frozen=True, omit_defaults=True):
    """Bounds of the instance count, and what Application Auto Scaling aims at between them."""

    min_count: int
    max_count: int
    invocations_per_instance: int
    scale_in_cooldown_seconds: int | None = None
    scale_out_cooldown_seconds: int | None = None
    disable_scale_in: bool = False


class Serverless(_Part, frozen=True):
    """Machines that come and go with the requests."""

    memory_size_mb: int = field(name="memorySizeMB")
    max_concurrency: int


class Variant(_Part, frozen=True):
    """One of several models behind the endpoint."""

    name: str
    instance_type: str
    weight: int = 1
    training_ref: TrainingRef | None = None
    model: Model | None = None
    instance_count: int | None = None
    accelerator_type: str = ""
    accelerator_fallback: AcceleratorFallback | None = None
    autoscaling: Autoscaling | None = None


class Traffic(_Part, frozen=True):
    """The steps in which requests move to the new machines."""

    type: str = ""
    size_percent: int | None = None
    wait_seconds: int = 0


class Rollout(_Part, frozen=True):
    """How a new configuration replaces the old one."""

    type: str = "BlueGreen"
    traffic: Traffic = Traffic()
    alarms: tuple[str, ...] = ()
    timeout_seconds: int | None = None


class DataCapture(_Part, frozen=True):
    """Requests and answers that are kept in S3."""

    s3_uri: str
    sampling_percent: int = 100
    modes: tuple[str, ...] = ("Input", "Output")
    kms_key_id: str = ""


class KeyRef(_Part, frozen=True):
    """A key of a ConfigMap of the same namespace."""

    name: str
    key: str


class ClassLabels(_Part, frozen=True):
    """The classes' names, in the order of the model's output: text here, though numbers need no quotes."""

    config_map_key_ref: KeyRef | None = None
    values: tuple[str | int, ...] = ()

    def __post_init__(self) -> None:
        force_setattr(self, "values", self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """The values as text."""
        return tuple(map(str, self.values))


class TestImage(_Part, frozen=True):
    """The image that a smoke test sends."""

    config_map_key_ref: KeyRef | None = None
    s3_uri: str = ""


class Expectation(_Part, frozen=True):
    """What a smoke test must answer.

    Both may be written with quotes or without, and are text here.

    min_probability: an empty value of YAML's says nothing.
    """

    label: str | int = ""
    min_probability: str | int | float | None = ""

    def __post_init__(self) -> None:
        given = self.min_probability
        text = number_text(given) if isinstance(given, float) else "" if given is None else str(given)
        force_setattr(self, "min_probability", text)
        force_setattr(self, "label", self.name)

    @property
    def name(self) -> str:
        """The label as text; "" where any class will do."""
        return str(self.label)

    @property
    def least(self) -> str:
        """The least probability of the likeliest class as text; "" where none is asked for."""
        return str(self.min_probability)


class SmokeTest(_Part, frozen=True):
    """An invocation before the endpoint is called ready."""

    image: TestImage
    content_type: str = "application/x-image"
    warm_ups: int = 0
    expect: Expectation | None = None
    on_failure: str = "RollBack"


class EndpointNetwork(_Part, frozen=True):
    """The model's network."""

    subnets: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    isolated: bool = False


class EndpointSpec(_Part, frozen=True):
    """The spec of a ClassifierEndpoint."""

    region: str = ""
    role_arn: str = ""
    assume_role_arn: str = ""
    training_ref: TrainingRef | None = None
    model: Model | None = None
    instance_type: str = ""
    instance_count: int | None = None
    accelerator_type: str = ""
    accelerator_fallback: AcceleratorFallback | None = None
    variants: tuple[Variant, ...] = ()
    serverless: Serverless | None = None
    autoscaling: Autoscaling | None = None
    class_labels: ClassLabels | None = None
    smoke_test: SmokeTest | None = None
    rollout: Rollout | None = None
    data_capture: DataCapture | None = None
    kms_key_id: str = ""
    network: EndpointNetwork = EndpointNetwork()
    tags: dict[str, str] = {}
    suspend: bool = False
    deletion_policy: str = ""
