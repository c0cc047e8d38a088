"""Shortens AWS's lists of allowed values: where an instance type is misspelt, AWS answers with all 228 that it has."""

from __future__ import annotations

import re
from difflib import get_close_matches

from classifier_operator.api.cut import cut

# AWS names the value, the member of the request, and all that the member may be (ValidationException).
_REFUSED = re.compile(
    r"Value '(?P<value>[^']*)' at '(?P<member>[^']*)' failed to satisfy constraint: "
    r"Member must satisfy enum value set: \[(?P<allowed>[^\]]*)\]"
)
_WHAT = {"instanceType": "instance type", "acceleratorType": "accelerator type"}
_FOR = {"CreateTrainingJob": " for training", "CreateEndpointConfig": " for endpoints"}
# What is read of a text, and of a list and a value in it: nothing longer is AWS's.
_TEXT_LIMIT = 65536
_MOST_VALUES, _LONGEST = 1000, 64
# So many of a list are shown. One that is not longer than that is shown as it is.
SHOWN = 6


def with_few_values(operation: str, message: str) -> str:
    """Return AWS's message, which says first what is wrong with a value, and names the likeliest of a long list."""
    text = cut(message, _TEXT_LIMIT)
    refused = [one for one in _REFUSED.finditer(text) if len(_allowed(one)) > SHOWN]
    if not refused:
        return message
    problems = "; ".join(_problem(operation, one) for one in refused[:SHOWN])
    return f"{problems}. AWS: {_REFUSED.sub(_shortened, text)}"


def _problem(operation: str, refused: re.Match[str]) -> str:
    value, member = refused["value"][:_LONGEST], refused["member"].rpartition(".")[2]
    what = _WHAT.get(member, f"value of {member[:_LONGEST]}")
    likely = ", ".join(_likely(refused))
    return f"{value} is no {what}{_FOR.get(operation, '')}; those that are written like it are {likely}"


def _shortened(refused: re.Match[str]) -> str:
    count = len(_allowed(refused))
    if count <= SHOWN:
        return refused[0]
    few = ", ".join(_likely(refused))
    return refused[0].replace(f"[{refused['allowed']}]", f"[{few} and {count - SHOWN} more]")


def _likely(refused: re.Match[str]) -> list[str]:
    """Return the allowed values that are written the most like the one that was refused."""
    values = [one for one in _allowed(refused)[:_MOST_VALUES] if len(one) <= _LONGEST]
    return get_close_matches(refused["value"][:_LONGEST], values, n=SHOWN, cutoff=0.0)


def _allowed(refused: re.Match[str]) -> list[str]:
    return [one.strip() for one in refused["allowed"].split(",")]
