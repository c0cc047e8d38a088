"""Sources of inputs that keep the operator waiting, each in another way, and who else wants to fetch something."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from classifier_operator.adapters import web
from classifier_operator.adapters.web import LEAST_RATE, MOST_LOOKUPS, WINDOW_SECONDS, WebSources
from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.api.ledger import Place
from classifier_operator.runtime.importing.imports import Importer
from classifier_operator.runtime.importing.netguard import rules_of
from classifier_operator.runtime.importing.slots import SLICE_SECONDS, WHOLE_SECONDS
from classifier_operator.runtime.importing.transfer import Limits
from classifier_operator.runtime.ports import BadSourceError, SourceUnavailableError
from classifier_operator.runtime.troubles import Backoff
from classifier_operator.training.fetches import Fetch, ImportCall, Phase
from tests.hostile.wicked_source import OK, Answer, WickedSource, drips, floods, silent
from tests.unit.fake_imports import FakeFile, FakeS3, FakeSources
from tests.unit.fakes import FakeClock, Points

HERE = rules_of(["127.0.0.0/8", "localhost"], allows_http=True)
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
# Whatever is tested ends after parts of a second; nothing else does so soon.
SOON = 30.0


@pytest.fixture
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "OPEN_SECONDS", 0.3)
    monkeypatch.setattr(web, "WINDOW_SECONDS", 0.3)


async def fetched(url: str) -> int:
    """How many bytes were read to the end."""
    async with asyncio.timeout(SOON):
        source = await WebSources(HERE).open(url)
        length = 0
        try:
            while data := await source.read(64 * 1024):
                length += len(data)
        finally:
            await source.close()
        return length


@pytest.mark.usefixtures("_hurry")
@pytest.mark.parametrize(
    "answer",
    [
        silent,
        lambda: drips(OK + b"X-Slow: "),
        lambda: drips(b"", every=b"HTTP/1.1 100 Continue\r\n\r\n"),
        lambda: floods(b"", b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n"),
        lambda: drips(b"HTTP/1.1 200 "),
    ],
    ids=["nothing", "a header that drips", "continue", "a flood of continue", "a status line that drips"],
)
async def test_headers_have_a_deadline(answer: Answer) -> None:
    async with WickedSource(answer) as source:
        with pytest.raises(SourceUnavailableError, match="no answer within"):
            await fetched(source.url)


@pytest.mark.usefixtures("_hurry")
async def test_redirects_have_it_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "MOST_REDIRECTS", 1_000_000)

    async def redirects() -> AsyncIterator[bytes]:
        await asyncio.sleep(0.02)
        yield b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"

    async with WickedSource(redirects) as source:
        with pytest.raises(SourceUnavailableError, match="no answer within"):
            await fetched(source.url)
        assert 1 < source.connections < 100


@pytest.mark.usefixtures("_hurry")
async def test_so_has_a_handshake() -> None:
    async with WickedSource(silent) as source:
        with pytest.raises(SourceUnavailableError, match="no answer within"):
            await fetched(source.url.replace("http:", "https:"))


@pytest.mark.usefixtures("_hurry")
async def test_so_has_a_look_up_which_holds_none_of_the_threads_that_others_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    may_end, look_up = threading.Event(), socket.getaddrinfo

    def hang(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host == "hangs.example":
            may_end.wait(SOON)
            raise OSError("released")
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    errors = await asyncio.gather(
        *(fetched("http://hangs.example/x") for _ in range(MOST_LOOKUPS + 4)), return_exceptions=True
    )
    words = [str(error) for error in errors]
    assert sum("no answer within" in one for one in words) == MOST_LOOKUPS, words
    assert sum("too many names are being looked up" in one for one in words) == 4, words
    async with asyncio.timeout(SOON):
        assert await asyncio.to_thread(lambda: "free") == "free"
    lookups = [one for one in threading.enumerate() if one.name == "lookup"]
    assert lookups
    assert all(one.daemon for one in lookups)
    may_end.set()
    async with asyncio.timeout(SOON):
        while web._LOOKUPS.unfinished:  # noqa: ASYNC110 - threads
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("_hurry")
@pytest.mark.parametrize(
    "answer",
    [
        lambda: drips(OK + b"Content-Length: 1000000\r\n\r\n"),
        lambda: drips(CHUNKED, every=b"1\r\na\r\n"),
        lambda: drips(CHUNKED + b"1\r\na\r\n0\r\n", every=b"X-Trailer: x\r\n", seconds=0.002),
        lambda: floods(CHUNKED + b"1;", b"a" * 1000),
        lambda: floods(CHUNKED, b"0" * 1000),
    ],
    ids=["a body", "chunks", "trailers", "an extension of a chunk", "a chunk's size"],
)
async def test_a_body_has_a_least_rate(answer: Answer) -> None:
    async with WickedSource(answer) as source:
        with pytest.raises(SourceUnavailableError):
            await fetched(source.url)


@pytest.mark.usefixtures("_hurry")
async def test_a_slow_link_that_keeps_the_least_rate_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "LEAST_RATE", 1000)

    async def slow() -> AsyncIterator[bytes]:
        yield OK + b"Content-Length: 5000\r\n\r\n"
        for _ in range(10):
            await asyncio.sleep(0.08)
            yield b"a" * 500

    # It takes 0.8 s, which is several windows.
    async with WickedSource(slow) as source:
        assert await fetched(source.url) == 5000


def test_the_least_rate_is_what_slow_links_have() -> None:
    assert (LEAST_RATE, WINDOW_SECONDS) == (10_000, 60.0)


async def test_a_body_of_tiny_chunks_is_refused_for_good() -> None:
    """Each chunk costs the event loop as much as a large one."""
    async with WickedSource(lambda: floods(CHUNKED, b"1\r\na\r\n" * 5000)) as source:
        with pytest.raises(BadSourceError, match="chunks of a few bytes"):
            await fetched(source.url)
        assert source.sent < 8 * 1024**2


# Who else wants to fetch something


class Held(FakeSources):
    """Sources of which each read takes some of the fake clock's time."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(Points())
        self.clock = clock
        self.seconds_of_a_read = 0.0
        self.order: list[str] = []

    async def open(self, url: str, *, offset: int = 0, validator: str = "") -> Any:
        source = await super().open(url, offset=offset, validator=validator)
        read = source.read

        async def slowly(limit: int) -> bytes:
            await asyncio.sleep(0)
            self.clock.seconds += self.seconds_of_a_read
            self.order.append(url.rpartition("/")[2])
            return await read(limit)

        source.read = slowly  # type: ignore[method-assign]
        return source


