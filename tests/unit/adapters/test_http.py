"""What the operator answers the kubelet."""

from __future__ import annotations

import aiohttp
import pytest

from classifier_operator.adapters.http import HealthServer


async def _metrics(_: str) -> tuple[bytes, str]:
    return b"", "text/plain"


@pytest.mark.parametrize(("path", "status"), [("/healthz", 500), ("/readyz", 503)])
async def test_a_problem_is_told_without_secrets(path: str, status: int) -> None:
    def problem() -> str:
        return "HTTP 403: Authorization: Bearer cAnArY0123456789"

    server = HealthServer(problem=problem, unready=problem, exposition=_metrics)
    await server.start("127.0.0.1", 0)
    try:
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{server.port}{path}") as answer:
            assert (answer.status, await answer.text()) == (status, "HTTP 403: Authorization: ***")
    finally:
        await server.stop()
