"""What the operator answers over HTTP: /healthz and /readyz for the kubelet, /metrics for Prometheus."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from classifier_operator.api.redaction import redacted


class HealthServer:
    """Serves health and metrics.

    problem: what is wrong with the operator, or "" while it is well.
    unready: what it cannot do its part for yet, or "" once it can.
    remark: what is not as it should be, and no reason for a restart: /healthz says it, and is well.
    unserved: what of its part it cannot do now though it is ready, or "".
    exposition: the metrics and their media type, for an Accept header.
    """

    def __init__(
        self,
        *,
        problem: Callable[[], str],
        unready: Callable[[], str],
        unserved: Callable[[], str] = lambda: "",
        exposition: Callable[[str], Awaitable[tuple[bytes, str]]],
        remark: Callable[[], str] = lambda: "",
    ) -> None:
        self._problem = problem
        self._unready = unready
        self._unserved = unserved
        self._exposition = exposition
        self._remark = remark
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> None:
        """Listen."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._metrics),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()

    @property
    def port(self) -> int:
        """The port that is listened on, which is another than asked for when that was 0."""
        if self._runner is None:
            return 0
        port: int = self._runner.addresses[0][1]
        return port

    async def stop(self) -> None:
        """Stop listening, and close the connections that nobody waits for an answer on; once is enough."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _healthz(self, _: web.Request) -> web.Response:
        return _verdict(self._problem(), 500, self._remark())

    async def _readyz(self, _: web.Request) -> web.Response:
        # With a part of it served it is ready: an upgrade would wait for ever for what is not.
        unserved = self._unserved()
        return _verdict(self._unready(), 503, f"not served: {unserved}" if unserved else "")

    async def _metrics(self, request: web.Request) -> web.Response:
        body, media_type = await self._exposition(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": media_type})


def _verdict(problem: str, status: int, remark: str = "") -> web.Response:
    well = f"ok, but {remark}" if remark else "ok"
    # A problem may be told in the words of the API server.
    return web.Response(text=redacted(problem) or redacted(well), status=status if problem else 200)
