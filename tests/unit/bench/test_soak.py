"""What the page says of a soak."""

from __future__ import annotations

from dataclasses import replace

from bench.scale.__main__ import RESULTS
from bench.scale.provenance import Origin
from bench.scale.soak import Outcome, Soak, kept_in, markdown

OUTCOME = Outcome(
    samples={name: [1.0] * 9 for name in ("minutes", "memory MB", "file handles", "tasks", "threads")},
    changes={"edit": 3000, "roll": 605},
    errors=0,
    left=(),
    machine={},
    origin=Origin("0123456789abcdef", is_dirty=False, date="2026-03-01T12:00:00Z"),
)


def test_all_is_settled() -> None:
    lines = markdown(Soak(), OUTCOME).splitlines()
    about = "30 minutes, 150 objects of each kind, 3,605 changes; all of them settled, and nothing left over at AWS."
    assert lines[0] == about
    assert lines[4] == "| memory MB | median, at most 1.5 % more | 1 | 1 | flat |"
    assert lines[-1] == "Measured on 2026-03-01 of revision 0123456789."


def test_something_is_left_over() -> None:
    text = markdown(Soak(), replace(OUTCOME, left=("models x belongs to no object",)))
    assert "3,605 changes; in the end **1 left unsettled, or left over at AWS**." in text


def test_where_nobody_has_looked_nothing_is_said() -> None:
    text = markdown(Soak(), replace(OUTCOME, left=None, origin=None))
    assert "3,605 changes.\n" in text
    assert "Measured" not in text


def test_the_page_shows_what_is_kept() -> None:
    assert markdown(*kept_in(RESULTS)) == (RESULTS / "soak.md").read_text()
