"""Whose turn it is, of those who wait."""

from __future__ import annotations

from collections.abc import Iterable

from classifier_operator.runtime.pacing.waiters import PATIENCE_SECONDS, Waiters
from classifier_operator.runtime.workqueue import Priority

URGENT, NORMAL, LOW = Priority.URGENT, Priority.NORMAL, Priority.LOW


def order(waiting: Iterable[tuple[str, float, Priority]], now: float, refused: str = "") -> list[str]:
    """Who is served, of entries such as a1: the first letter is the group."""
    waiters, served = Waiters(), list[str]()

    def take(name: str) -> bool:
        if name == refused:
            return False
        served.append(name)
        return True

    for name, since, priority in waiting:
        waiters.add(name[0], since, priority, lambda name=name: take(name))  # type: ignore[misc]
    while waiters.serve_one(now):
        pass
    assert (len(waiters), bool(waiters)) == (0, False)
    return served


def test_groups_take_turns_and_within_one_who_came_first_goes_first() -> None:
    assert order((("a1", 0, NORMAL), ("a2", 1, NORMAL), ("a3", 2, NORMAL), ("b1", 3, NORMAL)), 3) == [
        "a1",
        "b1",
        "a2",
        "a3",
    ]


def test_the_urgent_go_first_whatever_their_group() -> None:
    assert order((("a1", 0, LOW), ("b1", 0, NORMAL), ("c1", 1, URGENT), ("a2", 1, URGENT)), 1) == [
        "a2",
        "c1",
        "b1",
        "a1",
    ]


def test_whoever_has_waited_long_is_as_urgent_and_takes_turns_with_them() -> None:
    long = 2 * PATIENCE_SECONDS
    urgent = [(f"a{number}", long, URGENT) for number in range(3)]
    assert order((*urgent, ("b1", 0, LOW), ("c1", long, NORMAL)), long) == ["a0", "b1", "a1", "a2", "c1"]


def test_an_old_backlog_of_one_group_does_not_go_before_what_is_urgent_in_another() -> None:
    old = [(f"a{number}", 0, NORMAL) for number in range(100)]
    assert order((*old, ("b1", 60, URGENT)), 60)[:2] == ["a0", "b1"]


def test_a_group_does_not_lose_its_turn_by_one_who_wants_it_no_more() -> None:
    assert order((("a1", 0, NORMAL), ("a2", 0, NORMAL), ("b1", 0, NORMAL)), 0, refused="a1") == ["a2", "b1"]