class Store:
    """S3, which takes all at once."""

    def __init__(self) -> None:
        self.s3 = FakeS3()

    async def call_s3(self, place: Place, operation: str, params: Any) -> dict[str, Any]:  # noqa: ARG002
        return self.s3.answer(operation, params)


class Bench:
    """An importer between fakes, which fetches one file at a time, in parts of eight bytes."""

    def __init__(self, *, concurrency: int = 1) -> None:
        self.clock = FakeClock()
        self.sources = Held(self.clock)
        self.store = Store()
        self.keys: dict[str, ObjectKey] = {}
        self.importer = Importer(
            self.sources,
            self.store,
            self.clock,
            changed=self._changed,
            limits=Limits(10_000, 16, least_part=8),
            concurrency=concurrency,
            interval=5,
            backoff=Backoff(),
        )

    def start(self, name: str, file: FakeFile, namespace: str) -> None:
        one = _fetch(name)
        self.keys[name] = ObjectKey(Kind.TRAINING, namespace, name)
        self.sources.files[one.url] = file
        self.importer.run(self.keys[name], ImportCall(fetch=one, run="1"))

    def phase(self, name: str) -> Phase:
        (progress,) = self.importer.of(self.keys[name]).transfers.values()
        return progress.phase

    async def until_all(self, phase: Phase) -> None:
        async with asyncio.timeout(SOON):
            while any(self.phase(name) is not phase for name in self.keys):  # noqa: ASYNC110
                await asyncio.sleep(0)

    def ended(self) -> list[str]:
        """The files in the order in which they were complete."""
        return [uri.rpartition("/")[2] for uri in self.store.s3.objects]

    def _changed(self, key: ObjectKey, _: float) -> None:
        for one, progress in self.importer.of(key).transfers.items():
            if progress.phase is Phase.RECORDING:
                call = ImportCall(fetch=one, run="1", recorded=progress.upload)
                asyncio.get_running_loop().call_soon(self.importer.run, key, call)


def _fetch(name: str, *, to: str = "") -> Fetch:
    path = "spec.inputs[train].source"
    return Fetch(place=Place("us-east-1"), s3_uri=f"s3://bucket/{to or name}", url=f"https://h/{name}", path=path)


async def test_a_namespaces_many_files_delay_anothers_by_one() -> None:
    bench = Bench()
    for number in range(50):
        bench.start(f"flood-{number}", FakeFile(b"x" * 20), "flood")
    await asyncio.sleep(0)
    bench.start("quiet", FakeFile(b"x" * 20), "quiet")
    await bench.until_all(Phase.IN_PLACE)
    assert bench.ended().index("quiet") <= 2


