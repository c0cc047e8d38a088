"""Whether a figure has stopped growing. No I/O.

A leak grows for ever, a cache or an allocator's reserve only at first. So the first third of a run is its warm-up, and
the median of the last third is held against that of the middle one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

# By how much the last third may exceed the middle one: what samples of something that is flat differ by.
MOST_GROWTH = 1.05


@dataclass(frozen=True)
class Flatness:
    """The medians of the middle third and of the last one."""

    middle: float
    last: float
    slack: float

    @property
    def growth(self) -> float:
        """The last in relation to the middle one."""
        return self.last / self.middle if self.middle else float(self.last > 0)

    @property
    def is_flat(self) -> bool:
        """Whether it has stopped growing; a difference of `slack` is none."""
        return self.last <= max(self.middle * MOST_GROWTH, self.middle + self.slack)


def flatness(samples: Sequence[float], slack: float = 0.0) -> Flatness:
    """Compare the thirds of samples that were taken at a steady pace.

    Raises:
        ValueError: there are too few of them.

    """
    third = len(samples) // 3
    if not third:
        raise ValueError(f"{len(samples)} samples have no thirds")
    return Flatness(median(samples[third : 2 * third]), median(samples[2 * third :]), slack)
