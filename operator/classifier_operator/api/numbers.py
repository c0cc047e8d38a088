"""Numbers that people may write with or without quotes, as text."""

from __future__ import annotations

from decimal import Decimal

# Go and JavaScript write smaller numbers with an exponent.
_SMALLEST_PLAIN = 1e-6


def number_text(value: float) -> str:
    """A number as JSON writes it: the fewest digits that say it, with an exponent only below 0.000001."""
    if not value:
        return "0"
    if abs(value) < _SMALLEST_PLAIN:
        mantissa, exponent = repr(value).split("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{Decimal(repr(value)):f}".removesuffix(".0")
