"""What does a scrape of /metrics cost with thousands of objects, and how long does it hold up everything else?

`python -m bench.scrape [objects]` fills an operator's memory, and compares a scrape as it is made, from a snapshot in a
thread, with the same work done in the event loop.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from prometheus_client.exposition import choose_encoder
from rich.console import Console
from rich.table import Table
from tests.unit import builders
from tests.unit.fake_imports import FakeSources
from tests.unit.fakes import FakeClock, FakeCloud, FakeCluster, Points

from classifier_operator.adapters.tenants_file import TenantsFile
from classifier_operator.api.conditions import rfc3339
from classifier_operator.app import App
from classifier_operator.runtime.monitoring.census import Census, Scrape
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.settings import Settings

RESULTS = Path(__file__).resolve().parent / "results"
OBJECTS = 5000
SCRAPES = 10
TICK_SECONDS = 0.001


def main() -> None:
    """Measure, print, write down."""
    objects = int(sys.argv[1]) if len(sys.argv) > 1 else OBJECTS
    rows = asyncio.run(_measured(objects))
    table = Table(title=f"a scrape with {objects} objects")
    columns = {"cpu s": "3f", "seconds": "3f", "loop late p99 ms": "0f", "loop late most ms": "0f", "series": "0f"}
    table.add_column("how")
    for heading in columns:
        table.add_column(heading, justify="right")
    for name, row in rows.items():
        table.add_row(name, *(f"{row[heading]:.{form}}" for heading, form in columns.items()))
    Console().print(table)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "scrape.json").write_text(json.dumps({"objects": objects, **rows}, indent=1) + "\n")


async def _measured(objects: int) -> dict[str, dict[str, float]]:
    full, lean = _filled(objects, object_metrics=True), _filled(objects, object_metrics=False)

    async def in_the_loop() -> bytes:
        encode, _ = choose_encoder("")
        census = Census(full._store.snapshot(), full._importer.phases(), full._clock.now(), with_objects=True)
        return encode(Scrape(full.metrics.registry, census))

    return {
        "in a thread": await _timed(lambda: _body(full)),
        "in the event loop": await _timed(in_the_loop),
        "in a thread, without series of objects": await _timed(lambda: _body(lean)),
    }


async def _body(app: App) -> bytes:
    body, _ = await app.exposition()
    return body


async def _timed(scrape: Callable[[], Awaitable[bytes]]) -> dict[str, float]:
    """The mean of some scrapes, and how late the event loop is meanwhile."""
    held: list[float] = []
    ticker = asyncio.create_task(_tick(held))
    await asyncio.sleep(0.05)
    held.clear()
    began, used = time.perf_counter(), time.process_time()
    for _ in range(SCRAPES):
        body = await scrape()
        await asyncio.sleep(TICK_SECONDS)
    ticker.cancel()
    return {
        "cpu s": (time.process_time() - used) / SCRAPES,
        "seconds": (time.perf_counter() - began) / SCRAPES,
        "loop late p99 ms": sorted(held)[int(len(held) * 0.99)] * 1000,
        "loop late most ms": max(held) * 1000,
        "series": len([line for line in body.splitlines() if not line.startswith(b"#")]),
    }


async def _tick(held: list[float]) -> None:
    while True:
        before = time.perf_counter()
        await asyncio.sleep(TICK_SECONDS)
        held.append(time.perf_counter() - before - TICK_SECONDS)


def _filled(objects: int, *, object_metrics: bool) -> App:
    """An operator that knows of so many objects, half of them endpoints."""
    clock, points = FakeClock(), Points()
    cluster, cloud = FakeCluster(points), FakeCloud(clock, points)
    settings = Settings(object_metrics=object_metrics)
    app = App(settings, cluster, cloud, (FakeSources(points), cloud), Metrics(), clock, TenantsFile(None))
    condition = {"type": "Ready", "status": "True", "message": "", "lastTransitionTime": rfc3339(clock.now())}
    for number in range(objects):
        is_training = number % 2
        body: Any = builders.training() if is_training else builders.endpoint()
        name = f"object-{number:05d}"
        body["metadata"] |= {"name": name, "uid": name, "namespace": f"team-{number % 50}", "resourceVersion": "1"}
        reason = "Completed" if is_training else "InService"
        body["status"] = {"region": "us-east-1", "conditions": [{**condition, "reason": reason}]}
        if is_training:
            body["status"]["jobName"] = f"{name}-5f2c9a81-1"
        else:
            variant = {"name": "AllTraffic", "instanceType": "ml.m5.large"}
            body["status"] |= {"endpointName": f"{name}-5f2c9a81", "variants": [variant]}
        app._store.put(body)
    return app


if __name__ == "__main__":
    main()
