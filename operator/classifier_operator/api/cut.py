"""Bounds texts from outside before they get into a status, an Event, a metric or the log."""

from __future__ import annotations

import re

# What AWS, the API server or a source says, in one text.
MESSAGE_LIMIT = 2048
# A name or label that somebody else has chosen.
NAME_LIMIT = 256
# Control characters but tabs, and what some terminals and log collectors take for the end of a line.
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")


def cut(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """The text in at most `limit` bytes of UTF-8 (40 or more), and where it was longer, how long it was.

    Half a character is never left, nor a surrogate, which JSON cannot carry.
    """
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= limit:
        return encoded.decode()
    mark = f"... (cut, {len(encoded)} bytes)"
    return encoded[: max(0, limit - len(mark))].decode("utf-8", "ignore") + mark


def one_line(text: str) -> str:
    """The text without line breaks and control characters: they are written as escapes, so no line can be forged."""
    return _CONTROLS.sub(lambda found: repr(found[0])[1:-1], text)
