"""What to do about a ClassifierTraining: pure, from the object, what AWS says, and the time.

The rules are tried in order and the first that applies decides; each returns a whole decision or None. Jobs of
earlier specs are dealt with besides (`leftovers`), because they go on while the new run starts.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from msgspec import structs

from classifier_operator.api.conditions import ConditionType, Reason, Verdict, find, idle, stalled, with_note, working
from classifier_operator.api.kinds import CLUSTER_TAG
from classifier_operator.api.ledger import resources_in, with_resources, without
from classifier_operator.reconcile.calls import create, describe, identify, retag, retagged, stop_job, unsure
from classifier_operator.reconcile.decision import Decision, Seen, SpecError, Subject
from classifier_operator.reconcile.trouble import bounded_after, delay_of, note_of, verdict_of
from classifier_operator.sagemaker.names import is_arn_of
from classifier_operator.sagemaker.views import JOB_ENDED, JobView, Stranger, Unseen
from classifier_operator.training import status as report
from classifier_operator.training.deletion import being_deleted, of_another_account
from classifier_operator.training.importing import (
    counted,
    data_is_missing,
    ended_uploads,
    tidied,
    transfers_of,
    uploads_in,
)
from classifier_operator.training.leftovers import besides, going_on, superseded
from classifier_operator.training.recovery import looks_back, unrecorded
from classifier_operator.training.retry import (
    MOST_RETRY_DELAY,
    is_retry_due,
    may_be_tried_again,
    next_attempt,
    retried,
    until_retry,
    verdict_of_retry,
)
from classifier_operator.training.situation import Situation, Training, TrainingDecision, attempt_of, situation_of
from classifier_operator.training.spec import TrainingStatus
from classifier_operator.training.tenancy import beyond_of, refused, uses_of


def decide(training: Training, seen: Seen, now: datetime) -> TrainingDecision:
    """The next step for the object."""
    return unrecorded(training, _decided(training, seen, now))


def _decided(training: Training, seen: Seen, now: datetime) -> TrainingDecision:
    retry_after = bounded_after(training.status.retry_after, now, MOST_RETRY_DELAY)
    training = structs.replace(training, status=structs.replace(training.status, retry_after=retry_after))
    if (waits := of_another_account(training, now)) is not None:
        return waits
    if training.meta.is_deleted:
        return being_deleted(training, seen, now)
    try:
        wanted = training.wanted
        refusal = training.wall or training.allowed.refusal_of(uses_of(training.spec, training.defaults))
    except SpecError as error:
        return _refused(training, error, seen, now)
    if not refusal and (search := looks_back(training, seen, now)) is not None:
        return search
    situation, aborts = tidied(situation_of(training, wanted, seen, now, refusal))
    decision = next(decided for rule in RULES if (decided := rule(situation)) is not None)
    decision = structs.replace(decision, calls=(*aborts, *decision.calls), transfers=transfers_of(situation))
    decision = besides(situation, superseded(situation), decision)
    if situation.is_walled and situation.spec.suspend:
        decision = structs.replace(decision, status=_walled(situation, decision.status))
    return _beyond_noted(training, _noted(situation, decision))


def subject_of(training: Training) -> Subject:
    """The resources whose state decides: those in the ledger, and the job that is wanted now."""
    known = resources_in(training.status.resources)
    job = None
    if not training.meta.is_deleted:
        with suppress(SpecError):
            job = training.wanted.job(attempt_of(training.status, training.wanted))
    resources = frozenset({*known, *([job] if job else ())})
    return Subject(resources=resources, identity=f"{training.meta.generation}:{job and job.name}")


def _suspended(at: Situation) -> TrainingDecision | None:
    if not at.spec.suspend:
        return None
    job = at.sighting
    if job is Unseen.UNKNOWN and at.is_recorded and at.status.job_status not in JOB_ENDED:
        return Decision(status=at.status, calls=(identify(at.job),))
    if isinstance(job, JobView) and job.is_moving:
        # Given up in the history: when it is resumed, the run goes on under its next attempt's name.
        history = report.with_history(at.status.history, job, Reason.SUSPENDED)
        status = structs.replace(report.with_job(at.status, job), history=history)
        calls = (stop_job(at.job),) if job.is_running else ()
        return Decision(
            status=at.says(_stopping_for_suspension(job.name), status),
            calls=calls,
            follow=frozenset({at.job}),
        )
    if isinstance(job, JobView) and at.is_recorded and at.status.job_status not in JOB_ENDED:
        return _ended_while_suspended(at)
    # Those that are looked at, too: one whose end the status tells is waited for no more.
    stopping = sorted(one.name for one in superseded(at).follow)
    if stopping:
        return Decision(status=at.says(_stopping_for_suspension(stopping[0])))
    return Decision(status=at.says(_NOTHING_IS_STARTED))


def _ended_while_suspended(at: Situation) -> TrainingDecision | None:
    """The job ended of itself before it was stopped: how, is recorded like any other end."""
    decision = _job_has_ended(at)
    if decision is None or decision.calls:
        return decision
    return structs.replace(decision, status=at.says(_NOTHING_IS_STARTED, decision.status), again_after=None)


def _is_not_allowed(at: Situation) -> TrainingDecision | None:
    """Its namespace may not use what it asks for: nothing is asked of AWS but how what runs already is."""
    if not at.refusal:
        return None
    is_over = at.status.job_name == at.job.name and at.status.job_status in JOB_ENDED
    own_tags = {key: value for key, value in at.status.tags.items() if key != CLUSTER_TAG}
    if is_over and not (at.is_walled or at.status.retry_after) and own_tags == at.spec.tags:
        return Decision(status=at.says(_verdict_kept(at)))
    if is_over or not isinstance(at.sighting, JobView) or at.sighting.is_moving:
        return refused(at)
    ended = _job_has_ended(at)
    if ended is not None and ended.status.retry_after:
        return refused(structs.replace(at, status=ended.status))
    return ended


def _job_is_a_strangers(at: Situation) -> TrainingDecision | None:
    if not isinstance(at.sighting, Stranger):
        return None
    whose = at.sighting.owner or "nobody this operator knows"
    message = f"a training job named {at.job.name} exists and belongs to {whose}: {at.sighting.arn}"
    status = structs.replace(at.status, resources=without(at.status.resources, [at.job]))
    return Decision(status=at.says(stalled(Reason.NAME_TAKEN, message), status))


def _run_ended_before(at: Situation) -> TrainingDecision | None:
    """The status already holds how this run ended: nothing is asked of AWS about it, for ever."""
    if at.status.job_name != at.job.name or at.status.job_status not in JOB_ENDED:
        return None
    if is_retry_due(at):
        return next_attempt(at)
    return _retagged(at, Decision(status=at.says(_verdict_kept(at)), again_after=until_retry(at)))


def _refused_before(at: Situation) -> TrainingDecision | None:
    """AWS refused this very request for good, in this process or an earlier one: it is not sent again."""
    if isinstance(at.sighting, JobView):
        # The job is there: that its tags, or a look at it, are refused does not change what it does.
        return None
    trouble = at.seen.trouble_with(at.job)
    if trouble is not None and trouble.is_pausing(at.now):
        if trouble.is_only_a_look:
            return Decision(status=at.status)
        if trouble.is_brief(at.now):
            return Decision(status=at.says(delay_of(trouble, Reason.STARTING)))
        ledger = at.status.resources
        if trouble.is_never_tried_again and not at.status.job_arn:
            ledger = without(ledger, [at.job])
        verdict = verdict_of(trouble, at.now, underway=Reason.STARTING)
        return Decision(status=at.says(verdict, structs.replace(at.status, resources=ledger)))
    if trouble is None and (held := at.held) is not None:
        if held.reason == Reason.NAME_TAKEN:
            return _name_was_taken(at)
        return Decision(status=at.says(stalled(Reason(held.reason), held.message)))
    return None


def _name_was_taken(at: Situation) -> TrainingDecision | None:
    """Said before, and the operator has been restarted since: look whether the stranger is still there, quietly."""
    return Decision(status=at.status, calls=(identify(at.job),)) if at.sighting is Unseen.UNKNOWN else None


def _job_is_unknown(at: Situation) -> TrainingDecision | None:
    """It was made, and nobody has looked since the operator started: the next sweep tells."""
    if at.sighting is not Unseen.UNKNOWN or not at.status.job_arn or at.status.job_name != at.job.name:
        return None
    return Decision(status=at.status, follow=frozenset({at.job}))


def _job_is_lost(at: Situation) -> TrainingDecision | None:
    if at.sighting is not Unseen.ABSENT or not at.status.job_arn or at.status.job_name != at.job.name:
        return None
    if (seconds := at.seen.unconfirmed.get(at.job)) is not None:
        # A single "not found" may be wrong, and a run that is called lost is not run again.
        calls = () if seconds else (identify(at.job),)
        return Decision(status=at.status, calls=calls, again_after=seconds or None)
    message = (
        f"training job {at.job.name} no longer exists at AWS; it is not run again by itself: change the spec or "
        "set the retrain annotation for a new run"
    )
    status = structs.replace(at.status, resources=without(at.status.resources, [at.job]))
    return Decision(status=at.says(stalled(Reason.JOB_LOST, message), status))


def _data_is_missing(at: Situation) -> TrainingDecision | None:
    return None if isinstance(at.sighting, JobView) else data_is_missing(at)


def _job_is_missing(at: Situation) -> TrainingDecision | None:
    if isinstance(at.sighting, JobView):
        return None
    status = counted(at, report.with_run(at.status, at.wanted, at.attempt, is_new=True))
    status = report.with_creation(status, at.job)
    verdict = working(Reason.STARTING, f"training job {at.job.name} is being created")
    return Decision(status=at.says(verdict, status), calls=(create(at.job, at.wanted.params),))


def _job_is_moving(at: Situation) -> TrainingDecision | None:
    job = at.sighting
    if not isinstance(job, JobView) or not job.is_moving:
        return None
    status = report.with_job(report.with_run(at.status, at.wanted, at.attempt), job)
    status = structs.replace(status, resources=with_resources(status.resources, [at.job]))
    return _retagged(at, Decision(status=at.says(report.underway(job), status), follow=frozenset({at.job})))


def _job_has_ended(at: Situation) -> TrainingDecision | None:
    job = at.sighting
    if not isinstance(job, JobView):
        return None
    if not job.is_detailed:
        trouble = at.seen.trouble_with(at.job)
        status = at.status
        if trouble is not None and trouble.needs_somebody:
            status = at.says(verdict_of(trouble, at.now, underway=Reason.UPLOADING))
        return Decision(status=status, calls=(describe(at.job),))
    status = report.with_job(report.with_run(at.status, at.wanted, at.attempt), job)
    status = structs.replace(status, resources=with_resources(status.resources, [at.job]))
    if may_be_tried_again(at, job):
        return retried(at, status, job)
    verdict = report.ended(job)
    if verdict.stalled is Reason.JOB_STOPPED and at.may_have_given_up_before:
        # With that on record, the run goes on under its next attempt's name.
        status = structs.replace(status, history=report.with_history(status.history, job, Reason.SUPERSEDED))
        verdict = working(Reason.STARTING, f"training job {job.name} was given up before; the next attempt follows")
        return Decision(status=at.says(verdict, status), again_after=0.0)
    status = report.with_end(status, job, verdict.headline[0])
    return _retagged(at, Decision(status=at.says(verdict, status)))


RULES: tuple[Callable[[Situation], TrainingDecision | None], ...] = (
    _suspended,
    _is_not_allowed,
    _job_is_a_strangers,
    _run_ended_before,
    _refused_before,
    _job_is_unknown,
    _job_is_lost,
    _data_is_missing,
    _job_is_missing,
    _job_is_moving,
    _job_has_ended,
)


_BESIDES = frozenset({"StopTrainingJob", "AddTags", "DeleteTags", "AbortMultipartUpload", "DescribeTrainingJob"})

_NOTHING_IS_STARTED = idle(Reason.SUSPENDED, "no run is started while spec.suspend is true")


def _verdict_kept(at: Situation) -> Verdict:
    """The verdict on a run that ended before, from the status alone."""
    status = at.status
    if status.retry_after:
        return verdict_of_retry(at, status.failure_reason)
    job = JobView(
        name=status.job_name,
        arn=status.job_arn,
        status=status.job_status,
        secondary_status=status.secondary_status,
        failure_reason=status.failure_reason,
        artifact=status.model_artifacts.s3_uri if status.model_artifacts else "",
    )
    return report.ended(job)


def _retagged(at: Situation, decision: TrainingDecision) -> TrainingDecision:
    """Tags change in place: they are no part of what tells runs apart. None are sent where the spec is not allowed."""
    if at.refusal or at.status.job_name != at.job.name or at.status.tags == at.tags:
        return decision
    if not is_arn_of(decision.status.job_arn, at.job.name):
        # A hand may have written the ARN of something else there.
        return decision
    trouble = at.seen.trouble_with(at.job)
    if trouble is not None and trouble.is_pausing(at.now):
        return decision
    on_record = unsure(wanted=at.tags, had=at.status.tags)
    if at.status.tags != on_record:
        # On record first, and only then at AWS.
        status = structs.replace(decision.status, tags=on_record)
        return structs.replace(decision, status=status, again_after=0.0)
    calls = retag(at.job, decision.status.job_arn, wanted=at.tags, had=at.status.tags)
    status = structs.replace(decision.status, tags=retagged(wanted=at.tags, had=at.status.tags))
    return structs.replace(decision, status=status, calls=(*calls, *decision.calls))


def _noted(at: Situation, decision: TrainingDecision) -> TrainingDecision:
    """Say what cannot be done besides: a job that is not stopped costs money, tags may be what the bill is split by."""
    uploads = (upload.resource for upload in uploads_in(at.status))
    trouble = at.seen.trouble_with(at.job, *resources_in(at.status.resources), *uploads)
    is_besides = trouble is not None and trouble.operation in _BESIDES and trouble.needs_somebody
    if trouble is None or not is_besides:
        return decision
    conditions = with_note(decision.status.conditions, note_of(trouble))
    return structs.replace(decision, status=structs.replace(decision.status, conditions=conditions))


def _refused(training: Training, error: SpecError, seen: Seen, now: datetime) -> TrainingDecision:
    """Nothing of it can be begun, and what is half done of an earlier spec's data is of no use; its job goes on."""
    status, aborts = ended_uploads(training)
    status, follow = going_on(report.without_unmade_job(status), seen)
    wall = training.wall
    verdict = stalled(Reason.NOT_ALLOWED, wall) if wall else stalled(Reason.INVALID_SPEC, str(error))
    status = report.with_conditions(status, training.meta, verdict, now)
    return _beyond_noted(training, Decision(status=status, calls=aborts, follow=follow))


def _walled(at: Situation, status: TrainingStatus) -> TrainingStatus:
    """Say of a suspended object, too, that it may not be resumed like this."""
    ready = find(status.conditions, ConditionType.READY)
    said = ready.message if ready is not None else ""
    words = said if at.refusal in said else "; ".join(filter(None, (at.refusal, said)))
    return at.says(stalled(Reason.NOT_ALLOWED, words), status)


def _beyond_noted(training: Training, decision: TrainingDecision) -> TrainingDecision:
    """Say what was made beyond the namespace's wall: it may run, and nobody stops it."""
    note = beyond_of(training.status, training.defaults)
    if not note:
        return decision
    conditions = with_note(decision.status.conditions, note)
    return structs.replace(decision, status=structs.replace(decision.status, conditions=conditions))


def _stopping_for_suspension(name: str) -> Verdict:
    return working(Reason.STOPPING, f"suspended: training job {name} is being stopped")
