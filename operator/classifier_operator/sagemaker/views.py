"""What AWS says of a resource, reduced to what decisions need.

A List tells the state and nothing else; a Describe tells all. `is_detailed` says which of the two a view came from.
States stay AWS's own strings: AWS adds new ones, and an unknown state must pass through, not crash.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from msgspec import Struct

from classifier_operator.api.cut import NAME_LIMIT, cut
from classifier_operator.sagemaker.answers import count, number, sentences, structure, structures, text, time

JOB_ENDED = frozenset({"Completed", "Failed", "Stopped"})

# A job has 40 metric definitions at most.
MOST_METRICS = 40
# From these states an endpoint moves on by itself.
ENDPOINT_MOVING = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})


# A List may tell a time with fewer digits than a Describe.
SAME_TIME = timedelta(seconds=1)


class Unseen(Enum):
    """What is known of a resource that AWS has not described."""

    UNKNOWN = "unknown"  # nobody has looked yet
    ABSENT = "absent"  # AWS said that there is none


class ConfiguredVariant(Struct, frozen=True, kw_only=True):
    """A variant as a configuration has it."""

    name: str
    model_name: str
    instance_type: str = ""
    accelerator_type: str = ""


class PlainView(Struct, frozen=True):
    """An endpoint configuration (DescribeEndpointConfig): it exists; its variants, where it was described."""

    arn: str
    variants: tuple[ConfiguredVariant, ...] = ()


class ModelView(Struct, frozen=True):
    """A model (DescribeModel): what it serves can not be changed."""

    arn: str
    image: str = ""
    artifact: str = ""


class Metric(Struct, frozen=True, omit_defaults=True):
    """A final metric; the value is text because the API has no floating point."""

    name: str
    value: str


class JobView(Struct, frozen=True, kw_only=True):
    """A training job (DescribeTrainingJob, or a summary of ListTrainingJobs)."""

    name: str
    arn: str
    status: str
    secondary_status: str = ""
    failure_reason: str = ""
    artifact: str = ""
    metrics: tuple[Metric, ...] = ()
    created: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None
    billable_seconds: int = 0
    image: str = ""
    is_detailed: bool = False

    @property
    def has_ended(self) -> bool:
        """Whether the job will not change any more."""
        return self.status in JOB_ENDED

    @property
    def is_moving(self) -> bool:
        """Whether AWS will change it by itself."""
        return not self.has_ended

    @property
    def is_running(self) -> bool:
        """Whether it goes on until somebody stops it."""
        return self.is_moving and self.status not in ("Stopping", "Deleting")


class VariantView(Struct, frozen=True, kw_only=True):
    """A variant of a live endpoint."""

    name: str
    current_count: int = 0
    desired_count: int = 0
    current_weight: float = 1.0
    desired_weight: float = 1.0


class EndpointView(Struct, frozen=True, kw_only=True):
    """An endpoint (DescribeEndpoint, or a summary of ListEndpoints)."""

    name: str
    arn: str
    status: str
    config_name: str = ""
    # The configuration of a deployment that is under way: none while only counts or weights change.
    pending_config: str = ""
    failure_reason: str = ""
    variants: tuple[VariantView, ...] = ()
    created: datetime | None = None
    modified: datetime | None = None
    is_detailed: bool = False

    @property
    def is_moving(self) -> bool:
        """Whether AWS will change it by itself."""
        return self.status in ENDPOINT_MOVING

    @property
    def modified_at(self) -> str:
        """AWS's LastModifiedTime as text, "" where it is not known."""
        return self.modified.isoformat() if self.modified else ""

    def variant(self, name: str) -> VariantView | None:
        """The variant of that name."""
        return next((variant for variant in self.variants if variant.name == name), None)


View = JobView | EndpointView | ModelView | PlainView


class Stranger(Struct, frozen=True):
    """A resource of that name exists and carries another owner's tags, or none ("")."""

    arn: str
    owner: str
    view: View | None = None


Sighting = View | Stranger | Unseen


def job_described(answer: Mapping[str, Any]) -> JobView:
    """A DescribeTrainingJob answer as a view. Raises UnreadableAnswerError, as all of these do."""
    return JobView(
        name=text(answer, "TrainingJobName"),
        arn=text(answer, "TrainingJobArn"),
        status=text(answer, "TrainingJobStatus"),
        secondary_status=text(answer, "SecondaryStatus", ""),
        failure_reason=sentences(answer, "FailureReason"),
        artifact=text(structure(answer, "ModelArtifacts"), "S3ModelArtifacts", ""),
        metrics=tuple(map(_metric, structures(answer, "FinalMetricDataList")[:MOST_METRICS])),
        created=time(answer, "CreationTime"),
        started=time(answer, "TrainingStartTime"),
        ended=time(answer, "TrainingEndTime"),
        billable_seconds=count(answer, "BillableTimeInSeconds"),
        image=text(structure(answer, "AlgorithmSpecification"), "TrainingImage", ""),
        is_detailed=True,
    )


