"""The loop around the decisions: what it asks, when it says that this process may act, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from msgspec import structs
from tests.unit.fakes import FakeClock

from classifier_operator.adapters.clock import SystemClock
from classifier_operator.runtime.election.leadership import Candidate, Leadership
from classifier_operator.runtime.election.lease import Lease, Terms
from classifier_operator.runtime.election.shards import Shard
from classifier_operator.runtime.ports import ClusterUnavailableError, ConflictError

# A tenth of a second is long between tasks of one loop.
TERMS = Terms(duration=0.5, deadline=0.3, retry=0.1)


class FakeLeases:
    """Leases in memory. `trouble` is raised by every request; `hangs`: no request is answered."""

    def __init__(self) -> None:
        self.leases: dict[str, Lease] = {}
        self.trouble: Exception | None = None
        self.hangs = False
        self._version = 0
        self._asked = asyncio.Event()

    async def read(self, name: str) -> Lease | None:
        await self._reach()
        return self.leases.get(name)

    async def create(self, lease: Lease) -> Lease:
        await self._reach()
        if lease.name in self.leases:
            raise ConflictError(lease.name)
        return self.put(lease)

    async def replace(self, lease: Lease) -> Lease:
        await self._reach()
        # One that was deleted is made anew: tests/adapters/test_leases.py shows that it is so.
        if lease.name in self.leases and self.leases[lease.name].version != lease.version:
            raise ConflictError(lease.name)
        return self.put(lease)

    async def of_release(self) -> list[Lease]:
        await self._reach()
        return list(self.leases.values())

    def put(self, lease: Lease) -> Lease:
        """Write it, whatever is there."""
        self._version += 1
        self.leases[lease.name] = structs.replace(lease, version=str(self._version))
        return self.leases[lease.name]

    async def after(self, requests: int = 1) -> None:
        """Return when so many more have come, and have been answered."""
        for _ in range(requests):
            self._asked.clear()
            async with asyncio.timeout(5):
                await self._asked.wait()
        await asyncio.sleep(0)

    async def _reach(self) -> None:
        self._asked.set()
        if self.trouble is not None:
            raise self.trouble
        if self.hangs:
            await asyncio.Event().wait()


class Election:
    """Candidates for the Leases of one release."""

    def __init__(self) -> None:
        self.leases = FakeLeases()
        self.lost: asyncio.Queue[str] = asyncio.Queue()
        self.candidates: list[Leadership] = []

    def candidate(self, me: str, shard: Shard | None = None) -> Leadership:
        candidate = Candidate(me=me, release="op", shard=shard or Shard())
        made = Leadership(self.leases, SystemClock(), candidate, lost=self.lost.put_nowait, terms=TERMS)
        self.candidates.append(made)
        return made

    def held_by(self, who: str, name: str = "op", shards: int = 1) -> Lease:
        return self.leases.put(Lease(name=name, holder=who, duration=TERMS.duration, shards=shards))


@pytest_asyncio.fixture
async def election() -> AsyncIterator[Election]:
    made = Election()
    yield made
    made.leases.trouble = None
    for candidate in made.candidates:
        await candidate.resign()


async def in_time(campaign: object) -> None:
    async with asyncio.timeout(5):
        await campaign  # type: ignore[misc]


async def test_the_first_one_leads_and_the_second_stands_by(election: Election) -> None:
    first, second = election.candidate("a"), election.candidate("b")
    assert not first.holds()
    assert "not been read" in second.problem()
    await in_time(first.campaign())
    campaign = asyncio.ensure_future(second.campaign())
    await election.leases.after(requests=30)
    assert (first.holds(), second.holds(), second.problem()) == (True, False, "")
    await first.resign()
    assert not first.holds()
    await in_time(campaign)
    assert second.holds()
    assert election.leases.leases["op"].transitions == 1


async def test_what_was_released_names_nobody(election: Election) -> None:
    first = election.candidate("a")
    await in_time(first.campaign())
    await first.resign()
    assert election.leases.leases["op"].holder == ""


async def test_what_somebody_else_has_got_is_not_released(election: Election) -> None:
    first = election.candidate("a")
    await in_time(first.campaign())
    election.held_by("b")
    await first.resign()
    assert election.leases.leases["op"].holder == "b"


async def test_a_renewal_that_was_on_its_way_is_released_too(election: Election) -> None:
    first = election.candidate("a")
    await in_time(first.campaign())
    election.held_by("a")
    await first.resign()
    assert election.leases.leases["op"].holder == ""


@pytest.mark.parametrize("trouble", [ClusterUnavailableError("HTTP 403"), None], ids=["refused", "hanging"])
async def test_who_cannot_renew_holds_it_no_more(election: Election, trouble: Exception | None) -> None:
    first = election.candidate("a")
    await in_time(first.campaign())
    election.leases.trouble, election.leases.hangs = trouble, True
    async with asyncio.timeout(5):
        why = await election.lost.get()
    assert why == "the Lease op is lost: it was not renewed for 0.3 s"
    assert not first.holds()


async def test_who_is_kept_from_the_loop_holds_it_no_more(election: Election) -> None:
    """What `holds` says depends on the time alone."""
    first = election.candidate("a")
    await in_time(first.campaign())
    election.leases.hangs = True
    end = SystemClock().monotonic() + TERMS.deadline
    while SystemClock().monotonic() < end:
        pass
    assert not first.holds()


async def test_a_short_trouble_is_outlived(election: Election) -> None:
    first = election.candidate("a")
    await in_time(first.campaign())
    election.leases.trouble = ClusterUnavailableError("HTTP 500")
    await election.leases.after()
    assert "HTTP 500" in first.problem()
    election.leases.trouble = None
    await election.leases.after(requests=6)
    assert (first.holds(), first.problem()) == (True, "")


async def test_an_unforeseen_error_ends_it(election: Election) -> None:
    first = election.candidate("a")
    await in_time(first.campaign())
    election.leases.trouble = ZeroDivisionError()
    async with asyncio.timeout(5):
        assert "unforeseen" in await election.lost.get()


async def test_a_lease_that_was_taken_is_lost(election: Election) -> None:
    first = election.candidate("a")
    await in_time(first.campaign())
    election.held_by("b")
    async with asyncio.timeout(5):
        assert await election.lost.get() == "the Lease op is lost: b holds it by now"


async def test_a_lease_that_was_deleted_is_made_anew_by_its_holder(election: Election) -> None:
    first, second = election.candidate("a"), election.candidate("b")
    await in_time(first.campaign())
    campaign = asyncio.ensure_future(second.campaign())
    await election.leases.after(requests=4)
    del election.leases.leases["op"]
    await election.leases.after(requests=30)
    assert (first.holds(), second.holds()) == (True, False)
    assert election.leases.leases["op"].holder == "a"
    campaign.cancel()


async def test_each_shard_has_its_own_lease(election: Election) -> None:
    shards = [election.candidate(str(number), Shard(number, 3)) for number in (1, 2, 3)]
    await asyncio.gather(*(in_time(one.campaign()) for one in shards))
    assert sorted(election.leases.leases) == ["op-1-of-3", "op-2-of-3", "op-3-of-3"]


async def test_another_number_of_shards_is_waited_for(election: Election, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    old = election.candidate("old", Shard(2, 3))
    await in_time(old.campaign())
    new = election.candidate("new", Shard(1, 2))
    campaign = asyncio.ensure_future(new.campaign())
    await election.leases.after(requests=40)
    assert (old.holds(), new.holds(), new.problem()) == (True, False, "")
    assert "waiting: the shards are another number than 2 for op-2-of-3" in caplog.text
    assert election.leases.leases["op-1-of-2"].holder == "new"
    await old.resign()
    await in_time(campaign)
    assert new.holds()


async def test_one_of_another_number_that_is_dead_is_waited_out(election: Election) -> None:
    election.held_by("dead", "op-2-of-3", shards=3)
    new = election.candidate("new", Shard(1, 2))
    began = SystemClock().monotonic()
    await in_time(new.campaign())
    assert SystemClock().monotonic() - began >= TERMS.duration


async def test_who_does_not_know_of_the_others_does_not_act(election: Election) -> None:
    new = election.candidate("new", Shard(1, 2))
    answers = election.leases.of_release
    election.leases.of_release = refused  # type: ignore[method-assign]
    campaign = asyncio.ensure_future(new.campaign())
    await election.leases.after(requests=5)
    assert not new.holds()
    assert "HTTP 403" in new.problem()
    election.leases.of_release = answers  # type: ignore[method-assign]
    await in_time(campaign)


async def refused() -> list[Lease]:
    raise ClusterUnavailableError("HTTP 403")


class OldListing(FakeLeases):
    """The second listing is answered late: what it says was so before somebody else's time was over."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.listings = 0
        self._clock = clock

    async def of_release(self) -> list[Lease]:
        listed = await super().of_release()
        self.listings += 1
        self._clock.seconds = {1: 1.45, 2: 1.55}.get(self.listings, self._clock.seconds)
        return listed


async def test_a_listing_is_as_old_as_its_question() -> None:
    clock = FakeClock()
    clock.seconds = 1.0
    leases = OldListing(clock)
    leases.put(Lease(name="op-2-of-3", holder="dead", duration=0.1, shards=3))
    terms = Terms(duration=10, deadline=7, retry=0.05)
    candidate = Candidate(me="new", release="op", shard=Shard(1, 2))
    new = Leadership(leases, clock, candidate, lost=lambda _: None, terms=terms)
    await in_time(new.campaign())
    # Believed until 1.55, from the answer to the first one on; the second one was asked for at 1.45.
    assert leases.listings == 3
    await new.resign()
