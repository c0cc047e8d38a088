"""What a ClassifierTraining's status says of a job: one function for each group of fields."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

from msgspec import structs

from classifier_operator.api.conditions import Reason, Verdict, rfc3339, settled, stalled, with_verdict, working
from classifier_operator.api.ledger import Resource, with_resources, without
from classifier_operator.reconcile.decision import Meta
from classifier_operator.sagemaker.regions import console_of
from classifier_operator.sagemaker.views import JobView
from classifier_operator.training.request import Wanted
from classifier_operator.training.spec import Importing, ModelArtifacts, Run, TrainingStatus

HISTORY_LIMIT = 10
NO_REASON = "AWS gives no reason"
LOG_GROUP = "/aws/sagemaker/TrainingJobs"

# Secondary statuses are AWS's to extend: one that is not listed here shows as Training.
_UNDERWAY = {
    "Starting": Reason.STARTING,
    "Pending": Reason.WAITING_FOR_CAPACITY,
    "LaunchingMLInstances": Reason.STARTING,
    "PreparingTrainingStack": Reason.STARTING,
    "DownloadingTrainingImage": Reason.DOWNLOADING,
    "Downloading": Reason.DOWNLOADING,
    "Interrupted": Reason.WAITING_FOR_CAPACITY,
    "Restarting": Reason.STARTING,
    "Uploading": Reason.UPLOADING,
    "Stopping": Reason.STOPPING,
}
_STOPPED = {
    "MaxRuntimeExceeded": (Reason.MAX_RUNTIME_EXCEEDED, "it reached stopping.maxRuntimeSeconds"),
    "MaxWaitTimeExceeded": (Reason.MAX_WAIT_TIME_EXCEEDED, "it waited for capacity for spot.maxWaitSeconds"),
}


def with_run(status: TrainingStatus, wanted: Wanted, attempt: int, *, is_new: bool = False) -> TrainingStatus:
    """The status of another run: nothing of the run before is carried on.

    is_new: its job is about to be made, with the spec's tags; which tags one has that is there already is not known.
    """
    job = wanted.job(attempt)
    if status.job_name == job.name:
        return status
    return structs.replace(
        status,
        region=wanted.place.region,
        job_name=job.name,
        job_arn="",
        job_status="",
        secondary_status="",
        failure_reason="",
        attempt=attempt,
        image=wanted.image,
        importing=_uploads_only(status.importing),
        metrics=(),
        start_time="",
        completion_time="",
        billable_seconds=0,
        log_url=log_url(job),
        tags=dict(wanted.tags) if is_new else {},
        retry_after="",
    )


def with_creation(status: TrainingStatus, job: Resource) -> TrainingStatus:
    """The status of before the job is made: it is in the ledger, as its youngest.

    Somebody may have deleted an earlier one of that name: how that ended says nothing of this one.
    """
    history = tuple(
        Run(job_name=job.name, job_status="") if run.job_name == job.name else run for run in status.history
    )
    ledger = with_resources(without(status.resources, [job]), [job])
    return structs.replace(status, history=history, resources=ledger)


def without_unmade_job(status: TrainingStatus) -> TrainingStatus:
    """The status without the name of a job that cannot exist: what is said from now on is not said of that run.

    A default that is missing for a while may come back, and the run is judged anew; what AWS refuses stays refused.
    """
    may_exist = status.job_arn or any(entry.name == status.job_name for entry in status.resources)
    return status if may_exist else structs.replace(status, job_name="", attempt=0, log_url="")


def with_job(status: TrainingStatus, job: JobView) -> TrainingStatus:
    """The status with what AWS says of the job."""
    status = structs.replace(
        status,
        job_arn=job.arn,
        job_status=job.status,
        secondary_status=job.secondary_status,
        failure_reason=job.failure_reason,
    )
    return _with_outcome(status, job) if job.is_detailed else status


def with_end(status: TrainingStatus, job: JobView, reason: str) -> TrainingStatus:
    """The status once the job has ended: into the history, and the artifact of a good run is the answer."""
    artifacts = status.model_artifacts
    if job.status == "Completed":
        artifacts = ModelArtifacts(s3_uri=job.artifact, job_name=job.name, image=status.image)
    return structs.replace(status, model_artifacts=artifacts, history=with_history(status.history, job, reason))


def with_history(history: tuple[Run, ...], job: JobView, reason: str) -> tuple[Run, ...]:
    """The history with this run, newest first, each job once; a List says nothing of why one failed."""
    known = next((before.failure_reason for before in history if before.job_name == job.name), "")
    run = Run(
        job_name=job.name,
        job_status=job.status,
        reason=reason,
        failure_reason=job.failure_reason or known,
        artifact=job.artifact if job.status == "Completed" else "",
        metrics=job.metrics,
        start_time=_time(job.started),
        completion_time=_time(job.ended),
    )
    others = (before for before in history if before.job_name != job.name)
    return (run, *others)[:HISTORY_LIMIT]


def with_conditions(status: TrainingStatus, meta: Meta, verdict: Verdict, now: datetime) -> TrainingStatus:
    """The status with the verdict as its conditions."""
    return structs.replace(
        status,
        observed_generation=meta.generation,
        conditions=with_verdict(status.conditions, verdict, generation=meta.generation, now=now),
    )


def underway(job: JobView) -> Verdict:
    """What is said of a job that has not ended."""
    reason = _UNDERWAY.get(job.secondary_status, Reason.TRAINING)
    if job.status == "Stopping":
        reason = Reason.STOPPING
    words = f"{job.status}, {job.secondary_status}" if job.secondary_status else job.status
    return working(reason, f"training job {job.name} is {words}")


def ended(job: JobView) -> Verdict:
    """What is said of a job that has ended, when it is not tried again."""
    if job.status == "Completed":
        return settled(Reason.COMPLETED, f"training job {job.name} completed: {job.artifact}")
    if job.status == "Failed":
        return stalled(Reason.JOB_FAILED, f"training job {job.name} failed: {job.failure_reason or NO_REASON}")
    reason, why = _STOPPED.get(job.secondary_status, (Reason.JOB_STOPPED, "somebody stopped it"))
    return stalled(reason, f"training job {job.name} was stopped before it completed: {why}")


def log_url(job: Resource) -> str:
    """The job's log streams in the CloudWatch console; "" in a partition whose console has no public address."""
    region = job.place.region
    group = quote(quote(LOG_GROUP, safe=""), safe="").replace("%", "$")
    prefix = quote(quote(f"?logStreamNameFilter={job.name}/", safe=""), safe="").replace("%", "$")
    console = console_of(region)
    if not console:
        return ""
    return f"https://{region}.{console}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/{group}{prefix}"


def _uploads_only(importing: Importing | None) -> Importing | None:
    """Counts are the run's, uploads are S3's: they are there until they are ended."""
    return Importing(uploads=importing.uploads) if importing is not None and importing.uploads else None


def _with_outcome(status: TrainingStatus, job: JobView) -> TrainingStatus:
    return structs.replace(
        status,
        metrics=job.metrics,
        start_time=_time(job.started),
        completion_time=_time(job.ended),
        billable_seconds=job.billable_seconds,
    )


def _time(moment: datetime | None) -> str:
    return rfc3339(moment) if moment else ""
