"""Secrets that have a name in front of them: `token=…`, `"password": "…"`, `Authorization: …`, `<SecretKey>…`.

What separates a name from its value depends on who wrote the text: Python, JSON, Go, YAML, forms, query strings, XML,
headers as tuples, and options of commands are understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from classifier_operator.api.secret_shapes import CLOSING, is_user_and_password
from classifier_operator.api.text_views import Span

# What the names of secrets end with. "tokens", "tokenizer" and "secretName" do not, and are none.
_WORDS = (
    "token|secret|password|passwd|passphrase|passcode|pass|pwd|signature|sig|credential|authorization|cookies?|"
    "api[_-]?key|access[_-]?key(?:[_-]?id)?|secret[_-]?key|private[_-]?key|account[_-]?key|auth[_-]?key|"
    "signing[_-]?key|encryption[_-]?key|ssh[_-]?key|shared[_-]?key|master[_-]?key|storage[_-]?key|"
    "subscription[_-]?key|customer[_-]?key|client[_-]key[_-]data|secret[_-]?string|secret[_-]?binary|session[_-]?id|sessid|bearer|auth"
)
_SHORTEST_WORD = 3
# A text without any of them has none of the words.
_MARKS = (
    *("token", "secret", "pass", "pwd", "sig", "credential", "authorization", "cookie", "key", "sess", "bearer"),
    "auth",
)
_LONGEST_NAME = 64
_NAME = re.compile(r"[\w.-]*+")
_SEGMENTS = re.compile(r"[_.-]++|(?<=[a-z])(?=[A-Z])")
# What may follow "password" in the name of a password; where the last of these words is one of `_ABOUT`, it is none.
_MORE = r"(?<=password)[\w-]{0,32}+|(?<=passwd)[\w-]{0,32}+"
_ABOUT = re.compile(
    r"(?:file|path|dir|name|ref|arn|id|type|count|length|len|size|min|max|limit|policy|field|env|url|uri|key|date|at|"
    r"reset|required|enabled|expired|less|auth|authentication)s?\Z"
)

_QUOTE = r"[\"'`]"
# Python's and TOML's strings of several lines.
_TRIPLE = ('"""', "'''")
_BLANKS = r"[ \t+]{0,40}+"
_START = re.compile(
    rf"""
    (?:{_WORDS})(?P<more>{_MORE}|\d{{0,3}}+)
    (?:
        (?P<close>{_QUOTE})?+ \]?+ {_BLANKS}
        (?:
            (?:=>|:=|==|=|:(?!:)) {_BLANKS}
            # A block of YAML, a line break, the list around the values of a header.
            (?:[|>][+-]?+[ \t]{{0,4}}+(?=\r?\n))?+ (?:\r?\n{_BLANKS})?+ [\[(]{{0,2}}+
            # A name and a value that are values themselves: `name: API_TOKEN, value: …`, `key="password" value="…"`.
            | (?:(?:,|\r?\n){_BLANKS})?+ {_QUOTE}?+ values? {_QUOTE}?+ [ \t]{{0,40}}+ [:=] {_BLANKS}
            | (?P<pair>,){_BLANKS}
            # The head of a part of a form with files.
            | (?P<part>\r?\n\r?\n)
        )
        | (?P<tag>(?:\s{{1,4}}+[\w:.-]{{1,24}}+=(?:"[^"<>]{{0,40}}+"|'[^'<>]{{0,40}}+')){{0,2}}+>)(?:<!\[CDATA\[)?+
        | (?P<gap>[ \t+]{{1,4}}+)(?![-\s])
    )
    (?:(?:b|u|f|r|rb|br)(?=[\"']))?+ (?P<open>{"|".join(_TRIPLE)}|{_QUOTE})?+
    """,
    re.IGNORECASE | re.VERBOSE,
)
_TAG_BEGIN = re.compile(r"<(?:\w{1,32}:)?\Z")
_FORM_BEGIN = re.compile(r"\bname=[\"']\Z")
_PAIR_BEGIN = re.compile(rf"[(\[](?:b|u|rb|br)?{_QUOTE}\Z", re.IGNORECASE)
_PAIR_END = re.compile(r",? {0,2}[)\]]")

