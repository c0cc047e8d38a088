"""Owns kopf: it watches one collection at a time for whoever asks, and what fails in one ends no other.

kopf ends, with all its tasks, when one of its watches gets an answer that it does not expect: a CRD that is gone, a
namespace that may not be listed any more. So there is one kopf for each collection. Nothing is done in its handler but
to pass on what has happened, so the handler cannot fail, and kopf has nothing to retry, to annotate or to wait for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, cast

import aiohttp
import kopf

from classifier_operator.api.kinds import GROUP, VERSION, Kind
from classifier_operator.runtime.ports import ClusterUnavailableError, Happening

# kopf asks the API server's discovery for the kind, which may be seconds behind. When it has found none, it waits for
# ever: that is noticed by no request for the collection within so many seconds.
BEGIN_SECONDS = 30.0

Happened = Callable[[Happening, dict[str, Any]], None]


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


class Told(logging.Filter):
    """Leaves out the errors that have ended a watch: whoever has asked for it is told, and logs each once."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is to be logged."""
        return not record.exc_info


def quieten_kopf() -> None:
    """Leave out of the log what kopf says of errors that are told, and of each of its many logins."""
    for name in ("orchestration", "running"):
        logging.getLogger(f"kopf._core.reactor.{name}").addFilter(Told())
    for name in ("kopf.activities.authentication", "kopf._core.engines.activities"):
        logging.getLogger(name).setLevel(logging.WARNING)


class Requests:
    """The tasks that send the requests of one watch.

    kopf ends its discovery with the watch, but not the requests that the discovery consists of. Each would go on with
    a session that is closed, and leave an error behind that nobody expects.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._have_ended = False

    def add(self) -> None:
        """Add the current task, which is about to send a request.

        Raises:
            asyncio.CancelledError: the watch has ended.

        """
        if self._have_ended:
            raise asyncio.CancelledError
        # Until the task is done, not until it is answered: it reads the answer afterwards, and may send another one.
        if (task := asyncio.current_task()) and task not in self._tasks:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def end(self) -> None:
        """Cancel the tasks, and each that is added later."""
        self._have_ended = True
        for task in self._tasks:
            task.cancel()


async def watch(
    kind: Kind,
    namespace: str,
    *,
    login: Callable[[Requests], kopf.AiohttpSession],
    is_asked: asyncio.Event,
    happened: Happened,
    spawned: Callable[[], None],
) -> None:
    """Pass on what happens to the objects of a kind in a namespace, or in all without one; it ends by an error alone.

    login: makes the session by which kopf reaches the API server; what a request of the session raises ends the watch.
        The session adds each request to the Requests that it is given.
    is_asked: set by the session when the collection was first asked for.
    spawned: called when kopf has taken over the signals of the process, which mean more than one watch.

    Raises:
        ClusterUnavailableError: why it has ended; whatever else kopf has failed with.

    """
    requests = Requests()
    # kopf keeps its credentials in the context of the task, so each watch needs a task of its own.
    tasks = await kopf.spawn_tasks(
        registry=_registry(kind, lambda: login(requests), happened),
        settings=_settings(),
        memo=kopf.Memo(),
        # kopf would make one up from the user's name, which a container's user need not have; its type is private.
        identity=cast(Any, "classifier-operator"),
        standalone=True,
        clusterwide=not namespace,
        namespaces=[namespace] if namespace else [],
    )
    spawned()
    asked = asyncio.ensure_future(is_asked.wait())
    try:
        await asyncio.wait([asked, *tasks], timeout=BEGIN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if is_asked.is_set():
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        # Before kopf's own tasks, which close the session.
        requests.end()
        for task in (asked, *tasks):
            task.cancel()
        await asyncio.wait([asked, *tasks])
    raise _failure([error for task in tasks if not task.cancelled() and (error := task.exception())])


def _registry(kind: Kind, login: Callable[[], kopf.AiohttpSession], happened: Happened) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def log_in(**_: Any) -> kopf.AiohttpSession:
        return login()

    # One handler for all that happens: each more that kopf has to ask whether it wants an event costs as much as the
    # event.
    @kopf.on.event(GROUP, VERSION, kind.plural, registry=registry)
    async def pass_on(event: kopf.RawEvent, **_: Any) -> None:
        happened(Happening(event["type"] or Happening.LISTED), cast(dict[str, Any], event["object"]))

    return registry


def _settings() -> kopf.OperatorSettings:
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
    # The end of a watch is not that of the process, which kopf would kill after a while.
    settings.process.ultimate_exiting_timeout = None
    return settings


def _failure(errors: Sequence[BaseException]) -> BaseException:
    """Why a watch has ended: in the runtime's terms, or as it is where it was not foreseen."""
    if not errors:
        return ClusterUnavailableError("the watch has not begun: the API server's discovery does not name the kind")
    error = next((one for one in errors if isinstance(one, ClusterUnavailableError)), errors[0])
    if isinstance(error, ClusterUnavailableError):
        return error
    # kopf's own errors for answers of the API server have a status; their types are private.
    status = getattr(error, "status", None)
    if isinstance(error, aiohttp.ClientError | OSError) or isinstance(status, int):
        return ClusterUnavailableError(f"the watch has failed: {error!r}", status=status or 0)
    return error
