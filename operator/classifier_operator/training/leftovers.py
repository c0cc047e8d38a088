"""Jobs that are no longer wanted: those that run are stopped, those that have ended go into the history."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, structs

from classifier_operator.api.conditions import Reason
from classifier_operator.api.ledger import Resource, resources_in, without
from classifier_operator.reconcile.calls import Call, identify, stop_job
from classifier_operator.reconcile.decision import Seen
from classifier_operator.reconcile.walls import within
from classifier_operator.sagemaker.views import JOB_ENDED, JobView, Unseen
from classifier_operator.training import status as report
from classifier_operator.training.situation import Situation, TrainingDecision
from classifier_operator.training.spec import Run, TrainingStatus


class Leftovers(Struct, frozen=True, kw_only=True):
    """What is done about jobs that are no longer wanted: stop what runs, forget what has ended.

    again_after: seconds until what was not found once has to be asked for again.
    """

    calls: tuple[Call, ...] = ()
    follow: frozenset[Resource] = frozenset()
    gone: frozenset[Resource] = frozenset()
    jobs: tuple[JobView, ...] = ()
    again_after: float | None = None


def superseded(at: Situation) -> Leftovers:
    """What is done about the jobs of earlier runs, but for those that are known to have ended.

    Nothing while the run that ought to come after them may not be begun, unless nothing is to run at all.
    """
    if at.refusal and not at.spec.suspend:
        return Leftovers()
    ended = known_to_have_ended(at.status)
    known = within(resources_in(at.status.resources), at.defaults)
    return stopped([one for one in known if one != at.job and one not in ended], at.seen)


def known_to_have_ended(status: TrainingStatus) -> frozenset[Resource]:
    """The jobs of which the status itself says so: they will not change any more, and need no look."""
    ended = {run.job_name for run in status.history if run.job_status in JOB_ENDED}
    if status.job_status in JOB_ENDED:
        ended.add(status.job_name)
    return frozenset(job for job in resources_in(status.resources) if job.name in ended)


def stopped(jobs: Sequence[Resource], seen: Seen) -> Leftovers:
    views = {job: seen.of(job) for job in jobs}
    known = {job: view for job, view in views.items() if isinstance(view, JobView)}
    moving = {job: view for job, view in known.items() if view.is_moving}
    # A single "not found" may be wrong.
    doubtful = [job for job in jobs if job in seen.unconfirmed]
    asked = [job for job, view in views.items() if view is Unseen.UNKNOWN and job not in doubtful]
    asked += [job for job in doubtful if not seen.unconfirmed[job]]
    unknown = [identify(job) for job in asked]
    running = [stop_job(job) for job, view in moving.items() if view.is_running]
    return Leftovers(
        calls=(*unknown, *running),
        follow=frozenset(moving),
        gone=frozenset(
            job
            for job, view in views.items()
            if view is not Unseen.UNKNOWN and job not in moving and job not in doubtful
        ),
        jobs=tuple(known.values()),
        again_after=min((seen.unconfirmed[job] for job in doubtful if seen.unconfirmed[job]), default=None),
    )


def besides(at: Situation, leftovers: Leftovers, decision: TrainingDecision) -> TrainingDecision:
    """The decision together with what is done about jobs of earlier runs.

    A job that has ended stays in the ledger as long as it stays in the history: deletion may have to take it along.
    One that has not stays there whatever the history has room for: nobody else knows that it is to be stopped.
    """
    status = decision.status
    for job in leftovers.jobs:
        if _is_forgotten(status, job.name):
            continue
        status = structs.replace(status, history=_with_given_up(status.history, job))
        if status.job_name == job.name and job.status != "Completed":
            # One that completed all the same is the run's own again, and recorded as such.
            status = report.with_job(status, job)
    remembered = {run.job_name for run in status.history}
    forgotten = {run.job_name for run in at.status.history} - remembered
    kept = remembered & {job.name for job in leftovers.jobs}
    over = known_to_have_ended(at.status) - {at.job}
    gone = [job for job in over if job.name in forgotten]
    gone += [job for job in leftovers.gone if job.name not in kept]
    status = structs.replace(status, resources=without(status.resources, gone))
    return structs.replace(
        decision,
        status=status,
        calls=(*leftovers.calls, *decision.calls),
        follow=decision.follow | leftovers.follow,
        again_after=_sooner(decision.again_after, leftovers.again_after),
    )


def _sooner(*waits: float | None) -> float | None:
    return min((wait for wait in waits if wait is not None), default=None)


def _is_forgotten(status: TrainingStatus, name: str) -> bool:
    """Whether the history is full of younger runs: it would push out one of them, which would come back in turn."""
    recorded = {run.job_name for run in status.history}
    names = [entry.name for entry in status.resources]
    is_full = len(recorded) >= report.HISTORY_LIMIT and name not in recorded
    return is_full and name in names and recorded <= set(names[names.index(name) :])


def _with_given_up(history: tuple[Run, ...], job: JobView) -> tuple[Run, ...]:
    before = next((run for run in history if run.job_name == job.name), None)
    if before is None:
        return report.with_history(history, job, Reason.SUPERSEDED)
    if before.job_status == job.status:
        return history
    return report.with_history(history, job, before.reason or _reason_of(job))


def _reason_of(job: JobView) -> str:
    """Of one that was about to be made when it was given up: it may have been there already, and over."""
    return Reason.SUPERSEDED if job.is_moving else report.ended(job).headline[0]


def going_on(status: TrainingStatus, seen: Seen) -> tuple[TrainingStatus, frozenset[Resource]]:
    """The status with what AWS says of a job that runs although nothing can be begun; and what is to be looked at."""
    job = next((one for one in resources_in(status.resources) if one.name == status.job_name), None)
    view = seen.of(job) if job is not None else Unseen.ABSENT
    if job is not None and isinstance(view, JobView) and view.is_moving:
        return report.with_job(status, view), frozenset({job})
    if job is not None and view is Unseen.UNKNOWN and status.job_status not in JOB_ENDED:
        return status, frozenset({job})
    return status, frozenset()
