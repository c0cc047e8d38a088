"""Phrases of AWS's that have a gap: a name, a number or a region in the middle of what is said always.

They are looked for in AWS's own words, in small letters, with `""` and `*` in place of names (words.py). Each pattern
is bounded, so that no text makes it slow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Phrase:
    """What AWS says, with gaps; `reads` is how it is shown."""

    reads: str
    pattern: re.Pattern[str]

    def __str__(self) -> str:
        return self.reads


def says(words: str, one: str | Phrase) -> bool:
    """Whether AWS's words contain it."""
    return one in words if isinstance(one, str) else one.pattern.search(words) is not None


_REGION = (
    r"(?:the |this |your )?(?:aws |current |selected )?"
    r"(?:region\b|[a-z]{2,4}(?:-[a-z]{1,12}){1,3}-[0-9]{1,2}\b|[a-z]{2,12}(?: [a-z]{2,12})? \([a-z. ]{2,20}\) region\b)"
)
_NOT_THERE = r"\bnot (?:currently )?(?:available|supported|offered) in " + _REGION
_ACCELERATOR = r"(?:\baccelerator|elastic inference|\bml\.eia)"

# "The requested resource endpoint/ml.p2.xlarge is not available in us-west-1". What says "capacity" is about today.
NOT_IN_REGION = Phrase("not available in … (a region)", re.compile(r"\A(?![\s\S]*capacity)[\s\S]*" + _NOT_THERE))
ACCELERATOR_NOT_IN_REGION = Phrase(
    "an accelerator … not available in … (a region)",
    re.compile(_ACCELERATOR + r"(?![^\n]{0,80}capacity)[^\n]{0,80}?" + _NOT_THERE),
)
# "service limit 'ml.eia2.medium for endpoint usage' is 2 Instances": a limit above 0 is one that may be raised.
ACCELERATOR_QUOTA = Phrase(
    "limit … (of an accelerator) … is … (above 0)",
    re.compile(r"\b(?:limit|quota)\b[^\n]{0,60}?" + _ACCELERATOR + r"[^\n]{0,80}? is [1-9]"),
)
# "We currently do not have sufficient ml.g5.xlarge capacity in the Availability Zone you requested"
NO_CAPACITY = Phrase(
    "do not have sufficient … capacity",
    re.compile(r"\bdo(?:es)? not (?:currently )?have (?:sufficient|enough) (?:\S{1,80} ){0,3}capacity\b"),
)
# "The S3 bucket 'b' does not exist", "The image '…' does not exist."
DOES_NOT_EXIST = Phrase(
    "bucket, image or repository … does not exist",
    re.compile(r"\b(?:bucket|image|repository)(?: named)?(?: \S{1,300})? (?:does not exist|(?:was )?not found)\b"),
)
NO_ROLE = Phrase("role … does not exist", re.compile(r"\brole(?: \S{1,300})? does not exist\b"))
