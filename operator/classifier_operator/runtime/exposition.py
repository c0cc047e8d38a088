"""The metrics as Prometheus reads them."""

from __future__ import annotations

import asyncio

from prometheus_client.exposition import choose_encoder

from classifier_operator.api.kinds import ObjectKey
from classifier_operator.runtime.importing.imports import Importer
from classifier_operator.runtime.monitoring.census import Census, Scrape
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.runtime.passes import Passes
from classifier_operator.runtime.ports import Clock
from classifier_operator.runtime.store import Store
from classifier_operator.runtime.workqueue import WorkQueue


class Exposition:
    """Renders the metrics, together with what is counted at that moment.

    with_objects: whether there are series for each object.
    """

    def __init__(
        self,
        metrics: Metrics,
        *,
        store: Store,
        queue: WorkQueue[ObjectKey],
        passes: Passes,
        importer: Importer,
        clock: Clock,
        with_objects: bool,
    ) -> None:
        self._metrics = metrics
        self._store = store
        self._queue = queue
        self._passes = passes
        self._importer = importer
        self._clock = clock
        self._with_objects = with_objects
        self._rendering = asyncio.Lock()

    async def render(self, accept: str) -> tuple[bytes, str]:
        """Return the metrics in the format that an Accept header asks for, and that format's media type.

        Thousands of objects take a part of a second: that is spent in a thread, for one scrape at a time.
        """
        encode, media_type = choose_encoder(accept)
        async with self._rendering:
            self._metrics.show_queue(self._queue)
            self._metrics.show_passes(self._passes.ages(), self._passes.stuck())
            self._metrics.tasks.set(len(asyncio.all_tasks()))
            census = Census(
                self._store.snapshot(), self._importer.phases(), self._clock.now(), with_objects=self._with_objects
            )
            return await asyncio.to_thread(encode, Scrape(self._metrics.registry, census)), media_type
