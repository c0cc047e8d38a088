"""A world of processes that want Leases: messages are late or lost, processes stop, wake up, die and are started anew.

Time is simulated. Each process has a clock of its own, with another beginning and another speed than the others'.
Misfortunes come from a list that hypothesis makes; when it is used up all goes well.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from msgspec import structs

from classifier_operator.runtime.election.lease import (
    Belief,
    Claim,
    Lease,
    Lost,
    Standing,
    Terms,
    Wait,
    after_claiming,
    after_conflict,
    after_failure,
    after_reading,
    claimed,
    next_action,
    of_other_sets,
    released,
)

TERMS = Terms()
# So long an API server is away at least while its store is restored: longer than a holder believes in its Lease.
RESTORING = 15.0
LATENCY = 0.01
RESTART = 1.0


class Misfortune(Enum):
    """What can happen at one point."""

    NONE = "none"
    PAUSE = "pause"
    DIE = "die"
    RESIGN = "resign"
    SLOW_THERE = "the request is late"
    SLOW_BACK = "the answer is late"
    LOST_THERE = "the request is lost"
    LOST_BACK = "the answer is lost"
    RESTORE = "the API server's store is restored to what it was"


ON_THE_WAY = (Misfortune.SLOW_THERE, Misfortune.SLOW_BACK, Misfortune.LOST_THERE, Misfortune.LOST_BACK)
Fate = tuple[Misfortune, float]


class ConflictError(Exception):
    """The version was another one."""


class LostError(Exception):
    """There was no answer in time."""


class Server:
    """The API server: each write needs the version that is there."""

    def __init__(self) -> None:
        self.leases: dict[str, Lease] = {}
        self.is_away = False
        self._version = 0
        self._past: list[tuple[int, dict[str, Lease]]] = [(0, {})]

    def restore(self, share: float) -> None:
        """Be as after that share of all that was written."""
        del self._past[max(1, int(share * len(self._past))) :]
        self._version, self.leases = self._past[-1][0], dict(self._past[-1][1])

    def read(self, name: str) -> Lease | None:
        return self.leases.get(name)

    def write(self, lease: Lease) -> Lease:
        there = self.leases.get(lease.name)
        if (there.version if there else "") != lease.version:
            raise ConflictError
        self._version += 1
        self.leases[lease.name] = structs.replace(lease, version=str(self._version))
        self._past.append((self._version, dict(self.leases)))
        return self.leases[lease.name]

    def of_release(self) -> list[Lease]:
        return list(self.leases.values())


@dataclass(frozen=True)
class Place:
    """Which Lease a process wants, and its clock."""

    lease: str
    shards: int
    offset: float
    rate: float


@dataclass
class Process:
    """One process between its start and its end."""

    me: str
    place: Place
    world: World
    standing: Standing = field(default_factory=Standing)
    others: dict[str, Belief] = field(default_factory=dict)
    may_act: bool = False

    def clock(self) -> float:
        return self.place.offset + self.place.rate * self.world.now

    @property
    def acts(self) -> bool:
        """What `Leadership.holds` says."""
        held_until = self.standing.held_until
        return self.may_act and held_until is not None and self.clock() < held_until

    def life(self) -> Generator[Any, Any, None]:
        """`Leadership`'s loop; it may be stopped wherever it says "point"."""
        while True:
            now = self.clock()
            yield "point"
            action = next_action(self.standing, self.me, now, TERMS)
            if isinstance(action, Lost):
                return
            if isinstance(action, Wait):
                yield "sleep", action.seconds / self.place.rate
                continue
            try:
                if isinstance(action, Claim):
                    yield from self._claim(action, now)
                else:
                    lease = yield "ask", lambda: self.world.server.read(self.place.lease)
                    yield "point"
                    self.standing = after_reading(self.standing, lease, self.me, self.clock(), TERMS)
            except ConflictError:
                self.standing = after_conflict(self.standing)
            except LostError:
                self.standing = after_failure(self.standing, now, TERMS)

    def _claim(self, action: Claim, began: float) -> Generator[Any, Any, None]:
        wanted = Lease(name=self.place.lease, holder=self.me, duration=TERMS.duration, shards=self.place.shards)
        lease = claimed(action.lease, wanted, "")
        written = yield "ask", lambda: self.world.server.write(lease)
        yield "point"
        self.standing = after_claiming(self.standing, written, began, self.clock(), TERMS)
        if self.may_act:
            return
        yield "point"
        asked = self.clock()
        yield "point"
        listed = yield "ask", self.world.server.of_release
        yield "point"
        self.others = of_other_sets(self.others, listed, self.place.shards, self.clock(), TERMS)
        yield "point"
        self.may_act = all(asked >= belief.until for belief in self.others.values())

    def resign(self) -> None:
        """What `Leadership.resign` does, when the API server answers at once or not at all."""
        self.may_act = False
        if self.world.server.is_away:
            return
        there = self.world.server.read(self.place.lease)
        if there is not None and there.holder == self.me:
            self.world.server.write(released(there, ""))


