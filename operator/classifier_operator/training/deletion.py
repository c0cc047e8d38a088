"""A ClassifierTraining that is being deleted: what deletionPolicy asks for, until AWS says that it is done."""

from __future__ import annotations

from datetime import datetime

from msgspec import structs

from classifier_operator.api.conditions import Reason, working
from classifier_operator.api.ledger import resources_in, without
from classifier_operator.reconcile.calls import delete
from classifier_operator.reconcile.decision import Decision, Seen, SpecError, policy_of
from classifier_operator.sagemaker.views import JobView
from classifier_operator.training import status as report
from classifier_operator.training.leftovers import Leftovers, known_to_have_ended, stopped
from classifier_operator.training.situation import Training, TrainingDecision
from classifier_operator.training.spec import TrainingStatus


def being_deleted(training: Training, seen: Seen, now: datetime) -> TrainingDecision:
    status = training.status
    if not status.resources:
        return Decision(status=status, releases=True)
    try:
        policy = policy_of(training.spec.deletion_policy, training.defaults, otherwise="Stop")
    except SpecError as error:
        verdict = working(Reason.DELETING, f"nothing is stopped yet: {error}; spec.deletionPolicy goes before it")
        return Decision(status=report.with_conditions(status, training.meta, verdict, now))
    if policy == "Stop":
        status = structs.replace(status, resources=without(status.resources, known_to_have_ended(status)))
    jobs = resources_in(status.resources)
    if policy == "Retain" or not jobs:
        return Decision(status=status, releases=True)
    left = stopped(jobs, seen)
    if policy == "Delete":
        left = _deleted(left, seen)
    status = structs.replace(status, resources=without(status.resources, left.gone))
    if not status.resources:
        return Decision(status=status, releases=True)
    verdict = working(Reason.DELETING, _what_deletion_waits_for(status, seen))
    status = report.with_conditions(status, training.meta, verdict, now)
    return Decision(status=status, calls=left.calls, follow=left.follow)


def _deleted(left: Leftovers, seen: Seen) -> Leftovers:
    """The same with ended jobs deleted too (DeleteTrainingJob): they are gone when AWS says so."""
    ended = sorted(job for job in left.gone if isinstance(seen.of(job), JobView))
    return structs.replace(left, calls=(*left.calls, *map(delete, ended)), gone=left.gone - frozenset(ended))


def _what_deletion_waits_for(status: TrainingStatus, seen: Seen) -> str:
    names = ", ".join(entry.name for entry in status.resources)
    trouble = seen.trouble_with(*resources_in(status.resources))
    refused = f"; {trouble.operation} was refused: {trouble.words}" if trouble else ""
    return f"waiting for AWS to be done with training job {names}{refused}"
