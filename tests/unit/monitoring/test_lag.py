"""Something that blocks the event loop is told."""

from __future__ import annotations

import asyncio
import time

from classifier_operator.runtime.monitoring.lag import watch_lag


async def test_the_loop_is_late_by_as_much_as_it_was_blocked() -> None:
    lags: list[float] = []
    told = asyncio.Event()

    def observe(lag: float) -> None:
        lags.append(lag)
        told.set()

    task = asyncio.create_task(watch_lag(observe, interval=0.01))
    await told.wait()
    told.clear()
    time.sleep(0.2)  # noqa: ASYNC251 - what must not be done is done here
    await told.wait()
    task.cancel()
    assert max(lags) >= 0.18
    assert min(lags) >= 0
