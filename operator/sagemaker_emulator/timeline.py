"""States over time as a value: a tuple of phases, each with the moment it begins.

A resource's whole foreseeable future is written down when something is asked of it, and its state is what
the timeline says for `now`. So ten thousand resources cost no thread and no timer, and the state machines are
pure functions from timeline to timeline.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar


class Timed(Protocol):
    """Anything with the moment (emulated epoch seconds) at which it begins."""

    @property
    def at(self) -> float: ...


P = TypeVar("P", bound=Timed)


def current(phases: Sequence[P], now: float) -> P:
    """The phase that `now` falls into; the first one for any time before it."""
    for phase in reversed(phases):
        if phase.at <= now:
            return phase
    return phases[0]


def until(phases: Sequence[P], now: float) -> tuple[P, ...]:
    """What has happened by `now`, without the planned future."""
    return tuple(phase for phase in phases if phase.at <= now) or tuple(phases[:1])


def next_change(phases: Sequence[P], now: float) -> float | None:
    """When the next phase begins, or None if none is planned."""
    return min((phase.at for phase in phases if phase.at > now), default=None)


def spans(phases: Sequence[P]) -> Iterator[tuple[P, float | None]]:
    """Each phase with the moment it ends, None for the last."""
    ends = [phase.at for phase in phases[1:]]
    yield from zip(phases, [*ends, None], strict=True)
