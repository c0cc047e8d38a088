"""The measurements by name, each with what it measures at which scale, in the order in which they are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.scale import trainings
from bench.scale.site import Figures, Progress
from bench.scale.trainings import Work

# What a measurement brings: figures by section.
Sections = dict[str, Figures]
Measurement = Callable[[float, Progress], Sections]

OBJECTS = 1000
# As AWS is told to allow; the operator does not know.
ALLOWED_PER_SECOND = 10.0


def scaled(count: int, scale: float) -> int:
    """So many objects at that scale, one at least."""
    return max(1, round(count * scale))


def _trainings(scale: float, progress: Progress) -> Sections:
    return {"trainings": trainings.measure(Work(scaled(OBJECTS, scale)), progress)}


def _limited(scale: float, progress: Progress) -> Sections:
    work = Work(scaled(OBJECTS, scale), allowed=ALLOWED_PER_SECOND)
    return {"limited": trainings.measure(work, progress)}


MEASUREMENTS: Mapping[str, Measurement] = {
    "trainings": _trainings,
    "limited": _limited,
}
