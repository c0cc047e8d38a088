"""Whose figures these are: of one revision, of several, or of files that no revision has."""

from __future__ import annotations

import pytest
from bench.scale.provenance import Origin, days_of, here_and_now, revisions_of

FIRST = Origin("1" * 40, is_dirty=False, date="2026-03-01T12:00:00Z")
SECOND = Origin("2" * 40, is_dirty=True, date="2026-03-02T12:00:00Z")
UNKNOWN = Origin("", is_dirty=False, date="2026-02-01T12:00:00Z")


@pytest.mark.parametrize(
    ("origins", "words"),
    [
        ([FIRST, FIRST], "revision 1111111111"),
        ([SECOND], "revision 2222222222 with changes"),
        ([SECOND, FIRST], "several revisions (1111111111, 2222222222 with changes)"),
        ([FIRST, UNKNOWN], "several revisions (1111111111, others not recorded)"),
        ([UNKNOWN], ""),
        ([], ""),
    ],
)
def test_revisions_in_words(origins: list[Origin], words: str) -> None:
    assert revisions_of(origins) == words


def test_days_in_words() -> None:
    assert days_of([FIRST.date]) == "on 2026-03-01"
    assert days_of([SECOND.date, FIRST.date, FIRST.date]) == "from 2026-03-01 to 2026-03-02"
    assert days_of([]) == ""


def test_a_measurement_begins_somewhere() -> None:
    origin = here_and_now()
    assert len(origin.revision) in (0, 40)
    assert origin.date.endswith("Z")
