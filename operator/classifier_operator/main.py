"""Starts kopf around the operator, and nothing else."""

from __future__ import annotations

import asyncio
import gc
import itertools
import logging
import os
import signal
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any, cast

import kopf
from kopf._cogs.structs.references import Insights

# Imported for its decorators, which put the handlers into kopf's default registry.
from classifier_operator import handlers  # noqa: F401
from classifier_operator.api.kinds import GROUP
from classifier_operator.process import Operator
from classifier_operator.settings import Settings

logger = logging.getLogger(__name__)

# How long a thread computes before another may. A call to AWS, in a thread of its own, needs the interpreter some ten
# times for a moment; while the event loop is busy it would wait each time as long as Python thinks right for threads
# that compute, 5 ms.
SWITCH_SECONDS = 0.0005
# For so long nothing is watched, when the watches begin anew.
UNWATCHED_SECONDS = 0.1
# The exit code of a process whose Lease is lost: the kubelet starts it anew.
EXIT_LOST = 1


class NothingHandled(kopf.DiffBaseStorage):
    """Of what was handled before kopf remembers nothing, and needs not look for it in each object that it sees.

    Only its changing handlers would want to know; there are none.
    """

    def build(self, *, body: kopf.Body, extra_fields: object = None) -> kopf.BodyEssence:  # noqa: ARG002
        """What is to be compared: nothing."""
        return kopf.BodyEssence({})

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:  # noqa: ARG002
        """What it was before: nothing."""
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        """Keep it: never asked for."""


class EndlessBackoff:
    """Seconds between tries when the API server is away: for ever, at most half a minute.

    kopf's own list ends after a minute, and kopf with it; an upgrade of a control plane takes longer. It is iterated
    anew for each request, so it must not be a generator.
    """

    def __iter__(self) -> Iterator[float]:
        return itertools.chain((1, 1, 2, 3, 5, 8, 13, 21), itertools.repeat(30))


def run(settings: Settings) -> None:
    """Run until a signal ends it, or the loss of the Lease."""
    _collect_less_garbage()
    sys.setswitchinterval(SWITCH_SECONDS)
    asyncio.run(_run(settings))


def _collect_less_garbage() -> None:
    """What is there by now stays for ever, and of what comes and goes little is in cycles: look for them rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 50)


async def _run(settings: Settings) -> None:
    told_to_end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Until kopf takes them over.
        asyncio.get_running_loop().add_signal_handler(number, told_to_end.set)
    insights = Insights()
    operator = Operator(settings, lost=_abandon, watch_anew=partial(_watch_anew, insights))
    await operator.open()
    try:
        if await _elected(operator, told_to_end):
            await kopf.operator(
                registry=kopf.get_default_registry(),
                settings=_kopf_settings(),
                insights=insights,
                memo=kopf.Memo(operator=operator, told_to_end=told_to_end),
                # kopf would make one up from the user's name, which a container's user need not have; its type is
                # private.
                identity=cast(Any, settings.identity),
                standalone=True,
                clusterwide=not settings.namespaces,
                namespaces=settings.namespaces,
                stop_flag=told_to_end,
            )
    finally:
        await operator.close()


async def _elected(operator: Operator, told_to_end: asyncio.Event) -> bool:
    """Whether it is this process's turn; False when it was told to end before."""
    loop = asyncio.get_running_loop()
    campaign, end = loop.create_task(operator.campaign()), loop.create_task(told_to_end.wait())
    await asyncio.wait([campaign, end], return_when=asyncio.FIRST_COMPLETED)
    is_elected = campaign.done() and not told_to_end.is_set()
    for task in (campaign, end):
        task.cancel()
    # What the campaign has failed with is not to be lost.
    outcomes = await asyncio.gather(campaign, end, return_exceptions=True)
    if isinstance(outcomes[0], Exception):
        raise outcomes[0]
    return is_elected


async def _watch_anew(insights: Insights) -> None:
    """Have kopf end its watches and begin anew, with a List.

    It goes on from the last resourceVersion that it has seen, for ever; to the API server of a store that was restored
    that is a version still to come, and it tells nothing before. kopf watches what its insights name, so they name
    nothing for a moment.
    """
    watched = set(insights.watched_resources)
    async with insights.revised:
        insights.watched_resources.clear()
        insights.revised.notify_all()
    # Whoever was notified takes the lock now, and gives it back once the watches have ended.
    await asyncio.sleep(UNWATCHED_SECONDS)
    async with insights.revised:
        insights.watched_resources.update(watched)
        insights.revised.notify_all()


def _abandon(why: str) -> None:
    """End this very moment: somebody else may be at work already, and whatever is under way here is theirs to find."""
    logger.critical("%s; this process ends, and its successor begins by looking", why)
    logging.shutdown()
    os._exit(EXIT_LOST)


def _kopf_settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.peering.standalone = True
    # kopf takes its own finalizer off whatever it thinks needs none: it must not think so of ours.
    settings.persistence.finalizer = f"{GROUP}/kopf"
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=GROUP, v1=False)
    settings.persistence.diffbase_storage = NothingHandled()
    settings.queueing.idle_timeout = 1
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 310
    settings.watching.connect_timeout = 30
    settings.watching.chunk_size = 500
    settings.networking.error_backoffs = EndlessBackoff()
    settings.process.ultimate_exiting_timeout = 60
    return settings
