"""One kind in one namespace: listed, watched, and tried again by itself when it cannot be, whatever the others do."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from tests.unit import builders
from tests.unit.fakes import FakeCluster, Points

from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.runtime import informers
from classifier_operator.runtime.informers import Collection, Informer, pause_after, summary
from classifier_operator.runtime.ports import ClusterUnavailableError, Happening
from classifier_operator.runtime.store import Body, key_of

HERE = Collection(Kind.TRAINING, "here")
DENIED = ClusterUnavailableError("GET /apis/x: HTTP 403: not allowed", status=403)
NOT_SERVED = ClusterUnavailableError("the API server does not serve /apis/x", status=404)


class Watched:
    """An informer over the fake cluster, and what it tells."""

    def __init__(self, resync_interval: float = 1000.0) -> None:
        self.cluster = FakeCluster(Points())
        self.compared: list[bool] = []
        self.told: list[tuple[Happening, str]] = []
        self.changes: list[str] = []
        self.informer = Informer(
            self.cluster,
            HERE,
            compare=self._compare,
            happened=self._happened,
            changed=lambda informer: self.changes.append(informer.trouble),
            resync_interval=resync_interval,
            rng=random.Random(1),
        )
        self.tries = 0
        self.running: asyncio.Task[None] | None = None

    async def _compare(self, collection: Collection, has_gone_back: bool) -> None:
        async for body in self.cluster.list(*collection):
            self._happened(Happening.LISTED, body)
        self.compared.append(has_gone_back)

    def _happened(self, what: Happening, body: Body) -> None:
        self.told.append((what, key_of(body).name))

    def create(self, name: str, namespace: str = "here") -> ObjectKey:
        body = builders.training(name, suspend=True)
        return self.cluster.create({**body, "metadata": {**body["metadata"], "namespace": namespace}})

    def refuse_lists(self, error: Exception) -> Callable[[], None]:
        """Until what is returned is called; each try is noted in `tries`."""
        listing, self.tries = self.cluster.list, 0

        def refused(kind: Kind, namespace: str = "") -> AsyncIterator[dict[str, Any]]:
            self.tries += 1
            raise error

        self.cluster.list = refused  # type: ignore[method-assign]

        def allow() -> None:
            self.cluster.list = listing  # type: ignore[method-assign]

        return allow

    def fail_watch(self, error: Exception) -> None:
        _, end = self.cluster.watches.pop((Kind.TRAINING, "here"))
        end.set_exception(error)

    async def start(self) -> None:
        await self.informer.begin()
        self.running = asyncio.create_task(self.informer.run())

    async def until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not reached():  # noqa: ASYNC110 - much of what is waited for tells nobody
                await asyncio.sleep(0.001)

    def is_watching(self) -> bool:
        return (Kind.TRAINING, "here") in self.cluster.watches


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(informers, "FIRST_SECONDS", 0.001)


@pytest_asyncio.fixture
async def watched() -> AsyncIterator[Watched]:
    made = Watched()
    yield made
    if made.running is not None:
        made.running.cancel()
        await asyncio.gather(made.running, return_exceptions=True)


async def test_what_there_is_in_the_namespace_is_told(watched: Watched) -> None:
    watched.create("one")
    watched.create("elsewhere", "there")
    await watched.start()
    assert watched.told == [(Happening.LISTED, "one")]
    assert (watched.informer.trouble, watched.changes) == ("", [""])


async def test_one_that_cannot_be_listed_is_tried_again_until_it_can(watched: Watched) -> None:
    watched.create("one")
    allow = watched.refuse_lists(DENIED)
    await watched.start()
    assert watched.informer.trouble == str(DENIED)
    await watched.until(lambda: watched.tries > 3)
    allow()
    await watched.until(lambda: not watched.informer.trouble)
    assert watched.told == [(Happening.LISTED, "one")]
    assert watched.changes == [str(DENIED), ""]


async def test_it_says_once_that_it_is_not_served_and_once_that_it_is(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    allow = watched.refuse_lists(DENIED)
    await watched.start()
    await watched.until(lambda: watched.tries > 5)
    allow()
    await watched.until(lambda: not watched.informer.trouble)
    assert [record.getMessage() for record in caplog.records] == [
        f"ClassifierTrainings in namespace here are not served, and nothing is done about them: {DENIED}",
        "ClassifierTrainings in namespace here are served",
    ]


async def test_another_error_is_said_too(watched: Watched) -> None:
    watched.refuse_lists(DENIED)
    await watched.start()
    watched.refuse_lists(NOT_SERVED)
    await watched.until(lambda: len(watched.changes) > 1)
    assert watched.changes == [str(DENIED), str(NOT_SERVED)]


@pytest.mark.parametrize("error", [DENIED, NOT_SERVED, ClusterUnavailableError("away"), RuntimeError("a bug")])
async def test_a_watch_that_fails_is_begun_anew(watched: Watched, error: Exception) -> None:
    await watched.start()
    for _ in range(3):
        await watched.until(watched.is_watching)
        watched.fail_watch(error)
    await watched.until(watched.is_watching)
    assert watched.running is not None
    assert not watched.running.done()


async def test_an_unforeseen_error_has_its_traceback_in_the_log_once(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    watched.refuse_lists(KeyError("items"))
    await watched.start()
    await watched.until(lambda: watched.tries > 5)
    assert [bool(record.exc_info) for record in caplog.records] == [True]


async def test_one_that_may_be_listed_and_not_watched_is_not_said_to_be_served(watched: Watched) -> None:
    """A list that succeeds between two refused watches is no news."""
    await watched.start()
    await watched.until(watched.is_watching)

    async def refused(*_: object) -> None:
        watched.tries += 1
        raise DENIED

    watched.cluster.watch = refused  # type: ignore[assignment,method-assign]
    watched.fail_watch(DENIED)
    await watched.until(lambda: watched.tries > 3)
    assert watched.changes == ["", str(DENIED)]


@pytest.mark.parametrize("error", [DENIED, NOT_SERVED])
async def test_a_watch_does_not_outlive_the_permission_to_list(error: Exception) -> None:
    watched = Watched(resync_interval=0.001)
    await watched.start()
    await watched.until(watched.is_watching)
    allow = watched.refuse_lists(error)
    await watched.until(lambda: bool(watched.informer.trouble))
    allow()
    await watched.until(lambda: not watched.informer.trouble)
    assert watched.running is not None
    watched.running.cancel()


async def test_a_full_listing_that_fails_for_a_moment_ends_no_watch() -> None:
    watched = Watched(resync_interval=0.001)
    await watched.start()
    await watched.until(watched.is_watching)
    watched.refuse_lists(ClusterUnavailableError("HTTP 504"))
    await watched.until(lambda: watched.tries > 3)
    assert (watched.informer.trouble, watched.changes) == ("", [""])
    assert watched.is_watching()
    assert watched.running is not None
    watched.running.cancel()


async def test_an_api_server_that_has_gone_back_is_listed_and_watched_anew(watched: Watched) -> None:
    await watched.start()
    await watched.until(watched.is_watching)
    _, first = watched.cluster.watches.pop((Kind.TRAINING, "here"))
    await watched.informer.catch_up()
    assert watched.compared == [False, True]
    await watched.until(watched.is_watching)
    assert first.cancelled()
    # It has been served all the time.
    assert watched.changes == [""]


async def test_one_that_is_not_served_catches_up_when_it_is(watched: Watched) -> None:
    allow = watched.refuse_lists(DENIED)
    await watched.start()
    await watched.informer.catch_up()
    await watched.until(lambda: watched.tries > 2)
    allow()
    await watched.until(lambda: not watched.informer.trouble)
    assert watched.compared == [True]


async def test_a_catching_up_that_fails_is_still_to_be_done(watched: Watched) -> None:
    await watched.start()
    await watched.until(watched.is_watching)
    allow = watched.refuse_lists(DENIED)
    with pytest.raises(ClusterUnavailableError):
        await watched.informer.catch_up()
    allow()
    await watched.informer.resync()
    assert watched.compared == [False, True]


def test_pauses_grow_to_a_limit_and_are_not_the_same_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(informers, "FIRST_SECONDS", 1.0)
    rng = random.Random(3)
    assert pause_after(0, rng) == 0.0
    for failures, (least, most) in {
        1: (1, 1.5),
        2: (2, 3),
        3: (4, 6),
        4: (8, 12),
        5: (15, 22.5),
        99: (15, 22.5),
    }.items():
        pauses = [pause_after(failures, rng) for _ in range(50)]
        assert least <= min(pauses) < max(pauses) <= most


def test_a_summary_names_so_many_and_counts_the_rest() -> None:
    made = [Watched().informer for _ in range(23)]
    text = summary(made)
    assert text.count("ClassifierTrainings in namespace here: ") == 20
    assert text.endswith("; and 3 more")
