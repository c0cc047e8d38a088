"""What runs for ever, for as long as a test looks at it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def running(loop: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run it until the end of the block."""
    task = asyncio.ensure_future(loop)
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
