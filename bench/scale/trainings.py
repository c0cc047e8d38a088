"""A thousand trainings at once: what each costs, how soon its job is made, how far its status is behind AWS."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bench.scale.aws import HUNDRED_SECONDS, Stages
from bench.scale.cluster import names
from bench.scale.figures import Change, lags, throttled_share
from bench.scale.manifests import REGION, TRAININGS, Json, training
from bench.scale.site import OPERATOR, TRAIL_SECONDS, Account, Figures, Progress, Site, stats
from bench.scale.watcher import Watcher

CREATE = "CreateTrainingJob"
# Between sweeps where events tell of changes.
RARE_SECONDS = 120.0


@dataclass(frozen=True)
class Work:
    """So many trainings, how they are created, and how many CreateTrainingJob calls a second AWS allows (0: all).

    pace: part of its own intervals that a program takes, as the stages are shorter.
    has_events: AWS tells of changes by a queue, and is swept rarely.
    patience: seconds without which the program has to be done, beside what the stages take.
    """

    objects: int
    way: Literal["burst", "apply"] = "burst"
    allowed: float = 0.0
    stages: Stages = HUNDRED_SECONDS
    program: str = OPERATOR
    pace: float = 1.0
    has_events: bool = False
    patience: float = 600.0


def measure(work: Work, progress: Progress) -> Figures:
    """Create them, wait until each is complete, and say what that took."""
    with (
        Site(work.stages) as site,
        site.running(work.program, *_options(site, work), pace=work.pace) as program,
        Watcher(site.cluster, TRAININGS) as watcher,
    ):
        if work.allowed:
            site.aws.control.throttle(CREATE, rate=work.allowed, burst=work.allowed)
        account = Account(site, program)
        created = _create(site, work, [training(name) for name in names("training", work.objects)])
        _wait(watcher, work, progress)
        time.sleep(TRAIL_SECONDS)
        happened = site.aws.histories("training-jobs")
        return {
            "objects": work.objects,
            **account.figures(work.objects),
            **_promptness(created or watcher.created, watcher, happened),
            **lag_figures(happened, watcher.seen),
            "throttled share of CreateTrainingJob": throttled_share(site.aws.control.outcome_counts(), CREATE),
        }


def lag_figures(happened: Mapping[str, list[Change]], seen: Mapping[str, list[Change]]) -> Figures:
    """How far statuses were behind AWS."""
    found = lags(happened, seen)
    return {
        **stats("status lag", found.every),
        **stats("status lag of the end", found.final),
        "states never seen": found.unseen,
    }


def _options(site: Site, work: Work) -> tuple[str, ...]:
    if not work.has_events:
        return ()
    queue = site.aws.make_queue()
    return "--region", REGION, "--events-queue", queue, "--sweep-interval", f"{RARE_SECONDS * work.pace:g}"


def _create(site: Site, work: Work, manifests: list[Json]) -> dict[str, float]:
    """When each was created, as far as the one who did it can tell."""
    if work.way == "burst":
        return site.cluster.create(manifests)
    site.cluster.apply(manifests)
    return {}


def _wait(watcher: Watcher, work: Work, progress: Progress) -> None:
    def reached() -> bool:
        counts = watcher.counts()
        done = sum(counts[state] * share for state, share in _SHARES.items())
        progress(done / work.objects, f"{counts['Completed']} of {work.objects} complete")
        return counts["Completed"] == work.objects

    watcher.wait(reached, work.stages.seconds + work.patience, f"{work.objects} trainings to complete")


def _promptness(created: Mapping[str, float], watcher: Watcher, happened: Mapping[str, list[Change]]) -> Figures:
    """How soon after the objects their jobs were made, and how long all of that took."""
    made = {name: happened[job][0].at for name, job in watcher.resources.items()}
    waits = [max(0.0, made[name] - created[name]) for name in made]
    return {
        **stats("job after its object", waits),
        "all jobs made s": max(made.values()) - min(created.values()),
        "all objects made s": max(created.values()) - min(created.values()),
    }


# How far a training has got that is in a state.
_SHARES = {"Starting": 0.25, "Downloading": 0.5, "Training": 0.6, "Uploading": 0.8, "Completed": 1.0}