# A value without quotes. `&`, `,` and `;` end it where another name follows, a backslash where it escapes what ends it.
_ANOTHER = r"(?:\s|\Z|(?:amp;)?[\w.%-]{1,64}+(?:[=:]|%3D)|(?:quot|apos|lt|gt|\#3[49]|\#x2[27]);)"
_BACKSLASHES = r"\\++(?![\"'`nrt]|u00|x[0-9a-f])"
_WORD = re.compile(rf"(?:[^\s\"'`<>&,;\\]|[&,;](?!{_ANOTHER})|{_BACKSLASHES})*+", re.IGNORECASE)
# A header's value. What is in quotes inside it belongs to it: `Digest username="x", response="y"`.
_LINE = re.compile(
    rf"(?:(?<!\w)\w{{1,32}}+=(?:\"[^\"\r\n]*+\"|'[^'\r\n]*+')|[^\r\n\"'`\\]|{_BACKSLASHES})*+", re.IGNORECASE
)
_UNTIL_TAG = re.compile(r"[^<]*+")
_END_OF_LINE = re.compile(r"[^\r\n]*+")
# To the quote that closes the value, past those that are a part of it.
_QUOTED = {quote: re.compile(rf"(?:[^{quote}\\]|\\.)*+", re.DOTALL) for quote in "\"'`"}
# What a quote closes rather than opens is the string that the name ends: `{"message": "no token=", "code": 1}`.
_CLOSED = re.compile(rf"[,}}\]:](?:[\s}}\])]|\Z|{_QUOTE})|\Z")

_NOTHING = frozenset({"null", "none", "nil", "true", "false", "undefined", "yes", "no", "{", "["})
# Tokens that mark places in a text that is learned from.
_SPECIAL_TOKENS = frozenset({"pad", "eos", "bos", "unk", "mask", "sep", "cls"})
_COUNT = re.compile(r"\d{1,5}\Z")
_CALL = re.compile(r"[A-Za-z_][\w.]*+[(\[]\Z")
_QUOTES = re.compile(_QUOTE)
_NEXT_WORD = re.compile(r" [a-z]")
_LETTERS = re.compile(r"[A-Za-z]{1,15}[,.;]?\Z")
_SIGNATURE = re.compile(r"[\w+/=%.~-]{16}")
_BASE64 = re.compile(r"[\w+/=-]{16,}+\Z")


class _Kind(Enum):
    """How far a value goes, and what it has to be like to be a secret."""

    # To the end of the line, as a header's.
    LINE = 1
    # A word, whatever it is like.
    PASSWORD = 2
    # A word, but neither a count nor the beginning of a sentence.
    TOKEN = 3
    # A long word.
    SIGNATURE = 4
    # A long word, or the base64 of a user and a password.
    BASE64 = 5


class _Name(NamedTuple):
    text: str
    begin: int
    kind: _Kind


def named_spans(text: str) -> Iterator[Span]:
    """Where the value of a secret's name is."""
    lower = text.lower()
    if not any(mark in lower for mark in _MARKS):
        return
    at = 0
    while (found := _START.search(text, at)) is not None:
        name = _name(text, found)
        if name is None or not _is_separated(text, found, name):
            # Nothing was read behind the start; another one may begin in the middle of it.
            at = found.start() + _SHORTEST_WORD
            continue
        end, at = _end(text, found, name.kind)
        if found["open"] is None and (_is_code(text, found.end(), at) or _is_prose(text, found.end(), at, name.kind)):
            continue
        is_whole = found["pair"] is None or name.text.startswith("--") or _PAIR_END.match(text, at) is not None
        if is_whole and _is_secret(text[found.end() : end], name):
            yield found.end(), end


def _name(text: str, found: re.Match[str]) -> _Name | None:
    """The secret's name; None if it is none."""
    first = max(found.start() - _LONGEST_NAME, 0)
    begin = found.start() - _reach(_NAME, text[first : found.start()][::-1], 0)
    name = text[begin : found.end("more")]
    kind = _kind(name)
    return _Name(name, begin, kind) if kind is not None else None


