"""A ClassifierTraining that is being deleted: what deletionPolicy asks for, until AWS says that it is done."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from msgspec import structs

from classifier_operator.api.conditions import Reason, unknown, working
from classifier_operator.api.ledger import resources_in, without
from classifier_operator.reconcile.calls import delete
from classifier_operator.reconcile.decision import Decision, Defaults, Seen, SpecError
from classifier_operator.reconcile.walls import is_beyond, policy_of, waiting_note_of, within
from classifier_operator.sagemaker.views import JobView
from classifier_operator.training import status as report
from classifier_operator.training.importing import ended_uploads, uploads_in, without_uploads
from classifier_operator.training.leftovers import Leftovers, known_to_have_ended, stopped
from classifier_operator.training.recovery import looks_back
from classifier_operator.training.situation import Training, TrainingDecision
from classifier_operator.training.spec import TrainingStatus


def of_another_account(training: Training, now: datetime) -> TrainingDecision | None:
    """Nothing is done, and nothing believed, while the operator's credentials are another account's.

    Where the spec asks for a role, that role's account is what counts; and to let go of everything needs no account.
    """
    words = training.accounts.mismatch
    is_own = not (training.spec.assume_role_arn or training.defaults.assume_role_arn)
    if not words or not (is_own or training.meta.is_deleted):
        return None
    with suppress(SpecError):
        if training.meta.is_deleted and _policy(training) == "Retain":
            return None
    verdict = unknown(Reason.ACCOUNT_MISMATCH, words)
    return Decision(status=report.with_conditions(training.status, training.meta, verdict, now))


def being_deleted(training: Training, seen: Seen, now: datetime) -> TrainingDecision:
    """Uploads are ended whatever the policy is: nobody could ever use their parts."""
    status, aborts = ended_uploads(training)
    status = _without_retained(training, status)
    aborts = tuple(one for one in aborts if not is_beyond(one.resource.place, training.defaults))
    search = looks_back(structs.replace(training, status=status), seen, now)
    if search is not None:
        return structs.replace(search, calls=(*aborts, *search.calls))
    try:
        left = _jobs_left(structs.replace(training, status=status), seen)
    except SpecError as error:
        verdict = working(Reason.DELETING, f"nothing is stopped yet: {error}")
        return Decision(status=report.with_conditions(status, training.meta, verdict, now), calls=aborts)
    status = structs.replace(status, resources=without(status.resources, left.gone))
    if not status.resources and not uploads_in(status):
        return Decision(status=status, releases=True)
    verdict = working(Reason.DELETING, _what_deletion_waits_for(status, seen, training.defaults))
    status = report.with_conditions(status, training.meta, verdict, now)
    calls = (*aborts, *left.calls)
    return Decision(status=status, calls=calls, follow=left.follow, again_after=left.again_after)


def _without_retained(training: Training, status: TrainingStatus) -> TrainingStatus:
    """The status without the uploads beyond the namespace's wall, which nobody may end, where all is to stay."""
    beyond = frozenset(one for one in uploads_in(status) if is_beyond(one.resource.place, training.defaults))
    try:
        policy = policy_of(training.spec.deletion_policy, training.defaults, otherwise="Stop")
    except SpecError:
        return status
    return without_uploads(status, beyond) if policy == "Retain" else status


def _jobs_left(training: Training, seen: Seen) -> Leftovers:
    """What is done about the jobs, as the policy says; those that are to stay are gone as far as the object goes."""
    jobs = resources_in(training.status.resources)
    if not jobs:
        return Leftovers()
    policy = _policy(training)
    if policy == "Retain":
        return Leftovers(gone=frozenset(jobs))
    jobs = within(jobs, training.defaults)
    if policy == "Stop":
        ended = known_to_have_ended(training.status)
        left = stopped([job for job in jobs if job not in ended], seen)
        return structs.replace(left, gone=left.gone | ended)
    return _deleted(stopped(jobs, seen), seen)


def _policy(training: Training) -> str:
    """What becomes of the jobs. Raises SpecError."""
    return policy_of(training.spec.deletion_policy, training.defaults, otherwise="Stop")


def _deleted(left: Leftovers, seen: Seen) -> Leftovers:
    """The same with ended jobs deleted too (DeleteTrainingJob): they are gone when AWS says so."""
    ended = sorted(job for job in left.gone if isinstance(seen.of(job), JobView))
    return structs.replace(left, calls=(*left.calls, *map(delete, ended)), gone=left.gone - frozenset(ended))


def _what_deletion_waits_for(status: TrainingStatus, seen: Seen, defaults: Defaults) -> str:
    uploads = uploads_in(status)
    jobs = [f"training job {entry.name}" for entry in status.resources]
    names = ", ".join([*jobs, *(f"the unfinished upload to {one.s3_uri}" for one in uploads)])
    trouble = seen.trouble_with(*resources_in(status.resources), *(one.resource for one in uploads))
    refused = f"; {trouble.operation} was refused: {trouble.words}" if trouble else ""
    beyond = waiting_note_of([*resources_in(status.resources), *(one.resource for one in uploads)], defaults)
    wall = f"; {beyond}" if beyond else ""
    return f"waiting for AWS to be done with {names}{refused}{wall}"
