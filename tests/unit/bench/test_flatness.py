"""What has stopped growing is told from what has not, also where it grows slowly."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from bench.scale.flatness import Flatness, of_floors, of_medians

# Half an hour of samples.
MINUTES = [number / 12 for number in range(360)]


def noise(most: float) -> list[float]:
    chance = random.Random(1)
    return [chance.uniform(0, most) for _ in MINUTES]


def leaking(level: float, a_minute: float, most_noise: float) -> list[float]:
    return [level + a_minute * at + more for at, more in zip(MINUTES, noise(most_noise), strict=True)]


def test_what_grows_only_at_first_is_flat() -> None:
    found = of_medians([50, 80, 100, 100, 101, 102, 102, 102, 104])
    assert (found.middle, found.last, found.is_flat) == (101, 102, True)


def test_what_goes_on_growing_is_not() -> None:
    found = of_medians([10, 20, 30, 40, 50, 60, 70, 80, 90])
    assert not found.is_flat
    assert found.growth == pytest.approx(1.6)


def test_memory_may_grow_by_as_much_as_is_said() -> None:
    assert of_medians([1, 1, 1000, 1000, 1014, 1014]).is_flat
    assert not of_medians([1, 1, 1000, 1000, 1016, 1016]).is_flat


def test_of_what_comes_and_goes_the_floor_counts() -> None:
    assert of_floors([9, 9, 9, 5, 50, 50, 60, 70, 7]).is_flat
    assert not of_floors([9, 9, 9, 5, 50, 50, 8, 8, 8]).is_flat


def test_a_slow_leak_of_memory_is_found() -> None:
    assert not of_medians(leaking(126, 0.6, 1)).is_flat


def test_a_leak_of_one_task_a_minute_is_found_below_the_peaks() -> None:
    assert not of_floors(leaking(53, 1, 30)).is_flat


@pytest.mark.parametrize(
    "found", [of_medians(leaking(126, 0, 2)), of_floors(leaking(53, 0, 30))], ids=["memory", "tasks"]
)
def test_noise_is_no_growth(found: Flatness) -> None:
    assert found.is_flat


def test_what_nothing_becomes_has_grown() -> None:
    found = of_floors([0, 0, 0, 0, 3, 3])
    assert (found.growth, found.is_flat) == (1, False)


@pytest.mark.parametrize("samples", [[], [1, 2]])
def test_two_samples_have_no_thirds(samples: Sequence[float]) -> None:
    with pytest.raises(ValueError, match="no thirds"):
        of_floors(samples)
