"""What decisions about a ClassifierTraining look at: the object, the run it asks for, and what AWS says of it."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

from msgspec import Struct

from classifier_operator.api.conditions import Condition, ConditionType, Reason, Verdict, find
from classifier_operator.api.ledger import Resource
from classifier_operator.reconcile.account import UNCHECKED, AccountCheck
from classifier_operator.reconcile.decision import Decision, Defaults, Meta, Seen
from classifier_operator.reconcile.past import Found, Past
from classifier_operator.reconcile.tenants import EVERYTHING, Allowance
from classifier_operator.reconcile.walls import refusal_of
from classifier_operator.sagemaker.views import Sighting
from classifier_operator.training import status as report
from classifier_operator.training.fetches import Imports
from classifier_operator.training.request import Wanted, wanted_run
from classifier_operator.training.spec import TrainingSpec, TrainingStatus

TrainingDecision = Decision[TrainingStatus]

_HELD = frozenset({Reason.INVALID_SPEC, Reason.NAME_TAKEN})


class Training(Struct, frozen=True, kw_only=True, dict=True):
    """A ClassifierTraining as decisions see it."""

    meta: Meta
    spec: TrainingSpec
    status: TrainingStatus
    defaults: Defaults = Defaults()
    imports: Imports = Imports()
    allowed: Allowance = EVERYTHING
    accounts: AccountCheck = UNCHECKED
    past: Past = Past.KNOWN
    found: Found | None = None

    @cached_property
    def wanted(self) -> Wanted:
        """The run that the spec asks for. Raises SpecError."""
        return wanted_run(self.meta, self.spec, self.defaults)

    @cached_property
    def wall(self) -> str:
        """Why the spec says what the namespace has made final; "" where it does not."""
        return refusal_of(self.spec, self.defaults, policy="Stop")


class Situation(Struct, frozen=True, kw_only=True):
    """Everything that the rules look at, gathered once.

    refusal: why the namespace may not use what the run needs; "" where it may.
    is_walled: whether that is because the spec says what the namespace has made final.
    """

    meta: Meta
    spec: TrainingSpec
    status: TrainingStatus
    wanted: Wanted
    attempt: int
    seen: Seen
    now: datetime
    imports: Imports = Imports()
    refusal: str = ""
    is_walled: bool = False
    defaults: Defaults = Defaults()

    @property
    def job(self) -> Resource:
        """The job that ought to run, or to have run."""
        return self.wanted.job(self.attempt)

    @property
    def tags(self) -> dict[str, str]:
        """The tags that are kept on the job."""
        return self.meta.kept_tags(self.spec.tags)

    @property
    def sighting(self) -> Sighting:
        """What AWS says of it."""
        return self.seen.of(self.job)

    @property
    def is_recorded(self) -> bool:
        """Whether the ledger says that the job may exist."""
        return any(entry.resource == self.job for entry in self.status.resources)

    @property
    def held(self) -> Condition | None:
        """What AWS, a source or a name refused for good, maybe to an earlier process: so it stays until an edit.

        A job that was refused for good is not in the ledger: of one that is, something else was said.
        """
        is_of_this = self.status.job_name == self.job.name and self.status.observed_generation == self.meta.generation
        if not is_of_this or self.status.job_arn or self.is_recorded:
            return None
        stalled = find(self.status.conditions, ConditionType.STALLED)
        return stalled if stalled is not None and stalled.reason in _HELD else None

    @property
    def may_have_given_up_before(self) -> bool:
        """Whether the operator may have stopped the job for the sake of a run since which it has forgotten that.

        The job was found under its name, the spec having gone back to it, and was not followed until it ended.
        """
        recorded = {run.job_name for run in self.status.history}
        is_forgotten = len(recorded) >= report.HISTORY_LIMIT and self.job.name not in recorded
        return is_forgotten and not self.status.job_arn

    @property
    def tries(self) -> int:
        """How often the run has been tried: attempts that the operator gave up itself are not counted.

        Nobody knows which those were that have fallen out of the history. Where it has room for all tries that there
        may be, they are not counted either.
        """
        earlier = {self.wanted.job(number).name for number in range(1, self.attempt)}
        if self.spec.retry.attempts <= report.HISTORY_LIMIT:
            earlier &= {run.job_name for run in self.status.history}
        return 1 + len(earlier - _given_up(self.status))

    def says(self, verdict: Verdict, status: TrainingStatus | None = None) -> TrainingStatus:
        """The status with that verdict."""
        return report.with_conditions(status or self.status, self.meta, verdict, self.now)


def situation_of(training: Training, wanted: Wanted, seen: Seen, now: datetime, refusal: str = "") -> Situation:
    return Situation(
        meta=training.meta,
        spec=training.spec,
        status=training.status,
        wanted=wanted,
        attempt=attempt_of(training.status, wanted),
        seen=seen,
        now=now,
        imports=training.imports,
        refusal=refusal,
        is_walled=bool(refusal and training.wall),
        defaults=training.defaults,
    )


def attempt_of(status: TrainingStatus, wanted: Wanted) -> int:
    """The attempt that the status is at, or the first; past those that the operator itself gave up."""
    given_up = _given_up(status)
    is_at_this_run = status.attempt and status.job_name == wanted.job(status.attempt).name
    attempt = status.attempt if is_at_this_run else 1
    while wanted.job(attempt).name in given_up:
        attempt += 1
    return attempt


def _given_up(status: TrainingStatus) -> set[str]:
    # One that completed all the same, because it was about to, is as good as any.
    return {run.job_name for run in status.history if run.reason in _GIVEN_UP and run.job_status != "Completed"}


# A job that the operator stopped itself is not the end of its run.
_GIVEN_UP = frozenset({Reason.SUSPENDED, Reason.SUPERSEDED})
