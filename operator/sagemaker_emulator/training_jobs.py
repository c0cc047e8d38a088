"""The operations on training jobs: checks and answers.

States are in `training_states`, the work in `training_work`, what Describe shows in `training_descriptions`.
"""

from __future__ import annotations

from typing import Any, Final

from sagemaker_emulator import errors, roles, training_states
from sagemaker_emulator.aws import ClientError, split_s3_uri
from sagemaker_emulator.capacity import Use
from sagemaker_emulator.context import Context, Params, tags_of
from sagemaker_emulator.listing import Listing
from sagemaker_emulator.records import TrainingJob
from sagemaker_emulator.training_descriptions import description, last_modified, warm_pool
from sagemaker_emulator.training_states import Order
from sagemaker_emulator.training_work import does_work

KIND = "training-job"
USE: Final = "training job"
SPOT: Final = "spot training job"


def create(context: Context, params: Params) -> Params:
    """CreateTrainingJob."""
    check(params)
    roles.require_assumable(context, params["RoleArn"])
    _require_inputs(context, params)
    arn = context.key.arn(KIND, params["TrainingJobName"])
    with context.scope.lock:
        if context.scope.jobs.get(params["TrainingJobName"], context.now):
            raise errors.training_job_exists(arn)
        _require_quota(context, params)
        job = _new_job(context, arn, params)
        context.scope.jobs.add(job)
    context.world.follow(context.scope, job)
    return {"TrainingJobArn": arn}


def describe(context: Context, params: Params) -> Params:
    """DescribeTrainingJob."""
    with context.scope.lock:
        job = context.described(context.scope.jobs, params["TrainingJobName"])
        if job is None:
            raise errors.training_job_not_found()
        return description(job, context.now)


def stop(context: Context, params: Params) -> None:
    """StopTrainingJob."""
    with context.scope.lock:
        job = find(context, params["TrainingJobName"])
        status = job.phase(context.now).status
        if status not in ("InProgress", "Stopping"):
            raise errors.cannot_stop(status)
        if status == "InProgress":
            job.phases = training_states.stopping(job.phases, context.now, context.settings.training)
    context.world.follow(context.scope, job)


def delete(context: Context, params: Params) -> None:
    """DeleteTrainingJob."""
    with context.scope.lock:
        job = find(context, params["TrainingJobName"])
        status = job.phase(context.now).status
        if status not in training_states.TERMINAL:
            raise errors.training_job_busy(job.arn, status)
        if (pool := warm_pool(job, context.now)) and pool["Status"] == "Available":
            raise errors.warm_pool_busy(job.arn)
        job.phases = training_states.deleting(job.phases, context.now, context.settings.training)
    context.world.follow(context.scope, job)


def update(context: Context, params: Params) -> Params:
    """UpdateTrainingJob: only the keep-alive period of its warm pool has an effect."""
    with context.scope.lock:
        job = find(context, params["TrainingJobName"])
        wanted = params.get("ResourceConfig", {}).get("KeepAlivePeriodInSeconds")
        pool = warm_pool(job, context.now)
        if wanted is not None and (pool is None or pool["Status"] == "Terminated"):
            # The text is unconfirmed.
            raise errors.validation(f'The training job "{job.arn}" has no warm pool that could be kept alive.')
        if wanted is not None:
            job.keep_alive = wanted
        job.modified = context.now
        return {"TrainingJobArn": job.arn}


def list_jobs(context: Context, params: Params) -> Params:
    """ListTrainingJobs: oldest first, a page is taken before the filters apply."""
    with context.scope.lock:
        return LISTING.answer(context, context.scope.jobs, params)


def find(context: Context, name: str) -> TrainingJob:
    """The job of this name, or AWS's refusal."""
    job = context.scope.jobs.get(name, context.now)
    if job is None:
        raise errors.training_job_not_found()
    return job


def check(params: Params) -> None:
    """Rules between members, which the model cannot express. Their texts are unconfirmed."""
    algorithm = params["AlgorithmSpecification"]
    if ("TrainingImage" in algorithm) == ("AlgorithmName" in algorithm):
        raise errors.validation("Specify exactly one of TrainingImage and AlgorithmName in AlgorithmSpecification.")
    resources = params.get("ResourceConfig", {})
    for name in () if "InstanceGroups" in resources else ("InstanceType", "InstanceCount", "VolumeSizeInGB"):
        if not resources.get(name):
            raise errors.validation(f"ResourceConfig requires {name} to be set and not 0.")
    _check_spot(params)
    _check_channels(params.get("InputDataConfig", []), algorithm["TrainingInputMode"])


def replan_waiting(context: Context, instance_type: str) -> None:
    """Jobs that waited for this instance type go on: there is capacity again."""
    for job in context.scope.jobs:
        with context.scope.lock:
            waits = training_states.is_waiting_for_capacity(job.phases, context.now)
            if waits and instance_of(job.request)[0] == instance_type and not _is_short(context, job.request):
                job.phases = training_states.replanned(job.order, job.phases, context.now)
        context.world.follow(context.scope, job)


