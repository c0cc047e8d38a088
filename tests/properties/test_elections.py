"""Whatever happens to messages, processes and clocks, never do two act at once that must not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.properties.bounds import bounded
from tests.properties.elections import ON_THE_WAY, Fate, Misfortune, Place, World

CALM = 120.0
QUIET: tuple[Fate, ...] = ((Misfortune.NONE, 0.0),)


def fates() -> st.SearchStrategy[list[Fate]]:
    """Misfortunes with calm between them: where all is disturbed nobody gets anywhere."""
    sizes = st.one_of(st.floats(0, 3), st.floats(5, 15), st.floats(0, 60))
    bad = st.tuples(st.sampled_from([Misfortune.PAUSE, Misfortune.PAUSE, *ON_THE_WAY]), sizes)
    end = st.tuples(st.sampled_from([Misfortune.DIE, Misfortune.RESIGN]), st.just(0.0))
    back = st.tuples(st.just(Misfortune.RESTORE), st.floats(0, 1))
    calm = st.sampled_from([0, 0, 1, 2, 3, 5, 10, 20, 40])
    one = st.tuples(calm, st.one_of(bad, bad, bad, end, back))
    return st.lists(one, max_size=25).map(
        lambda all_of: [fate for quiet, bad in all_of for fate in (*QUIET * quiet, bad)]
    )


def places(leases: list[tuple[str, int]], most: int) -> st.SearchStrategy[list[Place]]:
    """Processes whose clocks began at any time, a day's difference apart or none, and run up to 15 % wrong."""
    offsets, rates = st.floats(0, 86_400), st.sampled_from([0.85, 0.95, 1.0, 1.05, 1.15])
    lease = st.sampled_from(leases)
    place = st.builds(lambda one, offset, rate: Place(one[0], one[1], offset, rate), lease, offsets, rates)
    return st.lists(place, min_size=2, max_size=most, unique=True)


ONE = [("op", 1)]
SETS = [("op", 1), ("op-1-of-2", 2), ("op-2-of-2", 2)]


@pytest.mark.timeout(0)
@bounded(800, steps=1)
@given(places(ONE, 4), fates())
def test_never_two_act_for_one_lease_and_in_the_end_one_does(of_one: list[Place], misfortunes: list[Fate]) -> None:
    world = World(of_one, misfortunes)
    world.run(CALM)
    assert [process.acts for process in world.living.values()].count(True) == 1


@pytest.mark.timeout(0)
@bounded(800, steps=1)
@given(places(SETS, 4), fates())
def test_never_two_act_that_divide_the_work_differently(of_sets: list[Place], misfortunes: list[Fate]) -> None:
    World(of_sets, misfortunes).run(CALM)
