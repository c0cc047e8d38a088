"""The operator's loops: they go on until they are stopped, and one that ends by itself says why."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from classifier_operator.runtime.ports import ClusterUnavailableError, GoneError

logger = logging.getLogger(__name__)


def begun(loop: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Let it run beside everything else."""
    task = asyncio.get_running_loop().create_task(loop)
    task.add_done_callback(_say_why)
    return task


async def repeated(
    name: str, interval: float, action: Callable[[], Awaitable[None]], erred: Callable[[str], None]
) -> None:
    """Act every so many seconds, until cancelled, whatever happens; `erred` is called for what is unexpected."""
    while True:
        await asyncio.sleep(interval)
        try:
            await action()
        except (ClusterUnavailableError, GoneError) as error:
            logger.warning("%s: %s", name, error)
        except Exception:
            logger.exception("%s: unforeseen", name)
            erred(name)


async def ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Return when these have been stopped."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _say_why(task: asyncio.Task[None]) -> None:
    # Nobody waits for a loop, so asyncio would say it no sooner than when the operator has ended.
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("one of the operator's loops has ended", exc_info=error)
