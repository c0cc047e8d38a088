"""Hundreds of endpoints with their models and configurations, from nothing to InService."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bench.scale.cluster import names
from bench.scale.manifests import ENDPOINTS, endpoint
from bench.scale.site import OPERATOR, TRAIL_SECONDS, Account, Figures, Progress, Site
from bench.scale.trainings import lag_figures
from bench.scale.watcher import Watcher

QUIET_SECONDS = 60.0
IN_SERVICE = "InService"


@dataclass(frozen=True)
class Work:
    """So many endpoints, each of which AWS takes `creating` seconds for.

    pace: part of its own intervals that a poller takes.
    quiet: seconds after the last one is in service, in which AWS's calls are counted as well.
    """

    objects: int
    creating: float = 60.0
    program: str = OPERATOR
    pace: float = 1.0
    quiet: float = QUIET_SECONDS
    patience: float = 600.0


def measure(work: Work, progress: Progress) -> Figures:
    """Create them, wait until each is in service, and say what that took."""
    with (
        Site(creating=work.creating) as site,
        site.running(work.program, pace=work.pace) as program,
        Watcher(site.cluster, ENDPOINTS) as watcher,
    ):
        account = Account(site, program)
        site.cluster.create([endpoint(name) for name in names("endpoint", work.objects)])

        def reached() -> bool:
            done = watcher.counts()[IN_SERVICE]
            progress(done / work.objects, f"{done} of {work.objects} in service")
            return done == work.objects

        watcher.wait(reached, work.creating + work.patience, f"{work.objects} endpoints to be in service")
        time.sleep(TRAIL_SECONDS)
        figures = {
            "objects": work.objects,
            **account.figures(work.objects),
            **lag_figures(site.aws.histories("endpoints"), watcher.seen),
        }
        after = Account(site, program)
        time.sleep(work.quiet)
        return {**figures, "AWS calls a minute in service": after.figures(work.objects)["AWS calls a minute"]}
