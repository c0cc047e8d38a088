"""Data that is fetched before the run: nothing is created at SageMaker before all of it is in S3.

What is in S3 already is found there, by what the operator has put beside it: nothing of it is remembered. What is under
way is a multipart upload, and is treated as a training job is: the status names it before it is filled, and whatever
the spec no longer asks for is ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import structs

from classifier_operator.api.conditions import ConditionType, Reason, Verdict, find, working
from classifier_operator.reconcile.decision import Decision
from classifier_operator.reconcile.trouble import Trouble, verdict_of
from classifier_operator.sagemaker.views import JOB_ENDED, JobView
from classifier_operator.training import status as report
from classifier_operator.training.fetches import AbortCall, Fetch, ImportCall, Phase, Progress, shown
from classifier_operator.training.situation import Situation, Training, TrainingDecision
from classifier_operator.training.spec import Importing, TrainingStatus, Upload

_WAITING = frozenset({Phase.QUEUED, Phase.WAITING})


def data_is_missing(at: Situation) -> TrainingDecision | None:
    """Not all of the data is known to be where the run will look for it."""
    missing = [fetch for fetch in at.wanted.fetches if not at.imports.is_in_place(fetch)]
    if not missing:
        return None
    calls = () if _refused_for_good(at) else tuple(_calls(at, missing))
    status = counted(at, _recorded(report.with_run(at.status, at.wanted, at.attempt, is_new=True), calls))
    if not _is_only_looking(at, missing):
        status = at.says(_verdict(at, missing), status)
    return Decision(status=status, calls=calls, again_after=_until_next_try(at))


def counted(at: Situation, status: TrainingStatus) -> TrainingStatus:
    """The status with the bytes of all files together; as they were, while that is not known of one of them."""
    known = [progress for fetch in at.wanted.fetches if (progress := _progress(at, fetch)) is not None]
    is_unknown = any(progress.phase is Phase.LOOKING for progress in known)
    if not known or is_unknown or len(known) < len(at.wanted.fetches):
        return status
    totals = [progress.total for progress in known if progress.total is not None]
    return structs.replace(
        status,
        importing=structs.replace(
            status.importing or Importing(),
            bytes_done=sum(progress.done for progress in known),
            bytes_total=sum(totals) if len(totals) == len(known) else 0,
        ),
    )


def transfers_of(at: Situation) -> frozenset[Fetch]:
    """The transfers that go on, or whose outcome still counts: when one was refused for good the others end, too."""
    if at.spec.suspend or at.refusal or not _awaits_data(at):
        return frozenset()
    return frozenset(_refused_for_good(at) or at.wanted.fetches)


def tidied(at: Situation) -> tuple[Situation, tuple[AbortCall, ...]]:
    """The situation without the uploads that are no more, and the calls that end those that nobody wants."""
    wanted: Iterable[Fetch] = at.wanted.fetches
    if at.refusal or not _awaits_data(at) or _refused_for_good(at) or at.held:
        wanted = ()
    in_place = [fetch for fetch in wanted if at.imports.is_in_place(fetch)]
    settled = frozenset(one for one in uploads_in(at.status) if any(fetch.is_of(one) for fetch in in_place))
    status = without_uploads(at.status, at.imports.ended | settled)
    unwanted = [one for one in uploads_in(status) if not any(fetch.is_of(one) for fetch in wanted)]
    return structs.replace(at, status=status), tuple(AbortCall(upload=one) for one in unwanted)


def ended_uploads(training: Training) -> tuple[TrainingStatus, tuple[AbortCall, ...]]:
    """The status without the uploads that are no more, and the calls that end all others: nobody wants any."""
    status = without_uploads(training.status, training.imports.ended)
    return status, tuple(AbortCall(upload=one) for one in uploads_in(status))


def uploads_in(status: TrainingStatus) -> tuple[Upload, ...]:
    """The uploads that exist, or may exist."""
    return status.importing.uploads if status.importing is not None else ()


def without_uploads(status: TrainingStatus, gone: frozenset[Upload]) -> TrainingStatus:
    """The status without uploads that are known to be no more."""
    if status.importing is None or gone.isdisjoint(status.importing.uploads):
        return status
    left = tuple(one for one in status.importing.uploads if one not in gone)
    return structs.replace(status, importing=structs.replace(status.importing, uploads=left))


def _awaits_data(at: Situation) -> bool:
    """Whether the run's job has not been made: afterwards the data is SageMaker's matter."""
    has_ended = at.status.job_name == at.job.name and at.status.job_status in JOB_ENDED
    return not has_ended and not isinstance(at.sighting, JobView)


def _progress(at: Situation, fetch: Fetch) -> Progress | None:
    """How far it is; of one that was refused for the sake of an earlier run, nothing."""
    progress = at.imports.transfers.get(fetch)
    if progress is None or (progress.phase is Phase.FAILED and progress.run != at.wanted.run):
        return None
    return progress


def _troubles(at: Situation) -> list[tuple[Fetch, Progress, Trouble]]:
    progresses = [(fetch, _progress(at, fetch)) for fetch in at.wanted.fetches]
    return [(fetch, one, one.trouble) for fetch, one in progresses if one is not None and one.trouble is not None]


def _refused_for_good(at: Situation) -> list[Fetch]:
    return [fetch for fetch, _, trouble in _troubles(at) if trouble.is_final]


def _calls(at: Situation, missing: Sequence[Fetch]) -> Iterable[ImportCall]:
    for fetch in missing:
        if _is_occupied(at, fetch):
            continue
        progress = _progress(at, fetch)
        recorded = next((one for one in uploads_in(at.status) if fetch.is_of(one)), None)
        if progress is None or (progress.phase is Phase.FAILED and not _is_pausing(at, progress)):
            yield ImportCall(fetch=fetch, run=at.wanted.run, recorded=recorded)
        elif progress.phase is Phase.RECORDING:
            yield ImportCall(fetch=fetch, run=at.wanted.run, recorded=progress.upload, is_announced=True)


def _is_occupied(at: Situation, fetch: Fetch) -> bool:
    """Whether an upload of other data to the same place has to be ended first: there is one entry for each place."""
    return any(one.s3_uri == fetch.s3_uri and not fetch.is_of(one) for one in uploads_in(at.status))


def _recorded(status: TrainingStatus, calls: Iterable[ImportCall]) -> TrainingStatus:
    """With the uploads that are about to be begun, or have got their id."""
    new = {call.recorded.s3_uri: call.recorded for call in calls if call.is_announced and call.recorded is not None}
    importing = status.importing or Importing()
    uploads = {one.s3_uri: one for one in importing.uploads} | new
    return structs.replace(status, importing=structs.replace(importing, uploads=tuple(uploads.values())))


def _is_only_looking(at: Situation, missing: Sequence[Fetch]) -> bool:
    """Whether there is nothing to say yet that was not said before, by this process or an earlier one."""
    is_said = at.status.job_name == at.job.name and at.status.observed_generation == at.meta.generation
    if not is_said or find(at.status.conditions, ConditionType.READY) is None:
        return False
    progresses = [_progress(at, fetch) for fetch in missing]
    return all(progress is None or progress.phase is Phase.LOOKING for progress in progresses)


def _verdict(at: Situation, missing: Sequence[Fetch]) -> Verdict:
    troubles = [trouble for _, _, trouble in _troubles(at)]
    if troubles:
        worst = max(troubles, key=lambda trouble: (trouble.is_final, trouble.needs_somebody, trouble.retry_at))
        return verdict_of(worst, at.now, underway=Reason.IMPORTING)
    return working(Reason.IMPORTING, "; ".join(_sentence(at, fetch) for fetch in missing))


def _sentence(at: Situation, fetch: Fetch) -> str:
    progress = at.imports.transfers.get(fetch)
    text = f"fetching {shown(fetch.url)} to {fetch.s3_uri}"
    if _is_occupied(at, fetch):
        return f"{text}: waiting for an earlier upload to the same place to be ended"
    return f"{text}: {progress.phase.value}" if progress is not None and progress.phase in _WAITING else text


def _is_pausing(at: Situation, progress: Progress) -> bool:
    return progress.trouble is not None and progress.trouble.is_pausing(at.now)


def _until_next_try(at: Situation) -> float | None:
    waits = (trouble.seconds_left(at.now) for _, progress, trouble in _troubles(at) if progress.phase is Phase.FAILED)
    return min((wait for wait in waits if wait is not None), default=None)
