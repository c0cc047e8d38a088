"""A training whose status was lost, or may be older than what is at AWS: what is looked for, and the status anew.

AWS keeps jobs for ever, so nothing is trained again: the attempt that the run is at, the last runs with their models
and metrics, and what runs still, are found there. What only the status had known is gone: whether the operator itself
had stopped a job, the uploads that were under way, and which of the spec's tags a job has.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

from msgspec import structs

from classifier_operator.api.conditions import Reason
from classifier_operator.api.kinds import Kind
from classifier_operator.api.ledger import Resource, ResourceType, resources_in, with_resources
from classifier_operator.reconcile.decision import Decision, Seen, SpecError
from classifier_operator.reconcile.past import Found, Past, SearchCall
from classifier_operator.reconcile.searching import Searched, leaves, searching
from classifier_operator.reconcile.walls import policy_of
from classifier_operator.sagemaker.names import suffixes_in
from classifier_operator.sagemaker.views import JobView
from classifier_operator.training import status as report
from classifier_operator.training.request import Wanted
from classifier_operator.training.situation import Training, TrainingDecision
from classifier_operator.training.spec import Importing, ModelArtifacts, TrainingStatus
from classifier_operator.training.tenancy import uses_of


def looks_back(training: Training, seen: Seen, now: datetime) -> TrainingDecision | None:
    """Search at AWS before anything is decided, where the status may not name all that there is."""
    if not _is_doubtful(training):
        return None
    known = resources_in(training.status.resources)
    searched = Searched(
        past=training.past,
        region=training.spec.region,
        assume_role_arn=training.spec.assume_role_arn,
        defaults=training.defaults,
        allowed=training.allowed,
        wall=training.wall,
        known=known,
    )
    if searched.needs_nothing:
        return None
    call = None if searched.problem else SearchCall(
        places=searched.places,
        kind=Kind.TRAINING,
        namespace=training.meta.key.namespace,
        name=training.meta.key.name,
        since=training.meta.created,
        known=frozenset(known),
        is_lost=training.past is Past.LOST,
        with_ended=_policy(training) == "Delete",
    )  # fmt: skip
    underway = Reason.DELETING if training.meta.is_deleted else Reason.RESTORING
    verdict, calls = searching(call, searched.problem, underway=underway, seen=seen, now=now)
    status = training.status
    if verdict is not None:
        status = report.with_conditions(status, training.meta, verdict, now)
    return Decision(status=status, calls=calls)


def recovered(training: Training) -> Training:
    """The training with what a search has found in its status."""
    found = training.found
    if found is None:
        return training
    status = training.status
    if training.past is Past.LOST:
        status = _rebuilt(training, found)
    return structs.replace(
        training, status=structs.replace(status, resources=with_resources(status.resources, found.resources))
    )


def unrecorded(training: Training, decision: TrainingDecision) -> TrainingDecision:
    """The decision about one whose past is still lost: its status must not look as if it told all."""
    if training.past is not Past.LOST or training.found is not None:
        return decision
    return structs.replace(decision, status=structs.replace(decision.status, observed_generation=0))


def _is_doubtful(training: Training) -> bool:
    if training.found is not None or training.past is Past.KNOWN:
        return False
    if training.meta.is_deleted:
        return _policy(training) != "Retain"
    status = training.status
    is_suspended_now = training.spec.suspend and status.observed_generation != training.meta.generation
    is_moved = leaves(status.region, training.spec.region, training.defaults)
    return training.past is Past.LOST or is_suspended_now or is_moved


def _policy(training: Training) -> str:
    """What becomes of the jobs; "" where nobody has said so: then nothing is done, and nothing needs to be found."""
    try:
        return policy_of(training.spec.deletion_policy, training.defaults, otherwise="Stop")
    except SpecError:
        return ""


def _rebuilt(training: Training, found: Found) -> TrainingStatus:
    """The status as it follows from the jobs that there are."""
    status = training.status
    jobs = _youngest_first(found)
    wanted = None
    with suppress(SpecError):
        wanted = training.wanted
    if wanted is not None:
        status = _at_its_run(training, status, wanted, found)
    known = {run.job_name for run in status.history}
    for at, job in reversed(list(enumerate(jobs))):
        if job.has_ended and job.name != status.job_name and not known:
            status = structs.replace(status, history=report.with_history(status.history, job, _reason(job, at)))
    if status.model_artifacts is None:
        status = structs.replace(status, model_artifacts=_last_model(jobs, wanted))
    return status


def _youngest_first(found: Found) -> list[JobView]:
    views = [found.described.get(one) for one in found.of(ResourceType.TRAINING_JOB)]
    jobs = [view for view in views if isinstance(view, JobView)]
    return sorted(jobs, key=lambda job: job.created or datetime.min.replace(tzinfo=UTC), reverse=True)


def _at_its_run(training: Training, status: TrainingStatus, wanted: Wanted, found: Found) -> TrainingStatus:
    """The status at the last attempt of the run that the spec asks for, if one of its jobs is there."""
    attempts = [attempt for one in found.resources if (attempt := _attempt(training, wanted, one))]
    if wanted.fetches and status.importing is None and not attempts and not _is_refused(training):
        # Uploads that were begun and have no id on record, and no parts, are ended before new ones are begun.
        uploads = tuple(fetch.intent for fetch in wanted.fetches)
        status = structs.replace(status, importing=Importing(uploads=uploads))
    if not attempts or status.job_name:
        return status
    status = report.with_run(status, wanted, max(attempts))
    view = found.described.get(wanted.job(max(attempts)))
    if training.spec.suspend and isinstance(view, JobView) and view.status == "Stopped":
        # It is suspended: the operator has stopped it.
        status = structs.replace(status, history=report.with_history(status.history, view, Reason.SUSPENDED))
    return status


def _is_refused(training: Training) -> bool:
    """Whether the namespace may not use what the spec names: what is there by that name may be anybody's."""
    return bool(training.wall or training.allowed.refusal_of(uses_of(training.spec, training.defaults)))


def _attempt(training: Training, wanted: Wanted, job: Resource) -> int:
    """Which attempt of the run the job is; 0 for one of another run."""
    key = training.meta.key
    suffixes = suffixes_in(key.namespace, key.name, job.name) or ()
    if len(suffixes) != 2 or suffixes[0] != wanted.run or job.place != wanted.place:
        return 0
    return int(suffixes[1])


def _reason(job: JobView, younger: int) -> str:
    """How it ended; of one that was stopped although others came after it, that it was stopped for them."""
    reason = report.ended(job).headline[0]
    return Reason.SUPERSEDED if younger and reason == Reason.JOB_STOPPED else reason


def _last_model(jobs: list[JobView], wanted: Wanted | None) -> ModelArtifacts | None:
    """The model of the youngest job that has completed."""
    good = next((job for job in jobs if job.status == "Completed" and job.artifact), None)
    if good is None:
        return None
    return ModelArtifacts(
        s3_uri=good.artifact, job_name=good.name, image=good.image or (wanted.image if wanted else "")
    )
