"""Owns how an image looks in a terminal: half blocks, two pixels to a character, in shades or in black and white."""

from __future__ import annotations

import io
from typing import Final

from PIL import Image
from rich.style import Style
from rich.text import Text

_HALF_BLOCKS: Final = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
_BRIGHT: Final = 112


def draw(image: bytes, *, has_colour: bool, size: int = 12) -> Text:
    """The image, `size` characters wide and half as many high."""
    with Image.open(io.BytesIO(image)) as opened:
        pixels = opened.convert("L").resize((size, size), Image.Resampling.BOX)
    rows = [list(pixels.crop((0, row, size, row + 1)).tobytes()) for row in range(size)]
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return Text("\n").join(_line(upper, lower, has_colour) for upper, lower in pairs)


def _line(upper: list[int], lower: list[int], has_colour: bool) -> Text:
    if has_colour:
        return Text.assemble(*(("▀", _shades(*pair)) for pair in zip(upper, lower, strict=True)))
    return Text("".join(_HALF_BLOCKS[up > _BRIGHT, low > _BRIGHT] for up, low in zip(upper, lower, strict=True)))


def _shades(upper: int, lower: int) -> Style:
    return Style(color=f"rgb({upper},{upper},{upper})", bgcolor=f"rgb({lower},{lower},{lower})")
