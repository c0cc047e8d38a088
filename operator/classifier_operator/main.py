"""Runs the operator until a signal ends it, or the loss of the Lease."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from functools import partial
from typing import Any

from classifier_operator.adapters.watches import quieten_kopf
from classifier_operator.process import Operator
from classifier_operator.settings import Settings

logger = logging.getLogger(__name__)

# How long a thread computes before another may. A call to AWS, in a thread of its own, needs the interpreter some ten
# times for a moment; while the event loop is busy it would wait each time as long as Python thinks right for threads
# that compute, 5 ms.
SWITCH_SECONDS = 0.0005
# The exit code of a process whose Lease is lost: the kubelet starts it anew.
EXIT_LOST = 1


def run(settings: Settings) -> None:
    """Run until a signal ends it, or the loss of the Lease.

    Raises:
        StartError: it cannot start.

    """
    _collect_less_garbage()
    quieten_kopf()
    sys.setswitchinterval(SWITCH_SECONDS)
    asyncio.run(_run(settings))


def _collect_less_garbage() -> None:
    """What is there by now stays for ever, and of what comes and goes little is in cycles: look for them rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 50)


async def _run(settings: Settings) -> None:
    told_to_end = asyncio.Event()
    _listen(told_to_end)
    operator = Operator(settings, lost=_abandon, signals_taken=partial(_listen, told_to_end))
    await operator.open()
    try:
        if await _is_done(operator.campaign(), told_to_end):
            await _work(operator, told_to_end)
    finally:
        await operator.close()


async def _work(operator: Operator, told_to_end: asyncio.Event) -> None:
    if await _is_done(operator.start(), told_to_end):
        await told_to_end.wait()
    await operator.stop()


def _listen(told_to_end: asyncio.Event) -> None:
    """Take the signals that end the process."""
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, _end, number, told_to_end)


def _end(number: signal.Signals, told_to_end: asyncio.Event) -> None:
    if not told_to_end.is_set():
        logger.info("%s: what is under way is finished, then this process ends", number.name)
    told_to_end.set()


async def _is_done(doing: Coroutine[Any, Any, object], told_to_end: asyncio.Event) -> bool:
    """Do it; False when the process was told to end before it was done. Raises what it raises."""
    loop = asyncio.get_running_loop()
    task, end = loop.create_task(doing), loop.create_task(told_to_end.wait())
    await asyncio.wait([task, end], return_when=asyncio.FIRST_COMPLETED)
    for one in (task, end):
        one.cancel()
    # What it has failed with is not to be lost.
    outcome, _ = await asyncio.gather(task, end, return_exceptions=True)
    if isinstance(outcome, Exception):
        raise outcome
    return not task.cancelled() and not told_to_end.is_set()


def _abandon(why: str) -> None:
    """End this very moment: somebody else may be at work already, and whatever is under way here is theirs to find."""
    logger.critical("%s; this process ends, and its successor begins by looking", why)
    logging.shutdown()
    os._exit(EXIT_LOST)