def job_listed(summary: Mapping[str, Any]) -> JobView:
    """A summary of ListTrainingJobs as a view."""
    return JobView(
        name=text(summary, "TrainingJobName"),
        arn=text(summary, "TrainingJobArn"),
        status=text(summary, "TrainingJobStatus"),
        secondary_status=text(summary, "SecondaryStatus", ""),
        created=time(summary, "CreationTime"),
        ended=time(summary, "TrainingEndTime"),
    )


def endpoint_described(answer: Mapping[str, Any]) -> EndpointView:
    """A DescribeEndpoint answer as a view."""
    return EndpointView(
        name=text(answer, "EndpointName"),
        arn=text(answer, "EndpointArn"),
        status=text(answer, "EndpointStatus"),
        config_name=text(answer, "EndpointConfigName", ""),
        pending_config=text(structure(answer, "PendingDeploymentSummary"), "EndpointConfigName", ""),
        failure_reason=sentences(answer, "FailureReason"),
        variants=tuple(map(_variant, structures(answer, "ProductionVariants"))),
        created=time(answer, "CreationTime"),
        modified=time(answer, "LastModifiedTime"),
        is_detailed=True,
    )


def model_described(answer: Mapping[str, Any]) -> ModelView:
    """A DescribeModel answer as a view; a model of several containers has none that could be compared."""
    container = structure(answer, "PrimaryContainer")
    return ModelView(text(answer, "ModelArn"), text(container, "Image", ""), text(container, "ModelDataUrl", ""))


def config_described(answer: Mapping[str, Any]) -> PlainView:
    """A DescribeEndpointConfig answer as a view."""
    return PlainView(
        text(answer, "EndpointConfigArn"), tuple(map(_configured, structures(answer, "ProductionVariants")))
    )


def endpoint_listed(summary: Mapping[str, Any]) -> EndpointView:
    """A summary of ListEndpoints as a view."""
    return EndpointView(
        name=text(summary, "EndpointName"),
        arn=text(summary, "EndpointArn"),
        status=text(summary, "EndpointStatus"),
        created=time(summary, "CreationTime"),
        modified=time(summary, "LastModifiedTime"),
    )


def _variant(summary: Mapping[str, Any]) -> VariantView:
    current = number(summary, "CurrentWeight", 1.0)
    return VariantView(
        name=text(summary, "VariantName"),
        current_count=count(summary, "CurrentInstanceCount"),
        desired_count=count(summary, "DesiredInstanceCount"),
        current_weight=current,
        desired_weight=number(summary, "DesiredWeight", current),
    )


def _configured(variant: Mapping[str, Any]) -> ConfiguredVariant:
    return ConfiguredVariant(
        name=text(variant, "VariantName"),
        model_name=text(variant, "ModelName", ""),
        instance_type=text(variant, "InstanceType", ""),
        accelerator_type=text(variant, "AcceleratorType", ""),
    )


def _metric(item: Mapping[str, Any]) -> Metric:
    # AWS sends 32-bit floats: seven significant digits are all there is. A training that diverged ends with NaN.
    return Metric(cut(text(item, "MetricName"), NAME_LIMIT), f"{number(item, 'Value', is_finite=False):.7g}")


def is_another(before: View | Unseen | None, after: View | Unseen) -> bool:
    """Whether a resource was made at another time than the one of before."""
    if not isinstance(before, JobView | EndpointView) or not isinstance(after, JobView | EndpointView):
        return False
    if before.created is None or after.created is None:
        return False
    return abs(before.created - after.created) > SAME_TIME


def says_the_same(before: Sighting, after: Sighting) -> bool:
    """Whether a List's summary adds nothing to a view that is already complete."""
    if isinstance(before, JobView) and isinstance(after, JobView) and not after.is_detailed:
        # A List may leave the secondary status out.
        return before.status == after.status and after.secondary_status in ("", before.secondary_status)
    if isinstance(before, EndpointView) and isinstance(after, EndpointView) and not after.is_detailed:
        return (before.status, before.modified) == (after.status, after.modified)
    return before == after
