"""Another attempt at a job that AWS failed: never at one that the user's data or parameters failed."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import structs

from classifier_operator.api.conditions import Reason, Verdict, rfc3339, working
from classifier_operator.reconcile.calls import create
from classifier_operator.reconcile.decision import Decision
from classifier_operator.sagemaker.failures import Fault, fault_of
from classifier_operator.sagemaker.views import JobView
from classifier_operator.sagemaker.words import names_in
from classifier_operator.training import status as report
from classifier_operator.training.situation import Situation, TrainingDecision
from classifier_operator.training.spec import TrainingStatus

# A job that AWS failed is tried again after this long, doubling with each attempt.
RETRY_DELAY = timedelta(seconds=30)
MOST_RETRY_DELAY = timedelta(hours=1)
# A role that was applied a moment before takes seconds, rarely minutes, to take effect: so many more attempts are made
# even where the spec asks for none.
ROLE_ATTEMPTS = 3


_WAITS = {Fault.CAPACITY: Reason.WAITING_FOR_CAPACITY, Fault.ROLE: Reason.ACCESS_PENDING}


def may_be_tried_again(at: Situation, job: JobView) -> bool:
    fault = _fault(at, job.failure_reason)
    return job.status == "Failed" and fault.passes_by_itself and at.tries <= _attempts(at, fault)


def _fault(at: Situation, failure_reason: str) -> Fault:
    return fault_of(failure_reason, names_in(at.wanted.params))


def _attempts(at: Situation, fault: Fault) -> int:
    return max(at.spec.retry.attempts, ROLE_ATTEMPTS) if fault is Fault.ROLE else at.spec.retry.attempts


def retried(at: Situation, status: TrainingStatus, job: JobView) -> TrainingDecision:
    """AWS failed the job: the next attempt starts, under the next name, after a while."""
    due = at.now + min(MOST_RETRY_DELAY, RETRY_DELAY * 2 ** (at.tries - 1))
    status = report.with_end(status, job, Reason.JOB_FAILED)
    at = structs.replace(at, status=structs.replace(status, retry_after=rfc3339(due)))
    return Decision(status=at.says(verdict_of_retry(at, job.failure_reason)), again_after=until_retry(at))


def next_attempt(at: Situation) -> TrainingDecision:
    following = structs.replace(at, attempt=at.attempt + 1)
    status = report.with_run(at.status, at.wanted, following.attempt, is_new=True)
    status = report.with_creation(status, following.job)
    verdict = working(
        Reason.STARTING, f"attempt {following.attempt}: training job {following.job.name} is being created"
    )
    return Decision(status=at.says(verdict, status), calls=(create(following.job, at.wanted.params),))


def verdict_of_retry(at: Situation, failure_reason: str) -> Verdict:
    fault = _fault(at, failure_reason)
    reason = _WAITS.get(fault, Reason.STARTING)
    left = _attempts(at, fault) - at.tries + 1
    return working(reason, f"training job {at.job.name} failed; {left} more attempt(s) are left: {failure_reason}")


def is_retry_due(at: Situation) -> bool:
    return bool(at.status.retry_after) and at.status.retry_after <= rfc3339(at.now)


def until_retry(at: Situation) -> float | None:
    if not at.status.retry_after:
        return None
    due = datetime.fromisoformat(at.status.retry_after)
    return max(0.0, (due - at.now).total_seconds())
