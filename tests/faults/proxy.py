"""A server between the operator and its API server, which answers in its place when it is told to.

Watches stream through it. It speaks plain HTTP on loopback, and passes the caller's token on.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import aiohttp
from aiohttp import web

from control_plane import ControlPlane
from control_plane.kubeconfig import write_kubeconfig

_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host"})
_SECONDS = 30.0
_GONE = b'"code":410'


@dataclass(frozen=True)
class Fault:
    """What is answered instead of what the API server says.

    meets: which requests meet it, by method and path. fraction: how many of these.
    is_after: whether the API server carries the request out nevertheless.
    hangs: whether there is no answer at all for as long as the fault lasts, and the connection breaks then.
    """

    status: int
    message: str
    meets: Callable[[str, str], bool] = lambda method, path: True
    fraction: float = 1.0
    is_after: bool = False
    hangs: bool = False

    def answer(self) -> web.Response:
        """A Status, as Kubernetes has it."""
        reason = "Conflict" if self.status == 409 else "InternalError"
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": self.status}
        return web.json_response({**status, "message": self.message}, status=self.status)


class ApiProxy:
    """The server, while the `with` block lasts; `kubeconfig` leads to it.

    fault: what requests meet now. met: how often, by method and the path's last part.
    hanging: how many requests are not answered at the moment.
    gone: how many watches were told that their resourceVersion is too old.
    is_deaf: whether no watch gets through.
    """

    def __init__(self, plane: ControlPlane, folder: Path, chance: random.Random) -> None:
        self.fault: Fault | None = None
        self.met: Counter[str] = Counter()
        self.hanging = 0
        self.gone = 0
        self.is_deaf = False
        self._watching: set[asyncio.Transport] = set()
        self._plane = plane
        self._chance = chance
        self._folder = folder
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._listening = threading.Event()
        self._port = 0

    def __enter__(self) -> ApiProxy:
        self._thread.start()
        assert self._listening.wait(_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_SECONDS)

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig that leads here."""
        path = self._folder / "proxied.kubeconfig"
        url, token = f"http://127.0.0.1:{self._port}", self._plane.token
        return write_kubeconfig(path, url=url, ca=self._plane.ca_file.read_bytes(), token=token, user="admin")

    @property
    def watches(self) -> int:
        """How many are open."""
        return len(self._watching)

    def cut_watches(self) -> None:
        """From now on no watch gets through, until `is_deaf` is taken back; those that are open end."""
        self.is_deaf = True
        for transport in tuple(self._watching):
            self._loop.call_soon_threadsafe(transport.abort)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._open())
        self._listening.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._close())
        self._loop.close()

    async def _open(self) -> None:
        context = ssl.create_default_context(cafile=str(self._plane.ca_file))
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context, limit=0),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
        )
        app = web.Application(client_max_size=10 * 1024**2)
        app.router.add_route("*", "/{anything:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._port = self._runner.addresses[0][1]

    async def _close(self) -> None:
        await self._runner.cleanup()
        await self._session.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        fault = self._met_by(request)
        is_watch = "watch" in request.query
        # A watch that is carried out has no end.
        if fault is not None and fault.hangs:
            return await self._hang(request, fault)
        if fault is not None and (is_watch or not fault.is_after):
            return fault.answer()
        if is_watch and self.is_deaf:
            return _cut(request)
        body = await request.read()
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        try:
            async with self._session.request(
                request.method,
                f"{self._plane.url}{request.raw_path}",
                headers=headers,
                data=body or None,
                skip_auto_headers=("Content-Type", "Accept-Encoding", "User-Agent"),
            ) as answer:
                if fault is not None:
                    await answer.read()
                    return fault.answer()
                return await self._passed_on(request, answer)
        except aiohttp.ClientError:
            # It is away: so are we.
            return _cut(request)

    async def _hang(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        self.hanging += 1
        try:
            while self.fault is fault:  # noqa: ASYNC110 - another thread takes it back
                await asyncio.sleep(0.05)
        finally:
            self.hanging -= 1
        return _cut(request)

    def _met_by(self, request: web.Request) -> Fault | None:
        fault = self.fault
        if fault is None or not fault.meets(request.method, request.path) or self._chance.random() >= fault.fraction:
            return None
        self.met[f"{request.method} {request.path.rpartition('/')[2]}"] += 1
        return fault

    async def _passed_on(self, request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
        passed = web.StreamResponse(status=answer.status, headers=kept)
        is_watch = "watch" in request.query
        self.gone += is_watch and answer.status == 410
        transport = request.transport
        if is_watch and transport is not None:
            self._watching.add(transport)
        try:
            await passed.prepare(request)
            async for chunk in answer.content.iter_any():
                self.gone += is_watch and _GONE in chunk.replace(b" ", b"")
                await passed.write(chunk)
            await passed.write_eof()
        except ConnectionError:
            # The caller is gone.
            return passed
        finally:
            if transport is not None:
                self._watching.discard(transport)
        return passed


def _cut(request: web.Request) -> web.Response:
    """Break the connection off."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=502)


def is_status_write(method: str, path: str) -> bool:
    """Whether a request changes an object's status."""
    return method == "PATCH" and path.endswith("/status")


def is_event(method: str, path: str) -> bool:
    """Whether a request publishes an Event."""
    return method == "POST" and path.endswith("/events")