class World:
    """Runs them all."""

    def __init__(self, places: Sequence[Place], fates: Sequence[Fate]) -> None:
        self.now = 0.0
        self.server = Server()
        self.living: dict[Place, Process] = {}
        self._fates = deque(fates)
        self._order = itertools.count()
        self._events: list[tuple[float, int, Any]] = []
        self._names = itertools.count(1)
        for place in places:
            self._after(0.0, lambda place=place: self._start(place))

    def run(self, calm: float) -> None:
        """Go on until nothing is left to go wrong, and then for that long; never do two act at once that must not."""
        end = math.inf
        while self._events[0][0] <= end:
            self.now, _, event = heapq.heappop(self._events)
            event()
            self.check()
            if not self._fates:
                end = min(end, self.now + calm)
        self.now = end

    def check(self) -> None:
        acting = [process for process in self.living.values() if process.acts]
        for one, other in itertools.combinations(acting, 2):
            assert one.place.shards == other.place.shards, f"{one.me} and {other.me} divide the work differently"
            assert one.place.lease != other.place.lease, f"{one.me} and {other.me} act at once"

    def _after(self, seconds: float, event: Any) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._order), event))

    def _start(self, place: Place) -> None:
        process = self.living[place] = Process(f"p{next(self._names)}", place, self)
        self._step(process, process.life(), None)

    def _end(self, process: Process) -> None:
        del self.living[process.place]
        self._after(RESTART, lambda: self._start(process.place))

    def _step(self, process: Process, life: Generator[Any, Any, None], answer: Any) -> None:
        """Let a process go on to its next point."""
        if self.living.get(process.place) is not process:
            return
        try:
            wish = life.throw(answer) if isinstance(answer, Exception) else life.send(answer)
        except StopIteration:
            self._end(process)
            return
        if wish == "point":
            self._at_a_point(process, life)
        elif wish[0] == "sleep":
            self._after(wish[1], lambda: self._step(process, life, None))
        else:
            self._ask(process, life, wish[1])

    def _at_a_point(self, process: Process, life: Generator[Any, Any, None]) -> None:
        misfortune, size = self._fates.popleft() if self._fates else (Misfortune.NONE, 0.0)
        if misfortune is Misfortune.DIE:
            self._end(process)
        elif misfortune is Misfortune.RESIGN:
            process.resign()
            self._end(process)
        elif misfortune is Misfortune.RESTORE:
            self._restore(size)
            self._after(0.0, lambda: self._step(process, life, None))
        else:
            pause = size if misfortune is Misfortune.PAUSE else 0.0
            self._after(pause, lambda: self._step(process, life, None))

    def _restore(self, share: float) -> None:
        """The API server goes away, and comes back as it was."""
        if self.server.is_away:
            return
        self.server.is_away = True

        def come_back() -> None:
            self.server.restore(share)
            self.server.is_away = False

        self._after(RESTORING, come_back)

    def _ask(self, process: Process, life: Generator[Any, Any, None], what: Any) -> None:
        """A request and its answer. A process gives up after a while; what it has sent may still arrive."""
        misfortune, size = self._fates.popleft() if self._fates else (Misfortune.NONE, 0.0)
        if misfortune is Misfortune.RESTORE:
            self._restore(size)
        there = size if misfortune in (Misfortune.SLOW_THERE, Misfortune.LOST_BACK) else LATENCY
        back = size if misfortune is Misfortune.SLOW_BACK else LATENCY
        # One that was stopped while it waited may find the answer and the end of its patience at once.
        is_given_up = misfortune in (Misfortune.LOST_THERE, Misfortune.LOST_BACK)

        def arrive() -> None:
            if self.server.is_away:
                if not is_given_up:
                    self._after(TERMS.retry, lambda: self._step(process, life, LostError()))
                return
            try:
                answer = what()
            except ConflictError as error:
                answer = error
            if not is_given_up:
                self._after(back, lambda: self._step(process, life, answer))

        if misfortune is not Misfortune.LOST_THERE:
            self._after(there, arrive)
        if is_given_up:
            self._after(TERMS.retry, lambda: self._step(process, life, LostError()))
