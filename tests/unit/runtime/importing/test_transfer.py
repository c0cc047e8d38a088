"""Transfers by themselves: how large their parts are, what is in memory, and what happens to a call under way."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Mapping
from typing import Any

import pytest
from tests.unit.fake_imports import FakeFile, FakeS3, FakeSources
from tests.unit.fakes import FakeClock, Points

from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.api.ledger import Place
from classifier_operator.runtime.importing.imports import Importer
from classifier_operator.runtime.importing.transfer import MEMORY, MOST_PARTS, Limits, limits_of
from classifier_operator.runtime.troubles import Backoff
from classifier_operator.training.fetches import AbortCall, Fetch, ImportCall, Phase, Progress
from classifier_operator.training.spec import Upload

MEBIBYTE = 1024**2
GIBIBYTE = 1024**3
PATIENCE = 60.0
KEY = ObjectKey(Kind.TRAINING, "vision", "digits")


def fetch(name: str = "x") -> Fetch:
    place = Place("us-east-1")
    return Fetch(place=place, s3_uri=f"s3://bucket/{name}", url=f"https://h/{name}", path="spec.inputs[train].source")


class Store:
    """S3, whose parts and completions wait until they are let through."""

    def __init__(self, s3: FakeS3 | None = None) -> None:
        self.s3 = s3 or FakeS3()
        self.log: list[str] = []
        self.let_through = asyncio.Event()
        self.let_through.set()
        self.part_under_way = asyncio.Event()

    async def call_s3(self, place: Place, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        if operation == "UploadPart":
            self.part_under_way.set()
            await self.let_through.wait()
        self.log.append(operation)
        return self.s3.answer(operation, params)


class Bench:
    """An importer between fakes, and its object, which writes down whatever it is asked to."""

    def __init__(self, store: Store, limits: Limits, *, concurrency: int = 2) -> None:
        self.clock = FakeClock()
        self.sources = FakeSources(Points())
        self.told: list[Progress] = []
        self.later: list[float] = []
        self.news = asyncio.Event()
        self.importer = Importer(
            self.sources,
            store,
            self.clock,
            changed=self.changed,
            limits=limits,
            concurrency=concurrency,
            interval=5,
            backoff=Backoff(),
        )

    def changed(self, key: ObjectKey, seconds: float) -> None:
        if seconds:
            self.later.append(seconds)
            return
        self.news.set()
        for one, progress in self.importer.of(key).transfers.items():
            self.told.append(progress)
            if progress.phase is Phase.RECORDING:
                call = ImportCall(fetch=one, run="1", recorded=progress.upload)
                asyncio.get_running_loop().call_soon(self.importer.run, key, call)

    def start(self, one: Fetch, recorded: Upload | None = None) -> None:
        self.importer.run(KEY, ImportCall(fetch=one, run="1", recorded=recorded))

    async def until(self, phase: Phase, *fetches: Fetch) -> None:
        async with asyncio.timeout(PATIENCE):
            while any(self.importer.of(KEY).transfers[one].phase is not phase for one in fetches):
                self.news.clear()
                await self.news.wait()


@pytest.mark.parametrize(
    ("size", "part"),
    [(1, 8 * MEBIBYTE), (78 * GIBIBYTE, 8 * MEBIBYTE), (100 * GIBIBYTE, 10737419), (None, 10737419)],
)
def test_parts_are_as_small_as_their_number_allows(size: int | None, part: int) -> None:
    limits = limits_of(100 * GIBIBYTE, 2)
    assert limits.part_size(size) == part
    assert part * MOST_PARTS >= (size or limits.most_bytes)


@pytest.mark.parametrize("concurrency", range(1, 7))
def test_all_parts_together_fit_into_the_memory(concurrency: int) -> None:
    most = MEMORY // concurrency * MOST_PARTS
    assert limits_of(most, concurrency).part_size(None) * concurrency <= MEMORY
    with pytest.raises(ValueError, match=f"with {concurrency} files at a time, at most {most} bytes"):
        limits_of(most + MOST_PARTS, concurrency)


class Zeros(FakeSources):
    """A file of many bytes that are nowhere."""

    async def open(self, url: str, *, offset: int = 0, validator: str = "") -> Any:  # noqa: ARG002
        self.opened.append((url, offset))
        return ZeroSource(offset)


class ZeroSource:
    size = 300 * MEBIBYTE
    validator = '"1"'

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self._left = self.size - offset

    async def read(self, limit: int) -> bytes:
        data = bytes(min(limit, self._left))
        self._left -= len(data)
        return data

    async def close(self) -> None:
        pass


class Forgetful(FakeS3):
    """Keeps no bodies."""

    def answer(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        if operation == "UploadPart":
            return {"ETag": '"x"'}
        if operation == "CompleteMultipartUpload":
            return {}
        return super().answer(operation, params)


async def test_no_more_than_64_megabytes_are_in_memory_however_large_the_files_are() -> None:
    bench = Bench(Store(Forgetful()), Limits(100 * GIBIBYTE, MEMORY // 2, least_part=MEMORY // 2))
    bench.importer._sources = Zeros(Points())
    tracemalloc.start()
    try:
        bench.start(fetch("a"))
        bench.start(fetch("b"))
        await bench.until(Phase.IN_PLACE, fetch("a"), fetch("b"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert MEMORY <= peak < 64_000_000


async def test_no_more_are_under_way_than_allowed() -> None:
    store = Store()
    bench = Bench(store, Limits(1000, 16, least_part=8), concurrency=2)
    names = [fetch(name) for name in "abcde"]
    for one in names:
        bench.sources.files[one.url] = FakeFile(b"0123456789")
        bench.start(one)
    store.let_through.clear()
    await bench.until(Phase.WAITING, *names[2:])
    store.let_through.set()
    await bench.until(Phase.IN_PLACE, *names)
    assert bench.sources.are_open == 0
    assert len(bench.sources.opened) == 5


async def test_a_transfer_in_place_waits_for_nobody() -> None:
    store = Store()
    bench = Bench(store, Limits(1000, 16, least_part=8), concurrency=1)
    slow, there = fetch("slow"), fetch("there")
    store.s3.objects[there.s3_uri] = b"x", {"classifiers-source": there.source}
    bench.sources.files[slow.url] = FakeFile(b"0123456789")
    store.let_through.clear()
    bench.start(slow)
    bench.start(there)
    await bench.until(Phase.IN_PLACE, there)
    store.let_through.set()
    await bench.until(Phase.IN_PLACE, slow)


async def test_a_part_under_way_arrives_before_its_upload_is_aborted() -> None:
    store = Store()
    bench = Bench(store, Limits(1000, 16, least_part=8))
    bench.sources.files[fetch().url] = FakeFile(b"0123456789")
    store.let_through.clear()
    bench.start(fetch())
    async with asyncio.timeout(10):
        await store.part_under_way.wait()
    (upload,) = [one.upload for one in bench.importer.of(KEY).transfers.values()]
    assert upload is not None
    abort = asyncio.create_task(bench.importer.abort(KEY, AbortCall(upload=upload)))
    await asyncio.sleep(0.01)
    assert "AbortMultipartUpload" not in store.log
    store.let_through.set()
    await abort
    assert store.log[-3:] == ["UploadPart", "AbortMultipartUpload", "ListParts"]
    assert store.s3.uploads == {}
    assert bench.importer.of(KEY).ended == {upload}


async def test_the_end_of_the_operator_leaves_the_upload_for_the_next_one() -> None:
    store = Store()
    bench = Bench(store, Limits(1000, 16, least_part=8))
    bench.sources.files[fetch().url] = FakeFile(b"0123456789" * 3)
    store.let_through.clear()
    bench.start(fetch())
    async with asyncio.timeout(10):
        await store.part_under_way.wait()
    stopped = asyncio.create_task(bench.importer.stop())
    await asyncio.sleep(0)
    store.let_through.set()
    await stopped
    assert bench.sources.are_open == 0
    assert len(store.s3.uploads) == 1
    assert len(store.s3.sent) == 1


async def test_progress_is_told_once_in_a_while() -> None:
    store = Store()
    bench = Bench(store, Limits(10_000, 16, least_part=8))
    bench.sources.files[fetch().url] = FakeFile(b"x" * 8 * 200)
    bench.start(fetch())
    await bench.until(Phase.IN_PLACE, fetch())
    assert len(store.s3.sent) == 200
    assert len(bench.told) < 10
    # The clock stands still, and what there is to tell is told in the end.
    assert bench.later == [5.0]


async def test_an_unforeseen_failure_is_said_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(Store(), Limits(1000, 16, least_part=8))
    bench.sources.files[fetch().url] = FakeFile(b"0123456789")
    bench.sources.files[fetch().url].refuses.append(ZeroDivisionError("secret"))
    bench.start(fetch())
    await bench.until(Phase.FAILED, fetch())
    (progress,) = bench.importer.of(KEY).transfers.values()
    assert progress.trouble is not None
    assert progress.trouble.words == "spec.inputs[train].source.url: unforeseen: ZeroDivisionError"
    assert not progress.trouble.is_final
    assert "unforeseen" in caplog.text
    bench.start(fetch())
    await bench.until(Phase.IN_PLACE, fetch())
