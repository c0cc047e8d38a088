"""Transfers in the background: a few at a time, each for one object and one file, started and ended by decisions.

Whatever is kept here, a restart may lose. A transfer tells the object's key whenever a decision has something
to do or to say: an upload to write down, progress now and then, an end.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

from msgspec import structs

from classifier_operator.api.kinds import ObjectKey
from classifier_operator.api.ledger import Resource, ResourceType
from classifier_operator.runtime.importing.netguard import NotAllowedError
from classifier_operator.runtime.importing.slots import Slots
from classifier_operator.runtime.importing.transfer import Limits, Transfer
from classifier_operator.runtime.importing.uploads import Uploads
from classifier_operator.runtime.monitoring.logs import fields_of
from classifier_operator.runtime.ports import BadSourceError, Clock, ObjectStore, Sources, SourceUnavailableError
from classifier_operator.runtime.troubles import Backoff
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind
from classifier_operator.training.fetches import AbortCall, Fetch, ImportCall, Imports, Phase, Progress, shown
from classifier_operator.training.spec import Upload

logger = logging.getLogger(__name__)

# Calls of S3's that are under way may finish when the process ends, in so many seconds.
STOP_SECONDS = 5.0


class Job:
    """One transfer, as far as it is known: it stays when its task has ended, until the object wants it no longer."""

    def __init__(self, key: ObjectKey, fetch: Fetch) -> None:
        self.key = key
        self.fetch = fetch
        self.progress = Progress(phase=Phase.LOOKING)
        self.transfer: Transfer | None = None
        self.task: asyncio.Task[None] | None = None
        self.recorded = asyncio.Event()
        # Whether another object names the upload that the status has told of.
        self.is_shared = False
        # In the future, when it is told then.
        self.told_at = 0.0

    @property
    def is_running(self) -> bool:
        """Whether its task has not ended."""
        return self.task is not None and not self.task.done()


class Importer:
    """Starts, watches and ends transfers.

    changed: called with the object's key and the seconds after which a decision about it has something new to look at.
    interval: seconds between reports of a transfer that just goes on.
    sent: called with the size of each part that S3 has taken.
    """

    def __init__(
        self,
        sources: Sources,
        store: ObjectStore,
        clock: Clock,
        *,
        changed: Callable[[ObjectKey, float], None],
        limits: Limits,
        concurrency: int,
        interval: float,
        backoff: Backoff,
        sent: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._sent = sent
        self._sources = sources
        self._clock = clock
        self._changed = changed
        self._limits = limits
        self._interval = interval
        self._backoff = backoff
        self._slots = Slots(concurrency, clock.monotonic)
        # In which the operator's own identity acts for an object, as its last call said.
        self._accounts: dict[ObjectKey, str] = {}
        # A namespace's alone: another one's slow source must not keep it from fetching the same file.
        self._places: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        self._jobs: dict[ObjectKey, dict[Fetch, Job]] = defaultdict(dict)
        self._ended: dict[ObjectKey, set[Upload]] = defaultdict(set)
        self._tasks: set[asyncio.Task[None]] = set()

    def of(self, key: ObjectKey) -> Imports:
        """What is known of an object's transfers."""
        jobs = self._jobs.get(key, {})
        return Imports(
            transfers={fetch: job.progress for fetch, job in jobs.items()},
            ended=frozenset(self._ended.get(key, ())),
        )

    def phases(self) -> Counter[Phase]:
        """How many transfers are at what."""
        return Counter(job.progress.phase for jobs in self._jobs.values() for job in jobs.values())

    def run(self, key: ObjectKey, call: ImportCall) -> None:
        """Start the transfer, or let it go on."""
        self._accounts[key] = call.own_account
        job = self._jobs[key].setdefault(call.fetch, Job(key, call.fetch))
        if not job.is_running:
            self._start(job, call)
        elif job.progress.phase is Phase.RECORDING and job.progress.upload == call.recorded:
            job.recorded.set()

    async def abort(self, key: ObjectKey, call: AbortCall) -> None:
        """End an upload, and the transfer that fills it.

        Raises:
            AwsRefusal: it may still be there.

        """
        self._accounts[key] = call.own_account
        upload = call.upload
        jobs = [job for fetch, job in self._jobs.get(key, {}).items() if fetch.s3_uri == upload.s3_uri]
        for job in jobs:
            # What one ended with is still said of the object.
            if job.is_running:
                self._end(job)
        tasks = [task for task in self._tasks if task.get_name() == _task_name(key, upload.s3_uri)]
        if tasks:
            await asyncio.wait(tasks)
        await self._give_up(key, upload, is_shared=call.is_shared)
        self._ended[key].add(upload)

    async def _give_up(self, key: ObjectKey, upload: Upload, *, is_shared: bool) -> None:
        """End an upload, unless it may be another object's."""
        uploads = self._uploads(key)
        if is_shared:
            logger.warning("%s: an upload to %s that another object names is left as it is", key, upload.s3_uri)
        elif upload.upload_id:
            await uploads.abort(upload)
        else:
            await uploads.abort_unnamed(upload, self._active())

    def keep(self, key: ObjectKey, fetches: Iterable[Fetch]) -> None:
        """These transfers go on; all others of the object end. What has been ended is written down by now."""
        self._ended.pop(key, None)
        wanted = set(fetches)
        for fetch, job in list(self._jobs.get(key, {}).items()):
            if fetch not in wanted:
                self._end(job)
        if not wanted:
            self._accounts.pop(key, None)

    async def stop(self) -> None:
        """End all tasks; the uploads stay, and are gone on with by the next process.

        A call of S3's that hangs is not waited for: what came of it, the next process finds.
        """
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_SECONDS)

    def _start(self, job: Job, call: ImportCall) -> None:
        before = job.progress
        job.is_shared = call.is_shared
        trouble = before.trouble if before.run == call.run else None
        job.progress = structs.replace(before, phase=Phase.LOOKING, run=call.run, upload=call.recorded, trouble=trouble)
        if job.transfer is None:
            uploads = self._uploads(job.key)
            job.transfer = Transfer(job.fetch, self._sources, uploads, self._limits, _Reporter(self, job))
        name = _task_name(job.key, job.fetch.s3_uri)
        job.task = asyncio.get_running_loop().create_task(self._run(job, job.transfer, call.recorded), name=name)
        self._tasks.add(job.task)
        job.task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        """A task has ended; one that nothing could catch has at least its exception taken."""
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            logger.error("%s has ended by %r", task.get_name(), error)

    def _end(self, job: Job) -> None:
        jobs = self._jobs[job.key]
        jobs.pop(job.fetch, None)
        if not jobs:
            del self._jobs[job.key]
        if job.task is not None:
            job.task.cancel()

    async def _run(self, job: Job, transfer: Transfer, recorded: Upload | None) -> None:
        """Bring the file to S3, or say why not."""
        try:
            await self._bring(job, transfer, recorded)
        except Exception as error:
            refusal = _refusal(job.fetch, error)
            trouble = self._backoff.again(job.progress.trouble, _resource(job), refusal, self._clock.now())
            self.show(job, phase=Phase.FAILED, trouble=trouble)
            logger.info("%s: %s (%s)", job.key, refusal, trouble.kind.remedy.value, extra=fields_of(refusal))

    async def _bring(self, job: Job, transfer: Transfer, recorded: Upload | None) -> None:
        """Look first: most runs find their data in place, and these wait for nobody."""
        if await self._is_in_place(job, recorded):
            return
        place = self._places.setdefault((job.key.namespace, job.fetch.s3_uri), asyncio.Lock())
        has_waited = place.locked() or self._slots.is_full
        if has_waited:
            self.show(job, phase=Phase.QUEUED if place.locked() else Phase.WAITING)
        async with place:
            while not await self._has_brought(job, transfer, recorded, has_waited=has_waited):
                # Others have come first, and it goes on with what it has filled so far.
                has_waited, recorded = True, job.progress.upload

    async def _has_brought(self, job: Job, transfer: Transfer, recorded: Upload | None, *, has_waited: bool) -> bool:
        """Wait for a slot and use it; whether the file is in place after that."""
        if self._slots.is_full:
            self.show(job, phase=Phase.WAITING)
        turn = await self._slots.enter(job.key.namespace)
        try:
            if has_waited and await self._is_in_place(job, recorded):
                return True
            self.show(job, phase=Phase.OPENING)
            if not await transfer.run(recorded, self._active, partial(self._slots.must_yield, turn)):
                return False
        finally:
            self._slots.leave(turn)
        done = job.progress.done
        self.show(job, phase=Phase.IN_PLACE, done=done, total=done, trouble=None)
        return True

    async def _is_in_place(self, job: Job, recorded: Upload | None) -> bool:
        """Whether the file is there; then an upload of the same to the same place is of no use any more."""
        size = await self._uploads(job.key).size_in_place(job.fetch)
        if size is None:
            return False
        if recorded is not None:
            await self._give_up(job.key, recorded, is_shared=job.is_shared)
        self.show(job, phase=Phase.IN_PLACE, done=size, total=size, trouble=None)
        return True

    def show(self, job: Job, **changes: Any) -> None:
        """Change what is known of a transfer, and have the object looked at."""
        job.progress = structs.replace(job.progress, **changes)
        job.told_at = self._clock.monotonic()
        self._changed(job.key, 0.0)

    def advance(self, job: Job, done: int) -> None:
        """More is in S3: what went wrong before is over. Told once in a while, and not forgotten when it stops."""
        before = job.progress
        trouble = None if done > before.done else before.trouble
        now, due = self._clock.monotonic(), job.told_at + self._interval
        if trouble is not before.trouble or now >= due:
            self.show(job, phase=Phase.FETCHING, done=done, trouble=trouble)
            return
        job.progress = structs.replace(before, phase=Phase.FETCHING, done=done)
        if now >= job.told_at:
            job.told_at = due
            self._changed(job.key, due - now)

    def _uploads(self, key: ObjectKey) -> Uploads:
        return Uploads(self._store, key.namespace, self._sent, lambda: self._accounts.get(key, ""))

    def _active(self) -> set[str]:
        """The ids of the uploads that this process fills."""
        jobs = (job for jobs in self._jobs.values() for job in jobs.values())
        return {job.progress.upload.upload_id for job in jobs if job.progress.upload is not None}


