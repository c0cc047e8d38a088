"""A stand-in in front of AWS that never answers for some regions, and does for the others."""

from __future__ import annotations

import asyncio
import re
import threading
from collections import Counter
from types import TracebackType

import aiohttp
from aiohttp import web

_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host"})
_REGION = re.compile(r"Credential=[^/]+/\d+/([a-z0-9-]+)/")
_SECONDS = 30.0


class HangingAws:
    """The server, while the `with` block lasts, in a thread of its own.

    upstream: where what does not hang is passed on to; without, every call is answered by `{}`.
    hangs: the regions whose calls are not answered before the end of the block. A region is what a call is signed for.
    under_way: how many calls hang, by region. answered: how many were answered, by region.
    """

    def __init__(self, upstream: str = "") -> None:
        self.hangs: set[str] = set()
        self.under_way: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self._upstream = upstream
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._listening = threading.Event()
        self._port = 0

    def __enter__(self) -> HangingAws:
        self._thread.start()
        assert self._listening.wait(_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_SECONDS)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._port}"

    def release(self, region: str) -> None:
        """From now on calls to the region are answered; those that hang are cut off."""
        self.hangs.discard(region)
        self._loop.call_soon_threadsafe(self._released.set)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._open())
        self._listening.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._close())
        self._loop.close()

    async def _open(self) -> None:
        self._released = asyncio.Event()
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), auto_decompress=False)
        app = web.Application(client_max_size=64 * 1024**2)
        app.router.add_route("*", "/{anything:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._port = self._runner.addresses[0][1]

    async def _close(self) -> None:
        self._released.set()
        await self._runner.cleanup()
        await self._session.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _answer(self, request: web.Request) -> web.Response:
        found = _REGION.search(request.headers.get("Authorization", ""))
        region = found[1] if found else ""
        if region in self.hangs:
            self.under_way[region] += 1
            try:
                await self._released.wait()
            finally:
                self.under_way[region] -= 1
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=502)
        answer = await self._passed_on(request) if self._upstream else web.json_response({})
        self.answered[region] += 1
        return answer

    async def _passed_on(self, request: web.Request) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        async with self._session.request(
            request.method,
            f"{self._upstream}{request.raw_path}",
            headers=headers,
            data=await request.read() or None,
            skip_auto_headers=("Content-Type", "Accept-Encoding", "User-Agent"),
        ) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
            return web.Response(status=answer.status, headers=kept, body=await answer.read())
