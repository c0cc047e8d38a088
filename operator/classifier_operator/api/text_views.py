"""A text as it is, and as it is when what is encoded in it is decoded: JSON, Python, percent and HTML, also nested."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator

Span = tuple[int, int]

# JSON in a string of JSON in a query in HTML is decoded in four steps.
_DEEPEST = 4
# Each view costs as much as the text itself.
_MOST_VIEWS = 8
_BACKSLASH = r"\\(?:u(?P<unicode>[0-9a-fA-F]{4})|x(?P<byte>[0-9a-fA-F]{2})|(?P<simple>[nrtbf\"'`/\\]))"
_PERCENT = r"%(?P<percent>[0-9a-fA-F]{2})"
_ENTITY = (
    r"&(?:\#(?P<decimal>\d{2,3})|\#[xX](?P<entity>[0-9a-fA-F]{2})|(?P<named>amp|quot|apos|lt|gt|equals|colon|nbsp));"
)
# All at once, as one text often has several beside each other, and one by one, as what is in the value of a secret may
# be encoded in another way than the text around it.
_ENCODINGS = tuple(map(re.compile, ("|".join((_BACKSLASH, _PERCENT, _ENTITY)), _BACKSLASH, _PERCENT, _ENTITY)))
_HEXADECIMAL = frozenset({"unicode", "byte", "percent", "entity"})
_SIMPLE = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_NAMED = {"amp": "&", "quot": '"', "apos": "'", "lt": "<", "gt": ">", "equals": "=", "colon": ":", "nbsp": " "}
_COLOUR = re.compile(r"\x1b\[[0-9;]{0,20}m")
_BLANK = re.compile(r"\s++|\\++")


class View:
    """A text made from another one, with something else in place of each match: of `width` characters, 0 or 1."""

    def __init__(
        self,
        source: str | View,
        pattern: re.Pattern[str],
        width: int,
        instead: Callable[[re.Match[str]], str],
    ) -> None:
        self._source = source
        self._width = width
        text = source.text if isinstance(source, View) else source
        pieces: list[str] = []
        # After `_here[i]` characters of this text, `_there[i]` characters of the source have been read.
        self._here, self._there = [0], [0]
        for found in pattern.finditer(text):
            kept = text[self._there[-1] : found.start()]
            pieces += [kept, instead(found)]
            self._here.append(self._here[-1] + len(kept) + width)
            self._there.append(found.end())
        self.text: str = "".join([*pieces, text[self._there[-1] :]])

    def origin(self, span: Span) -> Span:
        """Where these characters, at least one, came from: a place in the text that all views are made from."""
        begin, end = span
        # What was left out behind the last character is no part of it.
        place = self._place(begin), self._place(end) if self._width else self._place(end - 1) + 1
        return self._source.origin(place) if isinstance(self._source, View) else place

    def _place(self, offset: int) -> int:
        index = bisect_right(self._here, offset) - 1
        return self._there[index] + offset - self._here[index]


def decoded(text: str) -> Iterator[View]:
    """What becomes of the text when it is decoded once, twice and so on. The number of views is limited."""
    if not any(mark in text for mark in "\\%&"):
        return
    seen = {text}
    level: list[str | View] = [text]
    for _ in range(_DEEPEST):
        sources, level = level, []
        for source in sources:
            for encoding in _ENCODINGS:
                view = View(source, encoding, 1, _character)
                if view.text not in seen:
                    seen.add(view.text)
                    level.append(view)
                    yield view
                if len(seen) > _MOST_VIEWS:
                    return


def squeezed(text: str) -> View:
    """The text without its blanks and line breaks, and without backslashes, which continue a line."""
    return View(text, _BLANK, 0, lambda _: "")


def uncoloured(text: str) -> Iterator[View]:
    """The text without what colours it in a terminal, where there is such: between a name and its value, too."""
    if "\x1b[" in text:
        yield View(text, _COLOUR, 0, lambda _: "")


def _character(found: re.Match[str]) -> str:
    kind = found.lastgroup or ""
    written = found[kind]
    if kind in _HEXADECIMAL:
        return chr(int(written, 16))
    if kind == "decimal":
        return chr(int(written))
    return _SIMPLE.get(written, written) if kind == "simple" else _NAMED[written]