class _Reporter:
    """What one transfer tells."""

    def __init__(self, importer: Importer, job: Job) -> None:
        self._importer = importer
        self._job = job

    async def record(self, upload: Upload) -> None:
        """Return when the object's status tells of the upload."""
        self._job.recorded.clear()
        self._importer.show(self._job, phase=Phase.RECORDING, upload=upload)
        await self._job.recorded.wait()
        self._job.progress = structs.replace(self._job.progress, phase=Phase.OPENING)

    def opened(self, size: int | None) -> None:
        """The source has answered."""
        self._job.progress = structs.replace(self._job.progress, total=size)

    def advanced(self, done: int) -> None:
        """So many bytes are in S3."""
        self._importer.advance(self._job, done)


def _task_name(key: ObjectKey, s3_uri: str) -> str:
    return f"import of {s3_uri} for {key}"


def _resource(job: Job) -> Resource:
    return Resource(job.fetch.place, ResourceType.OBJECT, job.fetch.s3_uri)


def _refusal(fetch: Fetch, error: Exception) -> AwsRefusal:
    """Whatever went wrong as a refusal, with the field that it is about."""
    if isinstance(error, AwsRefusal):
        return error
    kinds = {
        NotAllowedError: RefusalKind.NOT_ALLOWED,
        BadSourceError: RefusalKind.BAD_SOURCE,
        SourceUnavailableError: RefusalKind.SOURCE_UNAVAILABLE,
    }
    kind = kinds.get(type(error))
    if kind is None:
        logger.error("fetching %s: unforeseen", shown(fetch.url), exc_info=error)
        kind, error = RefusalKind.SOURCE_UNAVAILABLE, Exception(f"unforeseen: {type(error).__name__}")
    return AwsRefusal("fetching", kind, f"{fetch.path}.url", str(error))
