"""Whether a figure has stopped growing. No I/O.

A leak grows for ever, a cache or an allocator's reserve only at first. So the first third of a run is its warm-up, and
the last third is held against the middle one: memory by the medians, for it is never given back in full; what comes and
goes by the least values, for a leak lifts the floor, whatever the peaks are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

# By how much a median of the last third may exceed that of the middle one: what something that is flat differs by.
MOST_GROWTH = 1.015
# By how many the floor of a count may rise: a connection that happens to be open for all of the last third.
SLACK = 2


@dataclass(frozen=True)
class Flatness:
    """What was compared of the middle third and of the last one, and what the last one may be at most."""

    compared: str
    middle: float
    last: float
    allowed: float

    @property
    def growth(self) -> float:
        """The last in relation to the middle one."""
        return self.last / self.middle if self.middle else float(self.last > 0)

    @property
    def is_flat(self) -> bool:
        """Whether it has stopped growing."""
        return self.last <= self.allowed


def of_medians(samples: Sequence[float]) -> Flatness:
    """Compare the medians of thirds of samples that were taken at a steady pace.

    Raises:
        ValueError: there are too few of them.

    """
    middle, last = _thirds(samples, median)
    return Flatness(f"median, at most {100 * (MOST_GROWTH - 1):.1f} % more", middle, last, middle * MOST_GROWTH)


def of_floors(samples: Sequence[float]) -> Flatness:
    """Compare the least values of thirds, as `of_medians` does the medians."""
    middle, last = _thirds(samples, min)
    return Flatness(f"least value, at most {SLACK} more", middle, last, middle + SLACK)


def _thirds(samples: Sequence[float], of: Callable[[Sequence[float]], float]) -> tuple[float, float]:
    third = len(samples) // 3
    if not third:
        raise ValueError(f"{len(samples)} samples have no thirds")
    return of(samples[third : 2 * third]), of(samples[2 * third :])