async def test_a_source_that_is_slow_for_days_makes_room_and_goes_on_from_where_it_was() -> None:
    bench = Bench()
    bench.sources.seconds_of_a_read = SLICE_SECONDS / 4
    bench.start("slow", FakeFile(b"x" * 8 * 40), "flood")
    async with asyncio.timeout(SOON):
        while bench.phase("slow") is not Phase.FETCHING:  # noqa: ASYNC110
            await asyncio.sleep(0)
    bench.start("quick", FakeFile(b"x" * 24), "quiet")
    await bench.until_all(Phase.IN_PLACE)
    assert bench.ended() == ["quick", "slow"]
    # Nothing was read or sent twice, though it has made room.
    assert len([url for url, _ in bench.sources.opened if "slow" in url]) > 1
    assert bench.sources.read == 8 * 40 + 24
    assert len(bench.store.s3.sent) == 40 + 3


async def test_one_that_cannot_be_gone_on_with_keeps_its_slot_for_an_hour_and_no_longer() -> None:
    bench = Bench()
    bench.sources.seconds_of_a_read = WHOLE_SECONDS / 10
    bench.start("endless", FakeFile(b"x" * 8 * 40, validator=""), "flood")
    await asyncio.sleep(0)
    bench.start("quick", FakeFile(b"x" * 24), "quiet")
    async with asyncio.timeout(SOON):
        while bench.phase("quick") is not Phase.IN_PLACE:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert bench.sources.order.index("quick") in range(9, 14)
    await bench.importer.stop()


async def test_time_is_shared_and_not_only_turns() -> None:
    """Whoever holds a slot for long waits until the others have had as much."""
    bench = Bench()
    bench.sources.seconds_of_a_read = SLICE_SECONDS
    bench.start("long", FakeFile(b"x" * 8 * 30), "flood")
    async with asyncio.timeout(SOON):
        while bench.sources.order.count("long") < 10:  # noqa: ASYNC110
            await asyncio.sleep(0)
    for name in ("a", "b"):
        bench.start(name, FakeFile(b"x" * 8 * 5), "quiet")
    await bench.until_all(Phase.IN_PLACE)
    assert bench.ended() == ["a", "b", "long"]


async def test_a_namespace_that_has_all_slots_makes_room_at_once() -> None:
    bench = Bench(concurrency=2)
    bench.sources.seconds_of_a_read = 1.0
    for number in range(4):
        bench.start(f"flood-{number}", FakeFile(b"x" * 8 * 100), "flood")
    async with asyncio.timeout(SOON):
        while len(bench.sources.order) < 10:  # noqa: ASYNC110
            await asyncio.sleep(0)
    bench.start("quiet", FakeFile(b"x" * 24), "quiet")
    await bench.until_all(Phase.IN_PLACE)
    assert bench.ended()[0] == "quiet"


async def test_anothers_slow_source_does_not_keep_a_namespace_from_the_same_place_in_s3() -> None:
    bench = Bench(concurrency=2)
    never = asyncio.Event()

    opened = bench.sources.open

    async def hang(url: str, **how: Any) -> Any:
        if "hangs" in url:
            await never.wait()
        return await opened(url, **how)

    bench.sources.open = hang  # type: ignore[method-assign]
    for name, namespace in (("hangs", "flood"), ("digits", "quiet")):
        one = _fetch(name, to="same")
        bench.keys[name] = ObjectKey(Kind.TRAINING, namespace, name)
        bench.sources.files[one.url] = FakeFile(b"x" * 20)
        bench.importer.run(bench.keys[name], ImportCall(fetch=one, run="1"))
        await asyncio.sleep(0)
    async with asyncio.timeout(SOON):
        while bench.phase("digits") is not Phase.IN_PLACE:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert bench.phase("hangs") is Phase.OPENING
    await bench.importer.stop()


async def test_a_call_of_s3_that_hangs_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifier_operator.runtime.importing.imports.STOP_SECONDS", 0.1)
    bench, never, began = Bench(), asyncio.Event(), asyncio.Event()
    answer = bench.store.call_s3

    async def hang(place: Place, operation: str, params: Any) -> dict[str, Any]:
        if operation == "UploadPart":
            began.set()
            await never.wait()
        return await answer(place, operation, params)

    bench.store.call_s3 = hang  # type: ignore[method-assign]
    bench.start("digits", FakeFile(b"x" * 24), "vision")
    async with asyncio.timeout(SOON):
        await began.wait()
        started = time.monotonic()
        await bench.importer.stop()
    assert time.monotonic() - started < SOON / 2
    never.set()
