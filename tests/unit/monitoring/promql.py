"""As much of PromQL as tells which metrics and labels a query asks for; what it does not know, it refuses."""

from __future__ import annotations

import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>"(?:[^"\\]|\\.)*")
  | (?P<duration>\d+(?:ms|[smhdwy])|\$__rate_interval)
  | (?P<number>\d+(?:\.\d+)?)
  | (?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)
  | (?P<sign>=~|!~|!=|==|>=|<=|[-+*/%^=<>(){}\[\],])
    )""",
    re.VERBOSE,
)
_FUNCTIONS = {
    *("absent", "rate", "increase", "histogram_quantile", "time", "vector"),
    *("sum", "max", "min", "avg", "count"),
}
_AGGREGATIONS = {"sum", "max", "min", "avg", "count"}
_LISTS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_OPERATORS = {"and", "or", "unless", "bool"}
_PAIRS = {"(": ")", "{": "}", "[": "]"}


class Token(NamedTuple):
    """One word of a query."""

    kind: str
    text: str


class Matcher(NamedTuple):
    """One condition on a label."""

    label: str
    sign: str
    value: str

    @property
    def alternatives(self) -> list[str]:
        """The values that it speaks of."""
        return self.value.split("|") if "~" in self.sign else [self.value]


class Query(NamedTuple):
    """The metrics of a query with their matchers, and the labels that it groups or joins by."""

    metrics: list[tuple[str, list[Matcher]]]
    grouped_by: set[str]


def parse(text: str) -> Query:
    """What a query asks for."""
    tokens = _tokens(text)
    _check_pairs(tokens, text)
    metrics: list[tuple[str, list[Matcher]]] = []
    grouped: set[str] = set()
    at = 0
    while at < len(tokens):
        token, follower = tokens[at], tokens[at + 1].text if at + 1 < len(tokens) else ""
        if token.kind == "name" and token.text in _LISTS:
            end = _end(tokens, at + 1, ")")
            grouped |= {one.text for one in tokens[at + 2 : end] if one.text != ","}
            at = end
        elif token.kind == "name" and token.text in _FUNCTIONS:
            assert follower == "(" or (token.text in _AGGREGATIONS and follower in _LISTS), f"{token.text} in {text}"
        elif token.kind == "name" and token.text not in _OPERATORS:
            assert follower != "(", f"unknown function {token.text} in {text}"
            end = _end(tokens, at + 1, "}") if follower == "{" else at
            metrics.append((token.text, _matchers(tokens[at + 2 : end])))
            at = end
        at += 1
    assert metrics, f"{text} asks for nothing"
    return Query(metrics, grouped)


def _tokens(text: str) -> list[Token]:
    tokens, at, text = [], 0, text.strip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        assert found is not None, f"{text[at:]!r} is not understood in {text}"
        tokens.append(Token(str(found.lastgroup), found[str(found.lastgroup)]))
        at = found.end()
    return tokens


def _check_pairs(tokens: list[Token], text: str) -> None:
    expected: list[str] = []
    for token in tokens:
        if token.kind == "sign" and token.text in _PAIRS:
            expected.append(_PAIRS[token.text])
        elif token.kind == "sign" and token.text in _PAIRS.values():
            assert expected, f"{token.text} closes nothing in {text}"
            assert expected.pop() == token.text, f"{token.text} closes something else in {text}"
    assert not expected, f"{expected} is missing in {text}"


def _end(tokens: list[Token], start: int, sign: str) -> int:
    return next(at for at in range(start, len(tokens)) if tokens[at].text == sign)


def _matchers(tokens: list[Token]) -> list[Matcher]:
    matchers = []
    for at in range(0, len(tokens), 4):
        label, sign, value, *comma = tokens[at : at + 4]
        assert (label.kind, value.kind) == ("name", "string"), f"{label} {sign} {value}"
        assert not comma or comma[0].text == ","
        matchers.append(Matcher(label.text, sign.text, value.text[1:-1]))
    return matchers