def _kind(name: str) -> _Kind | None:
    """What a name's value must be like; None if it is no secret's name."""
    segments = [one.lower() for one in _SEGMENTS.split(name.rstrip("0123456789_-.")) if one]
    plain = "".join(segments)
    last, before = segments[-1], segments[-2] if len(segments) > 1 else ""
    if plain.endswith(("authorization", "cookie", "cookies")):
        return _Kind.LINE
    if plain.endswith("token"):
        return None if before in _SPECIAL_TOKENS else _Kind.TOKEN
    if plain.endswith(("signature", "credential", "bearer")) or last == "sig":
        return _Kind.SIGNATURE
    if plain.endswith("auth"):
        return _Kind.BASE64
    if plain.endswith("pass"):
        return _Kind.TOKEN if last == "pass" else None
    if plain.endswith("sig") or (("password" in plain or "passwd" in plain) and _ABOUT.match(last)):
        return None
    return _Kind.PASSWORD


def _is_separated(text: str, found: re.Match[str], name: _Name) -> bool:
    """Whether what stands between the name and the value is what separates such a name from its value."""
    before = text[max(name.begin - _LONGEST_NAME, 0) : name.begin]
    if found["gap"] is not None:
        return name.text.startswith("--")
    if found["tag"] is not None:
        return _TAG_BEGIN.search(before) is not None
    if found["part"] is not None:
        return found["close"] is not None and _FORM_BEGIN.search(before) is not None
    if found["pair"] is not None:
        is_pair = name.text.startswith("--") or _PAIR_BEGIN.search(before) is not None
        return is_pair and found["close"] is not None and found["open"] is not None
    # An ARN has the kind of what it names in it: `arn:aws:secretsmanager:us-east-1:123456789012:secret:name`.
    return not (before.endswith(":") and "arn:" in before)


def _end(text: str, found: re.Match[str], kind: _Kind) -> tuple[int, int]:
    """Where the value ends, and where to go on."""
    begin = found.end()
    if found["open"] is not None:
        return (begin, begin) if _CLOSED.match(text, begin) else _end_of_quoted(text, begin, found["open"])
    pattern = _UNTIL_TAG if found["tag"] is not None else _LINE if kind is _Kind.LINE else _WORD
    end = _reach(pattern, text, begin)
    return begin + len(text[begin:end].rstrip(CLOSING)), end


def _end_of_quoted(text: str, begin: int, quote: str) -> tuple[int, int]:
    """Where the quotes are closed; without an end the value goes on to the end of the line.

    A text in which no such quote follows is read to its end for it, but only once: whatever begins with such a quote
    later on would have been that end.
    """
    end = text.find(quote, begin) if quote in _TRIPLE else _reach(_QUOTED[quote], text, begin)
    if end >= 0 and text.startswith(quote, end):
        return end, end + len(quote)
    end = _reach(_END_OF_LINE, text, begin)
    return end, end


def _reach(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found is not None else at


def _is_code(text: str, begin: int, end: int) -> bool:
    """Whether this is a line of a traceback, as in `token = page["token"]`."""
    return _CALL.match(text, begin, end) is not None and _QUOTES.match(text, end) is not None


def _is_prose(text: str, begin: int, end: int, kind: _Kind) -> bool:
    """Whether a sentence goes on behind the name, as in "ExpiredToken: The token is expired"."""
    if text[begin - 1] not in " \t" or _LETTERS.match(text, begin, end) is None:
        return False
    return kind is _Kind.TOKEN or _NEXT_WORD.match(text, end) is not None


def _is_secret(value: str, name: _Name) -> bool:
    """Whether a value of such a name is a secret, rather than a word or a number about one."""
    lower = value.strip().lower()
    if not lower or lower in _NOTHING:
        return False
    if name.kind is _Kind.TOKEN:
        return _COUNT.match(value) is None
    if name.kind is _Kind.SIGNATURE:
        # "signature: serving_default(x)" is one of a function.
        return _SIGNATURE.search(value) is not None and any(letter.isdigit() for letter in value)
    if name.kind is _Kind.BASE64:
        return _BASE64.match(value) is not None or is_user_and_password(value)
    return not lower.startswith("/" if name.text.lower().endswith("pwd") else "arn:aws")
