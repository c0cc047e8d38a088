"""Who holds a Lease: what to do with it as it was last read, at a moment of this process's own clock.

A holder believes itself for `deadline` seconds from the moment before it *sent* its last successful renewal. The
others believe it for `duration` seconds from the moment after they *received* the version that it wrote, which was
later. So as long as clocks run at about the same speed (7 s of one are fewer than 10 s of another), no two believe at
once that they hold it, whatever is delayed, lost or stopped in between, and whatever the time of day is thought to be.
Times are of one process's monotonic clock and are never compared with another's; those in the Lease are for people.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from msgspec import Struct, structs


class Terms(Struct, frozen=True, kw_only=True):
    """In seconds: how long others believe a holder, how long it believes itself, and the pause between renewals."""

    duration: float = 10.0
    deadline: float = 7.0
    retry: float = 2.0


class Lease(Struct, frozen=True, kw_only=True):
    """A Lease as the API server has it; `version` is its resourceVersion, `holder` is empty once it was released."""

    name: str
    version: str = ""
    holder: str = ""
    duration: float = 0.0
    transitions: int = 0
    acquired: str = ""
    renewed: str = ""
    shards: int = 1


class Standing(Struct, frozen=True, kw_only=True):
    """What one process knows of the Lease.

    lease: as it was last read or written; None where there is none.
    is_known: whether that may still be so; not after a write was refused because of another one.
    known_at: when that answer had come.
    barred_until: until when somebody else may believe that it holds it.
    next_at: when the API server is asked the next time.
    held_until: until when this process holds it; None for one that has never held it.
    """

    lease: Lease | None = None
    is_known: bool = False
    known_at: float = -math.inf
    barred_until: float = -math.inf
    next_at: float = -math.inf
    held_until: float | None = None


class Wait(Struct, frozen=True):
    """Do nothing for so long."""

    seconds: float


class Read(Struct, frozen=True):
    """Read the Lease."""


class Claim(Struct, frozen=True):
    """Write the Lease: make it, take it or renew it, which is one and the same, over the version that is known."""

    lease: Lease | None


class Lost(Struct, frozen=True):
    """It was held, and is not any more: there is no way back for this process."""

    why: str


Action = Wait | Read | Claim | Lost


def next_action(standing: Standing, me: str, now: float, terms: Terms) -> Action:
    """What to do now."""
    if standing.held_until is not None:
        if now >= standing.held_until:
            return Lost(f"it was not renewed for {terms.deadline:g} s")
        if standing.is_known and _holder(standing.lease) != me:
            return Lost(f"{_holder(standing.lease) or 'nobody'} holds it by now")
    if now < standing.next_at:
        wake = standing.next_at if standing.held_until is None else min(standing.next_at, standing.held_until)
        return Wait(wake - now)
    # What was read longer ago may be of before the API server's store was restored: the same version may be another
    # Lease by now. While it is restored it is away for longer than this and `deadline` together.
    is_fresh = now - standing.known_at < 2 * terms.retry
    may_take = is_fresh and now >= standing.barred_until
    if standing.is_known and (standing.held_until is not None or may_take):
        return Claim(standing.lease)
    return Read()


def after_reading(standing: Standing, lease: Lease | None, me: str, at: float, terms: Terms) -> Standing:
    """The standing once this was read; `at`: after the answer had come."""
    barred = standing.barred_until
    if lease is not None and lease.holder in ("", me):
        barred = -math.inf
    elif lease is not None and standing.lease != lease:
        # Not the version alone: an API server whose store was restored comes to the same version a second time.
        barred = at + (lease.duration or terms.duration)
    elif lease is None and standing.lease is not None and standing.lease.holder not in ("", me):
        # Deleted by hand: who held it may have renewed it just before, and believe so.
        barred = at + (standing.lease.duration or terms.duration)
    is_waiting = standing.held_until is None and at < barred
    return structs.replace(
        standing,
        lease=lease,
        is_known=True,
        known_at=at,
        barred_until=barred,
        next_at=min(at + terms.retry, barred) if is_waiting else at,
    )


def after_claiming(standing: Standing, lease: Lease, sent_at: float, at: float, terms: Terms) -> Standing:
    """The standing once the API server has taken the claim; `sent_at`: before it was sent, `at`: after the answer.

    A renewal that is answered too late is none: those who wait for another number of shards to end (`of_other_sets`)
    may have seen the version before it for so long that they act already.
    """
    if standing.held_until is not None and at >= standing.held_until:
        return structs.replace(standing, lease=lease, is_known=True, known_at=at)
    return structs.replace(
        standing,
        lease=lease,
        is_known=True,
        known_at=at,
        next_at=sent_at + terms.retry,
        held_until=sent_at + terms.deadline,
    )


def after_conflict(standing: Standing) -> Standing:
    """Somebody has written, made or deleted the Lease since it was read: it has to be read before anything else."""
    return structs.replace(standing, is_known=False, next_at=-math.inf)


def after_failure(standing: Standing, sent_at: float, terms: Terms) -> Standing:
    """It is not known whether the API server did what was asked: ask again, in the same pace."""
    return structs.replace(standing, next_at=sent_at + terms.retry)


def claimed(lease: Lease | None, wanted: Lease, now: str) -> Lease:
    """The Lease to write: `wanted` says name, holder, duration and shards, `now` is the time of day for people."""
    is_mine = lease is not None and lease.holder == wanted.holder
    transitions = lease.transitions if lease is not None else 0
    return structs.replace(
        wanted,
        version=lease.version if lease is not None else "",
        transitions=transitions if is_mine or lease is None else transitions + 1,
        acquired=lease.acquired if lease is not None and is_mine else now,
        renewed=now,
    )


def released(lease: Lease, now: str) -> Lease:
    """The Lease to write so that the next may take it at once."""
    return structs.replace(lease, holder="", duration=1.0, renewed=now)


class Belief(Struct, frozen=True):
    """Until when a holder of another Lease may believe in it, because it was seen like that."""

    lease: Lease
    until: float


def of_other_sets(
    known: Mapping[str, Belief], leases: Iterable[Lease], shards: int, at: float, terms: Terms
) -> dict[str, Belief]:
    """The Leases of other numbers of shards by name; `at`: after the listing had come.

    Whoever has got its own Lease reads the others' after that. Of two processes of different numbers the second one to
    get its Lease then sees the first one's, so never do both believe that they may act. What is believed has to be
    compared with a time before the listing was asked for: it may be that old.
    """
    beliefs = dict(known)
    for lease in leases:
        if lease.shards == shards:
            continue
        if not lease.holder:
            beliefs.pop(lease.name, None)
        elif lease.name not in known or known[lease.name].lease != lease:
            beliefs[lease.name] = Belief(lease, at + (lease.duration or terms.duration))
    return beliefs


def _holder(lease: Lease | None) -> str:
    return lease.holder if lease is not None else ""
