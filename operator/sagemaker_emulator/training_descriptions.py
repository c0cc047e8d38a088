"""What DescribeTrainingJob shows of a job: what was asked for, with AWS's defaults, and the state."""

from __future__ import annotations

import itertools
import math

from sagemaker_emulator import timeline, training_states
from sagemaker_emulator.context import Params
from sagemaker_emulator.records import TrainingJob
from sagemaker_emulator.training_work import ALGORITHM, image_name


def description(job: TrainingJob, now: float) -> Params:
    """What DescribeTrainingJob shows: what was asked for, with AWS's defaults, and the state."""
    phase = job.phase(now)
    ended = training_states.ended_at(job.phases, now)
    seconds = int(training_states.training_seconds(job.phases, now))
    started = training_states.started_at(job.phases, now)
    return {
        **_with_defaults(job.request),
        "TrainingJobArn": job.arn,
        "TrainingJobStatus": phase.status,
        "SecondaryStatus": phase.secondary,
        "FailureReason": failure_reason(job, now),
        "ModelArtifacts": {"S3ModelArtifacts": artifact_uri(job)}
        if training_states.has_model(job.phases, now)
        else None,
        "CreationTime": job.created,
        "TrainingStartTime": started,
        "TrainingEndTime": ended,
        "LastModifiedTime": last_modified(job, now),
        "SecondaryStatusTransitions": transitions(job, now),
        "FinalMetricDataList": _final_metrics(job, now),
        "TrainingTimeInSeconds": seconds if started else None,
        "BillableTimeInSeconds": seconds if started else None,
        "WarmPoolStatus": warm_pool(job, now),
    }


def _final_metrics(job: TrainingJob, now: float) -> list[Params] | None:
    """The last value of each metric that has been emitted by now."""
    emitted = {metric["MetricName"]: metric for metric in job.metrics if metric["Timestamp"] <= now}
    return list(emitted.values()) or None


def transitions(job: TrainingJob, now: float) -> list[Params]:
    """SecondaryStatusTransitions up to now."""
    shown = [phase for phase in timeline.until(job.phases, now) if phase.status != "Deleting"]
    # A status that changes while the secondary one stays is no transition.
    changes = [next(same) for _, same in itertools.groupby(shown, key=lambda phase: phase.secondary)]
    return [
        {
            "Status": phase.secondary,
            "StartTime": phase.at,
            "EndTime": end,
            "StatusMessage": phase.message(math.inf if end is not None else now - phase.at),
        }
        for phase, end in timeline.spans(changes)
    ]


def failure_reason(job: TrainingJob, now: float) -> str | None:
    return next((p.reason for p in timeline.until(job.phases, now) if p.status == "Failed"), None)


def last_modified(job: TrainingJob, now: float) -> float:
    return max(job.phase(now).at, job.modified)


def artifact_uri(job: TrainingJob) -> str:
    return f"{job.request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{job.name}/output/model.tar.gz"


def warm_pool(job: TrainingJob, now: float) -> Params | None:
    """WarmPoolStatus: in use until the job completes, then available for the keep-alive period."""
    if not job.keep_alive:
        return None
    done = next((p.at for p in job.phases if p.status == "Completed" and p.at <= now), None)
    if done is None:
        return {"Status": "InUse"} if job.phase(now).status == "InProgress" else None
    kept = int(min(now - done, job.keep_alive))
    status = "Available" if now < done + job.keep_alive else "Terminated"
    return {"Status": status, "ResourceRetainedBillableTimeInSeconds": kept}


def _with_defaults(request: Params) -> Params:
    """The request as AWS shows it: with values for what was left out."""
    return {
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": False,
        "EnableManagedSpotTraining": False,
        "ProfilingStatus": "Disabled",
        "StoppingCondition": {"MaxRuntimeInSeconds": int(training_states.DEFAULT_MAX_RUNTIME)},
        **request,
        "AlgorithmSpecification": {
            "EnableSageMakerMetricsTimeSeries": False,
            "MetricDefinitions": _metrics(request["AlgorithmSpecification"].get("TrainingImage", "")),
            **request["AlgorithmSpecification"],
        },
        "OutputDataConfig": {"KmsKeyId": "", "CompressionType": "GZIP", **request["OutputDataConfig"]},
        "InputDataConfig": _channels_with_defaults(request.get("InputDataConfig")),
    }


def _metrics(image: str) -> list[Params] | None:
    """The definitions that come with a built-in algorithm; other images have those that were asked for."""
    return BUILT_IN_METRICS if image_name(image) == ALGORITHM else None


def _channels_with_defaults(channels: list[Params] | None) -> list[Params] | None:
    if channels is None:
        return None
    return [{"CompressionType": "None", "RecordWrapperType": "None", **channel} for channel in channels]


# AWS adds the algorithm's own definitions; the real expressions are not public, so these are the emulator's.
BUILT_IN_METRICS = [
    {"Name": "train:accuracy", "Regex": r"Epoch\[\d+\] Train-accuracy=(\S+)"},
    {"Name": "validation:accuracy", "Regex": r"Epoch\[\d+\] Validation-accuracy=(\S+)"},
]
