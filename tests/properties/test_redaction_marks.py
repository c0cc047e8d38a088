"""Rules that are skipped because a text has none of their marks would have found nothing in it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from classifier_operator.api.redaction import _NAMES, _RULES

PIECES = [
    *_NAMES.split("|"),
    *("authorization", "Authorization", "bearer ", "BEARER ", "https://", "s3://", "user:word@", "host/key", "?a=b"),
    *(":", "=", "%3D", " ", '"', "'", "<", ">", "b'", "\\n", "value1234567890abcdef", "TOKEN", "x-token"),
    *("eyJabcdef.ghijkl.mnop", "AKIA1234567890ABCDEF", "ASIA1234567890ABCDEF"),
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=10).map("".join)


@given(TEXTS)
def test_a_rule_is_skipped_only_where_it_finds_nothing(text: str) -> None:
    for marks, pattern, _ in _RULES:
        if pattern.search(text):
            assert any(mark in text.lower() for mark in marks)
