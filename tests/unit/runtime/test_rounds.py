"""First come, first served in a group, and the groups take turns."""

from __future__ import annotations

import pytest

from classifier_operator.runtime.rounds import RoundRobin


def line(*entries: str) -> RoundRobin[str]:
    """Entries such as a1: the first letter is the group."""
    made: RoundRobin[str] = RoundRobin()
    for entry in entries:
        made.add(entry[0], entry)
    return made


def drain(rounds: RoundRobin[str]) -> list[str]:
    found = []
    while (value := rounds.pop()) is not None:
        found.append(value)
    return found


def test_groups_take_turns() -> None:
    assert drain(line("a1", "a2", "a3", "b1", "b2", "c1")) == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_a_group_that_comes_later_waits_for_one_value_of_each_other() -> None:
    rounds = line(*(f"a{number}" for number in range(1000)), "b1")
    assert [rounds.pop(), rounds.pop()] == ["a0", "b1"]
    rounds.add("c", "c1")
    assert [rounds.pop(), rounds.pop()] == ["a1", "c1"]


def test_a_group_does_not_lose_its_turn_by_what_is_void() -> None:
    rounds = line("a1", "a2", "a3", "b1")
    assert rounds.pop(lambda one: one not in ("a1", "a2")) == "a3"
    assert drain(rounds) == ["b1"]


def test_a_group_without_values_takes_no_memory() -> None:
    rounds = line(*(f"{letter}1" for letter in "abcdef"))
    assert rounds.pop(lambda one: one == "f1") == "f1"
    assert (len(rounds), bool(rounds), "a" in rounds, vars(rounds)["_lines"], len(vars(rounds)["_order"])) == (
        0,
        False,
        False,
        {},
        0,
    )


def test_the_turn_can_be_passed_on() -> None:
    rounds = line("a1", "b1")
    assert rounds.next_group == "a"
    rounds.skip()
    assert (rounds.next_group, drain(rounds)) == ("b", ["b1", "a1"])
    with pytest.raises(IndexError):
        _ = rounds.next_group
