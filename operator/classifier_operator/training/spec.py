"""A ClassifierTraining's spec and status as typed values; the CRD is where their fields are explained."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from classifier_operator.api.conditions import Condition
from classifier_operator.api.ledger import Entry, Place, Resource, ResourceType
from classifier_operator.sagemaker.views import Metric


class _Spec(Struct, frozen=True, rename="camel", kw_only=True):
    pass


class Algorithm(_Spec, frozen=True):
    """Which image trains, and how its input arrives."""

    name: str = "image-classification"
    version: str = "1"
    image: str = ""
    input_mode: str = "File"


class Source(_Spec, frozen=True):
    """Where an input is fetched from before the run."""

    url: str
    sha256: str = ""
    kms_key_id: str = ""


class Input(_Spec, frozen=True):
    """One channel."""

    name: str
    s3_uri: str
    content_type: str = ""
    s3_data_type: str = "S3Prefix"
    distribution: str = "FullyReplicated"
    compression: str = ""
    record_wrapper: str = ""
    attribute_names: tuple[str, ...] = ()
    shuffle_seed: int | None = None
    input_mode: str = ""
    source: Source | None = None


class Output(_Spec, frozen=True):
    """Where the artifact goes."""

    s3_uri: str
    kms_key_id: str = ""


class Resources(_Spec, frozen=True):
    """What the job runs on."""

    instance_type: str
    instance_count: int = 1
    volume_size_gb: int = field(default=50, name="volumeSizeGB")
    volume_kms_key_id: str = ""
    keep_alive_period_seconds: int | None = None


class Stopping(_Spec, frozen=True):
    """When AWS stops the job by itself."""

    max_runtime_seconds: int = 86400


class Spot(_Spec, frozen=True):
    """Managed spot training."""

    max_wait_seconds: int
    checkpoint_s3_uri: str = ""


class Network(_Spec, frozen=True):
    """The job's or the model's network."""

    subnets: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    isolated: bool = False
    encrypt_traffic: bool = False


class Retry(_Spec, frozen=True):
    """How often AWS's own failures and lost capacity are tried again."""

    attempts: int = 2


class TrainingSpec(_Spec, frozen=True):
    """The spec of a ClassifierTraining."""

    inputs: tuple[Input, ...]
    output: Output
    resources: Resources
    region: str = ""
    role_arn: str = ""
    assume_role_arn: str = ""
    algorithm: Algorithm = Algorithm()
    hyperparameters: dict[str, Any] = {}
    stopping: Stopping = Stopping()
    spot: Spot | None = None
    network: Network = Network()
    retry: Retry = Retry()
    suspend: bool = False
    environment: dict[str, str] = {}
    tags: dict[str, str] = {}
    deletion_policy: str = ""


class ModelArtifacts(Struct, frozen=True, rename="camel", omit_defaults=True):
    """The last good run's model."""

    s3_uri: str
    job_name: str
    image: str = ""


class Run(Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    """A run that has ended, as the history keeps it."""

    job_name: str
    job_status: str
    reason: str = ""
    failure_reason: str = ""
    artifact: str = ""
    metrics: tuple[Metric, ...] = ()
    start_time: str = ""
    completion_time: str = ""


class Upload(Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    """A multipart upload that exists, or may exist, at S3: recorded before it is begun, and again once it has an id.

    source: which source it is of, and which key encrypts it (`Fetch.upload_source`).
    validator: the source's ETag or Last-Modified; a source that has another one by now is another file.
    size: bytes of the whole file; 0 where the source does not say.
    """

    s3_uri: str
    source: str
    region: str
    assume_role_arn: str = ""
    upload_id: str = ""
    validator: str = ""
    size: int = 0
    part_size: int = 0

    @property
    def resource(self) -> Resource:
        """By which its refusals are waited out."""
        name = f"{self.s3_uri} (upload {self.upload_id})"
        return Resource(Place(self.region, self.assume_role_arn), ResourceType.OBJECT, name)


class Importing(Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    """How far the fetching of inputs is. The counts are shown when they are zero, too."""

    bytes_done: int = field(default_factory=int)
    bytes_total: int = field(default_factory=int)
    uploads: tuple[Upload, ...] = ()


class TrainingStatus(Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    """The status of a ClassifierTraining."""

    observed_generation: int = 0
    revision: int = 0
    conditions: tuple[Condition, ...] = ()
    account: str = ""
    region: str = ""
    job_name: str = ""
    job_arn: str = ""
    job_status: str = ""
    secondary_status: str = ""
    failure_reason: str = ""
    attempt: int = 0
    image: str = ""
    importing: Importing | None = field(default=None, name="import")
    model_artifacts: ModelArtifacts | None = None
    metrics: tuple[Metric, ...] = ()
    start_time: str = ""
    completion_time: str = ""
    billable_seconds: int = 0
    log_url: str = ""
    history: tuple[Run, ...] = ()
    tags: dict[str, str] = {}
    retry_after: str = ""
    resources: tuple[Entry, ...] = ()
