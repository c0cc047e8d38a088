"""The measurements by name, each with what it measures at which scale, in the order in which they are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.scale import capacity, endpoints, population, trainings
from bench.scale.aws import HUNDRED_SECONDS
from bench.scale.cluster import CONNECTIONS
from bench.scale.population import Population
from bench.scale.site import POLLER, Figures, Progress
from bench.scale.targets import GROWING, MARGINAL, MOST_LISTS, TOGETHER, Target, growth, marginal, most_lists

# What a measurement brings: figures by section.
Found = dict[str, Figures]


@dataclass(frozen=True)
class Size:
    """Which part of the objects is measured, and of the time that they take at AWS."""

    objects: float = 1.0
    time: float = 1.0

    @property
    def is_full(self) -> bool:
        """Whether targets can be judged."""
        return self.objects == self.time == 1.0

    def of(self, count: int) -> int:
        """So many objects at this size: an even number, so that half of them can be of each kind."""
        return max(2, 2 * round(count * self.objects / 2))


Measurement = Callable[[Size, Progress], Found]


TRAININGS = 1000
ENDPOINTS = 500
GROWTH = (100, 1000)
MANY = 10_000
FOREIGN = 10_000
# As AWS is told to allow; the operator does not know.
ALLOWED_PER_SECOND = 10.0
# The jobs of those that kubectl creates need not run for long: how soon they are made is all that is asked.
SOON = HUNDRED_SECONDS.scaled(0.1)
# How the sections of what the operator is compared with end.
PEER = "-poller"
GROWN = tuple(f"growth-{count}" for count in (*GROWTH, MANY))


def _capacity(size: Size, progress: Progress) -> Found:
    return {"emulator": capacity.measure(size.of(TRAININGS), progress)}


def _trainings(size: Size, progress: Progress) -> Found:
    return {
        "trainings": trainings.measure(
            trainings.Work(size.of(TRAININGS), stages=HUNDRED_SECONDS.scaled(size.time)), progress
        )
    }


def _trainings_poller(size: Size, progress: Progress) -> Found:
    work = trainings.Work(size.of(TRAININGS), stages=HUNDRED_SECONDS.scaled(size.time), program=POLLER, pace=size.time)
    return {"trainings-poller": trainings.measure(work, progress)}


def _limited(size: Size, progress: Progress) -> Found:
    work = trainings.Work(size.of(TRAININGS), stages=HUNDRED_SECONDS.scaled(size.time), allowed=ALLOWED_PER_SECOND)
    return {"limited": trainings.measure(work, progress)}


def _events(size: Size, progress: Progress) -> Found:
    stages = HUNDRED_SECONDS.scaled(size.time)
    work = trainings.Work(size.of(TRAININGS), stages=stages, pace=size.time, has_events=True)
    return {"events": trainings.measure(work, progress)}


def _applied(size: Size, progress: Progress) -> Found:
    work = trainings.Work(size.of(TRAININGS), way="apply", stages=SOON.scaled(size.time))
    return {"applied": trainings.measure(work, progress)}


def _endpoints(size: Size, progress: Progress) -> Found:
    return {
        "endpoints": endpoints.measure(
            endpoints.Work(size.of(ENDPOINTS), creating=60 * size.time, quiet=60 * size.time), progress
        )
    }


def _endpoints_poller(size: Size, progress: Progress) -> Found:
    work = endpoints.Work(
        size.of(ENDPOINTS), creating=60 * size.time, quiet=60 * size.time, program=POLLER, pace=size.time
    )
    return {"endpoints-poller": endpoints.measure(work, progress)}


def _growth(size: Size, progress: Progress) -> Found:
    return {name: population.grown(_objects(count, size), progress) for count, name in zip(GROWTH, GROWN, strict=False)}


def _population(size: Size, progress: Progress) -> Found:
    found: Found = {}
    with Population(_objects(MANY, size), progress) as settled:
        found[GROWN[-1]] = settled.growth
        found["settled"] = settled.settled()
        found["restart"] = settled.restarted()
        found["change"] = settled.changed()
        found["among-many"] = settled.among_many()
    return found


def compared(found: Found) -> Found:
    """The sections, with what is told by several of them together."""
    measured = {name: section for name, section in found.items() if name not in TOGETHER}
    ours = [section for name, section in measured.items() if not name.endswith(PEER) and MOST_LISTS in section]
    together: Found = {"lists": most_lists(ours)} if ours else {}
    grown = [measured[name] for name in GROWN if name in measured]
    if len(grown) == len(GROWN):
        together["growth"] = {**growth(grown), **marginal(grown)}
    return {**measured, **together}


def _objects(count: int, size: Size) -> population.Work:
    return population.Work(
        size.of(count),
        quiet=300 * size.time,
        restart=60 * size.time,
        many_foreign=size.of(FOREIGN),
        stages=population.STAGES.scaled(size.time),
        creating=population.CREATING_SECONDS * size.time,
    )


MEASUREMENTS: Mapping[str, Measurement] = {
    "emulator": _capacity,
    "trainings": _trainings,
    "trainings-poller": _trainings_poller,
    "limited": _limited,
    "applied": _applied,
    "events": _events,
    "endpoints": _endpoints,
    "endpoints-poller": _endpoints_poller,
    "growth": _growth,
    "population": _population,
}

_PER_OBJECT = "AWS calls per object"
_CPU = "CPU ms per object"
_LAG = "status lag s"
_JOB = "job after its object s"
_PEAK = "peak memory MB"
_A_MINUTE = "AWS calls a minute"


def _against_poller(section: str, figure: str) -> tuple[str, str, float]:
    return f"{section}{PEER}", figure, 1


_IN_SERVICE = ("endpoints-poller", "AWS calls a minute in service", MANY / 2 / ENDPOINTS)

TARGETS = (
    Target(
        "1,000 trainings of 100 s: AWS calls per object",
        "trainings",
        _PER_OBJECT,
        3.0,
        peer=_against_poller("trainings", _PER_OBJECT),
    ),
    *(
        Target(
            f"… status behind AWS, {what}",
            "trainings",
            f"{_LAG}, {what}",
            most,
            " s",
            _against_poller("trainings", f"{_LAG}, {what}"),
        )
        for what, most in (("median", 3), ("99th percentile", 8))
    ),
    Target("… all CreateTrainingJob made at 10 a second", "limited", "all jobs made s", 105, " s"),
    Target("… of these calls throttled", "limited", "throttled share of CreateTrainingJob", 1, " %", factor=100),
    Target("… CPU per object", "trainings", _CPU, 30, " ms", _against_poller("trainings", _CPU)),
    Target("… peak memory", "trainings", _PEAK, 150, " MB", _against_poller("trainings", _PEAK)),
    *(
        Target(f"… created by kubectl apply: job after its object, {what}", "applied", f"{_JOB}, {what}", most, " s")
        for what, most in (("median", 2), ("worst", 10))
    ),
    # All at once is as fast as the API server takes three writes for each: not the operator's to reach.
    *(
        Target(
            f"… created over {CONNECTIONS} connections at once: job after its object, {what}",
            "trainings",
            f"{_JOB}, {what}",
            None,
            " s",
            _against_poller("trainings", f"{_JOB}, {what}"),
        )
        for what in ("median", "worst")
    ),
    Target("… by events, with a sweep of 120 s: status behind AWS, median", "events", f"{_LAG}, median", 1, " s"),
    # Each event is a Describe, where a List tells of a hundred: what being told at once costs is to be seen.
    Target("… by events: AWS calls per object", "events", _PER_OBJECT, None),
    Target("… by events: CPU per object", "events", _CPU, None, " ms"),
    Target(
        "500 endpoints to InService: AWS calls per object",
        "endpoints",
        _PER_OBJECT,
        6,
        peer=_against_poller("endpoints", _PER_OBJECT),
    ),
    Target("List calls a second, most, of all measurements", "lists", MOST_LISTS, 2),
    Target(
        "5,000 trainings and 5,000 endpoints, settled: AWS calls a minute", "settled", _A_MINUTE, 120, "", _IN_SERVICE
    ),
    Target("… with 10,000 jobs and endpoints of others", "among-many", _A_MINUTE, 120, "", _IN_SERVICE),
    Target("… memory", "settled", "memory MB", 400, " MB"),
    Target("restart with these: Kubernetes writes", "restart", "Kubernetes writes", 0),
    Target("… AWS writes", "restart", "AWS writes", 0),
    Target("… AWS reads", "restart", "AWS reads", 130),
    Target("… caught up", "restart", "caught up s", 30, " s"),
    Target("one change among these: acted on, worst", "change", "worst s", 1, " s"),
    *(
        Target(f"100, 1,000, 10,000 objects: {figure}, growth", "growth", f"{figure}, growth", most, " times")
        for figure, most in zip(GROWING, (1.0, 1.2, 1.2), strict=True)
    ),
    *(
        Target(
            f"… {figure} of each further object, growth",
            "growth",
            f"{figure} of each further object, growth",
            1.2,
            " times",
        )
        for figure in MARGINAL
    ),
)
