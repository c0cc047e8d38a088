"""The HTTP server: aiohttp in a thread of its own, calls carried out in a pool of threads.

aiohttp keeps connections alive, so a client pays for one, and waits (latency faults) and cut connections
cost no thread. It listens on the loopback interface unless told otherwise.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from aiohttp import web

from sagemaker_emulator.application import INTERNAL, Application, Delayed, Request, Response, error_answer_response

logger = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")
Control = Callable[[Request], Response]
CONTROL_PREFIX = "/_emulator"
REQUEST_ID = "x-amzn-RequestId"
MAX_BODY = 5 * 1024**3
THREADS = 32


class HttpServer:
    """Serves an application on a port until it is closed."""

    def __init__(self, application: Application, control: Control, *, host: str, port: int) -> None:
        self._application = application
        self._control = control
        self._host = host
        self._wanted_port = port
        self._loop = asyncio.new_event_loop()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="emulator-http")
        self._thread = threading.Thread(target=self._serve, name="emulator-server", daemon=True)
        self._started: threading.Event = threading.Event()
        self._failure: OSError | None = None
        self._runner: web.AppRunner | None = None
        self.port = 0

    def start(self) -> None:
        """Listen.

        Raises:
            OSError: the port is taken.

        """
        self._thread.start()
        self._started.wait()
        if self._failure:
            self.close()
            raise self._failure

    def close(self) -> None:
        """Stop listening, let calls under way end, and cut idle connections."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._listen())
        except OSError as error:
            self._failure = error
        else:
            self._started.set()
            self._loop.run_forever()
        finally:
            if self._runner:
                self._loop.run_until_complete(self._runner.cleanup())
            self._loop.close()
            # After a failed start too, nothing of the server is left when the caller hears of it.
            self._started.set()

    async def _listen(self) -> None:
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_route("*", "/{anything:.*}", self._handle)
        self._runner = web.AppRunner(
            app, access_log=None, auto_decompress=False, shutdown_timeout=2.0, keepalive_timeout=300.0
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._wanted_port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _handle(self, incoming: web.Request) -> web.StreamResponse:
        request = await _read(incoming)
        try:
            response = await self._respond(incoming, request)
        except Exception:
            logger.exception("%s %s broke", request.method, request.target)
            response = error_answer_response(INTERNAL, "sagemaker")
        if response.reset:
            _cut(incoming)
            return web.Response(status=500)
        return _written(incoming, response)

    async def _respond(self, incoming: web.Request, request: Request) -> Response:
        if request.path.startswith(CONTROL_PREFIX):
            return await self._in_pool(self._control, request)
        answered = await self._in_pool(self._application.begin, request)
        while isinstance(answered, Delayed):
            await asyncio.sleep(answered.seconds)
            if incoming.transport is None:
                # Who has gone shall take no messages with him.
                return Response(reset=True)
            answered = await self._in_pool(answered.answer)
        return answered

    async def _in_pool(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._loop.run_in_executor(self._pool, partial(function, *args, **kwargs))


async def _read(incoming: web.Request) -> Request:
    return Request(
        method=incoming.method,
        target=incoming.raw_path,
        headers=incoming.headers,
        body=await incoming.read(),
        header_items=list(incoming.headers.items()),
    )


def _written(incoming: web.Request, response: Response) -> web.Response:
    answer = web.Response(status=response.status, body=response.body)
    for name, value in response.headers:
        if name.lower() in ("content-length", "transfer-encoding", "connection"):
            continue
        if name.lower() == "content-type":
            answer.headers[name] = value
        else:
            answer.headers.add(name, value)
    answer.headers.setdefault(REQUEST_ID, str(uuid.uuid4()))
    if incoming.method == "HEAD":
        _keep_length(answer, response)
    return answer


def _keep_length(answer: web.Response, response: Response) -> None:
    """A HEAD answer tells the length of a body that it does not have."""
    length = next((value for name, value in response.headers if name.lower() == "content-length"), None)
    if length is not None:
        answer.headers["Content-Length"] = length


def _cut(incoming: web.Request) -> None:
    """Break the connection off, as a network fault does."""
    if incoming.transport is not None:
        incoming.transport.abort()
