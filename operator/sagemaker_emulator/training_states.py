"""A training job's life as pure functions from timeline to timeline.

Nothing here knows of HTTP, storage or threads. The algorithm's real work is left to `training_work`: a job
that has some stays in Training until `completed` or `failed` is called with the result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from sagemaker_emulator import errors, timeline
from sagemaker_emulator.outcomes import Outcome
from sagemaker_emulator.settings import Training

GONE = "Gone"
TERMINAL = frozenset({"Completed", "Failed", "Stopped"})
DEFAULT_MAX_RUNTIME = 86_400.0
INTERRUPTED_SECONDS = 60.0
STOP_NOTICED_SECONDS = 5.0

# The texts users see in SecondaryStatusTransitions. AWS reserves the right to change them.
MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Pending": errors.CAPACITY_WAIT,
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Interrupted": "Training job interrupted: spot capacity was reclaimed",
    "Uploading": "Uploading generated training model",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "MaxWaitTimeExceeded": "Training job wait time exceeded MaxWaitTimeInSeconds provided",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
}

# What comes before these, and until how many seconds after the status began. That messages follow each other within a
# status is recorded; how long each is shown is not.
EARLIER_MESSAGES = {
    "Starting": ((10.0, "Starting the training job"), (40.0, "Launching requested ML instances")),
    "Training": ((10.0, "Downloading the training image"),),
}


@dataclass(frozen=True, slots=True)
class Phase:
    """One state of a job from the moment `at`."""

    at: float
    status: str
    secondary: str
    reason: str = ""

    def message(self, seconds: float) -> str:
        """The StatusMessage when the status has lasted `seconds`."""
        earlier = EARLIER_MESSAGES.get(self.secondary, ())
        return self.reason or next((text for end, text in earlier if seconds < end), MESSAGES.get(self.secondary, ""))


Timeline = tuple[Phase, ...]


@dataclass(frozen=True)
class Order:
    """What decides a job's course when it is created.

    `works` says that real work is to be done, so that the plan ends with Training; `lacks_capacity` that there is no
    instance of its type to be had.
    """

    request: dict[str, Any]
    settings: Training
    outcome: Outcome | None = None
    works: bool = False
    lacks_capacity: bool = False

    @property
    def max_runtime(self) -> float:
        return float(self.request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME))

    @property
    def max_wait(self) -> float | None:
        wait = self.request.get("StoppingCondition", {}).get("MaxWaitTimeInSeconds")
        return None if wait is None else float(wait)


def planned(order: Order, now: float) -> Timeline:
    """The course of a job created at `now`."""
    first = Phase(now, "InProgress", "Starting")
    if order.lacks_capacity:
        return (first, *_without_capacity(order, now))
    if order.outcome and order.outcome.result == "capacity":
        return (first, *_without_capacity(order, now, order.outcome.reason))
    return (first, *_within_wait(order, now, _from_download(order, now + order.settings.starting_seconds)))


def replanned(order: Order, phases: Timeline, now: float) -> Timeline:
    """The course of a job that waited for capacity and gets it at `now`."""
    past = timeline.until(phases, now)
    return (*past, *_within_wait(order, past[0].at, _from_download(order, now)))


def completed(phases: Timeline, *, ready_at: float, settings: Training) -> Timeline:
    """The rest of a job whose work ended well at `ready_at`; no change if it is no longer training."""
    if phases[-1].secondary != "Training":
        return phases
    at = max(ready_at, phases[-1].at + settings.training_seconds)
    return (*phases, *_upload(at, settings))


def failed(phases: Timeline, *, at: float, reason: str) -> Timeline:
    """A job whose work ended badly; no change if it is no longer training."""
    if phases[-1].secondary != "Training":
        return phases
    return (*phases, _failure(max(at, phases[-1].at), reason))


def stopping(phases: Timeline, now: float, settings: Training) -> Timeline:
    """A job that was asked to stop while in progress.

    The secondary status follows the status a moment later: recorded right after StopTrainingJob is Stopping with
    Starting. One that already uploads its model still becomes Completed, as AWS does with jobs about to finish.
    """
    past = timeline.until(phases, now)
    asked = Phase(now, "Stopping", past[-1].secondary)
    if past[-1].secondary == "Uploading":
        return (*past, asked, replace(phases[-1], at=max(phases[-1].at, now)))
    noticed = Phase(now + min(STOP_NOTICED_SECONDS, settings.stopping_seconds), "Stopping", "Stopping")
    return (*past, asked, noticed, Phase(now + settings.stopping_seconds, "Stopped", "Stopped"))


def deleting(phases: Timeline, now: float, settings: Training) -> Timeline:
    past = timeline.until(phases, now)
    begin = replace(past[-1], at=now, status="Deleting")
    return (*past, begin, Phase(now + settings.deleting_seconds, GONE, GONE))


def forced(phases: Timeline, now: float, outcome: Outcome) -> Timeline:
    """A running job that ends now, as ordered by hand."""
    past = timeline.until(phases, now)
    return (*past, *_ending(outcome, now))


def is_waiting_for_capacity(phases: Timeline, now: float) -> bool:
    phase = timeline.current(phases, now)
    return (phase.status, phase.secondary) == ("InProgress", "Pending")


def training_seconds(phases: Timeline, now: float) -> float:
    """Seconds from the first instance at work to the end, as AWS bills them; interruptions are free."""
    billed = {"Downloading", "Training", "Uploading", "Stopping"}
    total = 0.0
    for phase, end in timeline.spans(phases):
        if phase.secondary in billed and phase.status in ("InProgress", "Stopping"):
            total += max(0.0, min(now, end if end is not None else now) - phase.at)
    return total


def started_at(phases: Timeline, now: float) -> float | None:
    return next((p.at for p in phases if p.secondary == "Downloading" and p.at <= now), None)


def ended_at(phases: Timeline, now: float) -> float | None:
    return next((p.at for p in phases if p.status in TERMINAL and p.at <= now), None)


def has_model(phases: Timeline, now: float) -> bool:
    """Whether the artifact is in S3: only a completed job has one."""
    return any(phase.status == "Completed" and phase.at <= now for phase in phases)


def _from_download(order: Order, at: float) -> Timeline:
    settings = order.settings
    train = at + settings.downloading_seconds
    before = (Phase(at, "InProgress", "Downloading"), Phase(train, "InProgress", "Training"))
    if order.outcome and order.outcome.result == "interrupt":
        return (*before, *_interrupted(order, train))
    if order.outcome:
        return (*before, *_ending(order.outcome, train + _delay(order.outcome, settings)))
    if settings.training_seconds > order.max_runtime:
        return (*before, *_stopped_by_aws(train + order.max_runtime, "MaxRuntimeExceeded", settings))
    if order.works:
        return before
    return (*before, *_upload(train + settings.training_seconds, settings))


def _interrupted(order: Order, train: float) -> Timeline:
    """Spot capacity is lost in the middle of training, and the job begins again."""
    outcome = order.outcome
    lost = train + (_delay(outcome, order.settings) if outcome else 0.0)
    again = lost + INTERRUPTED_SECONDS
    rest = _from_download(replace(order, outcome=None), again + order.settings.starting_seconds)
    return (Phase(lost, "InProgress", "Interrupted"), Phase(again, "InProgress", "Starting"), *rest)


def _delay(outcome: Outcome, settings: Training) -> float:
    return settings.training_seconds / 2 if outcome.after_seconds is None else outcome.after_seconds


def _ending(outcome: Outcome, at: float) -> Timeline:
    endings = {
        "stop": Phase(at, "Stopped", "Stopped"),
        "max_runtime": Phase(at, "Stopped", "MaxRuntimeExceeded"),
        "max_wait": Phase(at, "Stopped", "MaxWaitTimeExceeded"),
        "capacity": _failure(at, outcome.reason or errors.CAPACITY_FAILURE),
        "fail": _failure(at, outcome.reason or "AlgorithmError: the training was ordered to fail, exit code: 1"),
    }
    return (endings[outcome.result],)


def _within_wait(order: Order, created: float, rest: Timeline) -> Timeline:
    """A spot job that would take longer than MaxWaitTimeInSeconds in all is stopped then."""
    if order.max_wait is None:
        return rest
    limit = created + order.max_wait
    # A job that works is planned only as far as Training, but how long it will take is known.
    least = rest[-1].at + (order.settings.training_seconds if rest[-1].secondary == "Training" else 0.0)
    if least <= limit:
        return rest
    kept = tuple(phase for phase in rest if phase.at < limit)
    return (*kept, *_stopped_by_aws(limit, "MaxWaitTimeExceeded", order.settings))


def _without_capacity(order: Order, now: float, reason: str = "") -> Timeline:
    """The job waits in Pending, which AWS gives up after a while."""
    pending = now + order.settings.starting_seconds
    wait = order.settings.capacity_wait_seconds
    if order.max_wait is not None and order.max_wait <= wait:
        stopped = _stopped_by_aws(max(pending, now + order.max_wait), "MaxWaitTimeExceeded", order.settings)
        return (Phase(pending, "InProgress", "Pending"), *stopped)
    return (
        Phase(pending, "InProgress", "Pending"),
        _failure(pending + wait, reason or errors.CAPACITY_FAILURE),
    )


def _stopped_by_aws(at: float, why: str, settings: Training) -> Timeline:
    return (Phase(at, "Stopping", "Stopping"), Phase(at + settings.stopping_seconds, "Stopped", why))


def _upload(at: float, settings: Training) -> Timeline:
    return (
        Phase(at, "InProgress", "Uploading"),
        Phase(at + settings.uploading_seconds, "Completed", "Completed"),
    )


def _failure(at: float, reason: str) -> Phase:
    return Phase(at, "Failed", "Failed", reason[:1024])


def is_sorted(phases: Timeline) -> bool:
    """Whether the phases follow each other in time, which every function here keeps true."""
    return all(before.at <= after.at for before, after in pairwise(phases))
