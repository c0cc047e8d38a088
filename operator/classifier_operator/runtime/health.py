"""Health: what is wrong with the process, as the probes of the kubelet say it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from classifier_operator.runtime.crew import Crew
from classifier_operator.runtime.monitoring.metrics import MOST_STUCK
from classifier_operator.runtime.passes import Passes
from classifier_operator.runtime.sweeper import Sweeper

# Polls of which not one has ended for longer than this hang by a defect of the operator: any call to AWS is given up
# before (adapters/aws.py), so a region that hangs is no reason to restart, which would not help.
SWEEP_PATIENCE = 600.0


class Health:
    """Tells whether the polls of AWS, the passes and the background tasks go on."""

    def __init__(self, sweeper: Sweeper, passes: Passes, crew: Crew) -> None:
        self._sweeper = sweeper
        self._passes = passes
        self._crew = crew

    def problem(self, tasks: Iterable[asyncio.Task[Any]]) -> str:
        """Return what a restart may mend, or ""; while there are no tasks, nothing has begun.

        tasks: the background tasks, none of which ends by itself.
        """
        tasks = tuple(tasks)
        if not tasks:
            return ""
        ended = [task for task in tasks if task.done()]
        if ended:
            return f"{len(ended)} of the operator's loops have ended"
        silence = self._sweeper.hangs_for()
        if silence > SWEEP_PATIENCE:
            return f"a sweep over AWS has not heard anything for {silence:.0f} s"
        # As long as one works, the others' objects are no reason to take it from all of them.
        return self.remark() if len(self._passes.stuck()) >= self._crew.most else ""

    def remark(self) -> str:
        """Return what is not as it should be, and fails no probe: a restart need not mend it."""
        stuck = [f"{key} for {age:.0f} s" for key, age in self._passes.stuck().items()]
        more = f" and {len(stuck) - MOST_STUCK} more" if len(stuck) > MOST_STUCK else ""
        return f"passes are stuck: {', '.join(stuck[:MOST_STUCK])}{more}" if stuck else ""
