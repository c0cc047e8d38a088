"""How late the event loop is: something that blocks it delays everything else, and shows nowhere but here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

INTERVAL_SECONDS = 1.0


async def watch_lag(observe: Callable[[float], None], interval: float = INTERVAL_SECONDS) -> None:
    """Sleep, and tell by how much it was overslept, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + interval
        await asyncio.sleep(interval)
        observe(max(0.0, loop.time() - due))