def instance_of(request: Params) -> tuple[str, int]:
    """Instance type and count; of the first group where there are several."""
    resources = request.get("ResourceConfig", {})
    groups = resources.get("InstanceGroups") or [resources]
    return str(groups[0].get("InstanceType", "")), int(groups[0].get("InstanceCount", 0))


def _new_job(context: Context, arn: str, params: Params) -> TrainingJob:
    settings = context.settings.training
    request = {name: value for name, value in params.items() if name != "Tags"}
    order = Order(
        request=request,
        settings=settings,
        outcome=context.world.outcomes.take("training", params["TrainingJobName"]),
        works=does_work(request, settings),
        lacks_capacity=_is_short(context, params),
    )
    return TrainingJob(
        name=params["TrainingJobName"],
        arn=arn,
        request=request,
        created=context.now,
        tags=tags_of(params),
        tagged=context.now,
        phases=training_states.planned(order, context.now),
        order=order,
        keep_alive=params.get("ResourceConfig", {}).get("KeepAlivePeriodInSeconds", 0),
    )


def _require_quota(context: Context, params: Params) -> None:
    instance_type, count = instance_of(params)
    use = _use(params)
    if context.world.capacity.quota(instance_type, use) is not None:
        used = _instances_in_use(context, instance_type, use)
        context.world.capacity.require(instance_type, use, used=used, delta=count)


def _instances_in_use(context: Context, instance_type: str, use: Use) -> int:
    running = (job for job in context.scope.jobs if job.phase(context.now).status in ("InProgress", "Stopping"))
    asked = [instance_of(job.request) for job in running if _use(job.request) == use]
    return sum(count for kind, count in asked if kind == instance_type)


def _use(request: Params) -> Use:
    """Spot and on-demand instances have quotas of their own."""
    return SPOT if request.get("EnableManagedSpotTraining") else USE


def _is_short(context: Context, request: Params) -> bool:
    """Spot capacity is what on-demand leaves over, so it is short where that is, and sometimes alone."""
    instance_type, _ = instance_of(request)
    return any(context.world.capacity.is_short(instance_type, use) for use in {USE, _use(request)})


def _check_spot(params: Params) -> None:
    stopping = params.get("StoppingCondition", {})
    spot, wait = params.get("EnableManagedSpotTraining", False), stopping.get("MaxWaitTimeInSeconds")
    if not spot and wait is not None:
        raise errors.validation("MaxWaitTimeInSeconds can only be set when EnableManagedSpotTraining is true.")
    runtime = stopping.get("MaxRuntimeInSeconds", training_states.DEFAULT_MAX_RUNTIME)
    if spot and (wait is None or wait < runtime):
        raise errors.validation(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds."
        )


def _check_channels(channels: list[Params], mode: str) -> None:
    names = [channel["ChannelName"] for channel in channels]
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise errors.validation(f"Channel names must be unique; '{repeated}' is given more than once.")
    for channel in channels:
        # botocore's model: "AugmentedManifestFile can only be used if the Channel's input mode is Pipe".
        source = channel["DataSource"].get("S3DataSource", {})
        if source.get("S3DataType") == "AugmentedManifestFile" and channel.get("InputMode", mode) != "Pipe":
            name = channel["ChannelName"]
            raise errors.validation(
                f"AugmentedManifestFile can only be used if the input mode of channel '{name}' is Pipe."
            )


def _require_inputs(context: Context, params: Params) -> None:
    """AWS lists each channel's prefix before it accepts a job; only on request, since most tests have no data."""
    if not context.settings.training.check_inputs:
        return
    for channel in params.get("InputDataConfig", []):
        source = channel["DataSource"].get("S3DataSource")
        if source and not _has_objects(context, source["S3Uri"]):
            raise errors.no_input_objects(
                source["S3Uri"],
                region=context.key.region,
                role_arn=params["RoleArn"],
                bucket=split_s3_uri(source["S3Uri"])[0],
            )


def _has_objects(context: Context, uri: str) -> bool:
    bucket, prefix = split_s3_uri(uri)
    try:
        found = context.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
    except ClientError:
        return False
    return bool(found.get("KeyCount"))


def _summary(job: TrainingJob, now: float) -> Params:
    phase = job.phase(now)
    return {
        "TrainingJobName": job.name,
        "TrainingJobArn": job.arn,
        "CreationTime": job.created,
        "TrainingEndTime": training_states.ended_at(job.phases, now),
        "LastModifiedTime": last_modified(job, now),
        "TrainingJobStatus": phase.status,
        "SecondaryStatus": phase.secondary,
        "WarmPoolStatus": warm_pool(job, now),
    }


def _accepts(job: TrainingJob, params: Params, now: float) -> bool:
    if "WarmPoolStatusEquals" in params:
        pool = warm_pool(job, now)
        if pool is None or pool["Status"] != params["WarmPoolStatusEquals"]:
            return False
    plan: Any = job.request.get("ResourceConfig", {}).get("TrainingPlanArn")
    return "TrainingPlanArnEquals" not in params or plan == params["TrainingPlanArnEquals"]


LISTING: Listing[TrainingJob] = Listing(
    operation="ListTrainingJobs",
    result="TrainingJobSummaries",
    summary=_summary,
    status=lambda job, now: job.phase(now).status,
    modified=last_modified,
    accepts=_accepts,
    descending=False,
)
