"""Texts from outside are bounded in bytes, stay UTF-8, and are one line where a line counts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from classifier_operator.api.cut import cut, one_line


@given(st.text(), st.integers(40, 200))
def test_never_longer_and_always_utf_8(text: str, limit: int) -> None:
    found = cut(text * 9, limit)
    assert len(found.encode()) <= limit


def test_that_it_was_cut_is_said() -> None:
    assert cut("é" * 100, 60) == "é" * 20 + "... (cut, 200 bytes)"
    assert cut("short") == "short"
    assert cut("\ud800") == "?"


@given(st.text())
def test_one_line_stays_one(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1


def test_escapes_are_readable() -> None:
    assert one_line("a\nb\x1b[31m\u2028c\td") == "a\\nb\\x1b[31m\\u2028c\td"
