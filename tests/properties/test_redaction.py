"""Secrets in texts: hidden wherever they stand and however they are encoded, in a time that is linear in the text."""

from __future__ import annotations

import html
import json
import re
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from re import _constants, _parser  # type: ignore[attr-defined]  # nothing public says what a pattern consists of
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier_operator.api import known_secrets, named_secrets, secret_shapes, text_views
from classifier_operator.api.redaction import redacted
from classifier_operator.api.text_views import decoded, squeezed
from tests.properties.bounds import bounded

LENGTH = 1_000_000
# Generous: it takes a few, and would take hours if it were quadratic.
SECONDS = 120.0
KNOWN = "kNoWn0123456789+/AB"
# Beginnings of all that is looked for, and what makes patterns go back.
PIECES = [
    *("a://", "a://a:b@", "://", "https://h/?", "https://u:", "@", "?", "token=", "token= ", 'token="', 'token=\\"'),
    *("token=&", "token=,,", "('token', '", "'token', '", "<token>", "--token a ", "password", "passwordaaaaaaaaaaaaa"),
    *("authorization:", 'authorization:="', 'authorization: a="', "cookie", "Cookie: a=b; ", "name: token, value: "),
    *(
        "key",
        "sig=",
        "token:                              ",
        "auth=",
        "credential credential=",
        "bearer ",
        "basic QUFB",
    ),
    *("bearer aaaaaaaaaaaaaaaaa ", "eyJ", "-eyJ", "eyJaaaaaaaa.aaaa.", "AKIA", "AKIAAAAAAAAAAAAAAAAA ", "hf_", "-----"),
    *(
        "-----BEGIN",
        "-----END",
        "-----BEGIN x-----",
        "\\",
        "\\u0026",
        "\\n",
        "\n",
        " ",
        "\t",
        "&",
        "&a",
        "&amp;",
        "%25",
    ),
    *("%3A%2F%2F", "%", "=", '"', "'", "a", "_", "-", ".", ":", ",", "é", KNOWN[:-1], f"{KNOWN[:-1]}\n"),
]
# Those that took longest.
SLOW = ['token=\\"', "a://a:b@", "a://"]


def _patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    for module in (known_secrets, named_secrets, secret_shapes, text_views):
        for name, value in vars(module).items():
            several = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else [value]
            yield from ((f"{module.__name__}.{name}", one) for one in several if isinstance(one, re.Pattern))


@pytest.mark.parametrize("pattern", [pytest.param(pattern, id=name) for name, pattern in _patterns()])
def test_no_pattern_goes_back_without_bounds(pattern: re.Pattern[str]) -> None:
    """A repetition without an upper bound gives nothing back that it has read (it is possessive)."""
    assert [one for one in _repetitions(_parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE)) if one] == []


def test_a_start_is_looked_for_by_a_pattern_of_bounded_width() -> None:
    starts = [named_secrets._START, secret_shapes._ADDRESS, secret_shapes._BEARER, secret_shapes._BASIC]
    starts += [secret_shapes._JWT_BEGIN, secret_shapes._ACCESS_KEY, secret_shapes._MARKED, *text_views._ENCODINGS]
    for pattern in starts:
        _, widest = _parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE).getwidth()
        assert widest < 300, pattern


def _repetitions(tree: Any) -> Iterator[str]:
    """The repetitions in a pattern that have no upper bound, and could give back what they have read."""
    for operation, arguments in tree:
        if operation in (_constants.MAX_REPEAT, _constants.MIN_REPEAT) and arguments[1] == _constants.MAXREPEAT:
            yield str(arguments)
        yield from _within(arguments)


def _within(arguments: Any) -> Iterator[str]:
    if isinstance(arguments, _parser.SubPattern):
        yield from _repetitions(arguments)
    elif isinstance(arguments, tuple | list):
        for one in arguments:
            yield from _within(one)


def seconds(text: str) -> float:
    """Seconds of the processor for a text."""
    began = time.thread_time()
    redacted(text, {KNOWN}, limit=len(text))
    return time.thread_time() - began


def long(*pieces: str) -> str:
    """A text of a million characters, of these again and again."""
    text = "".join(pieces)
    return (text * (LENGTH // len(text) + 1))[:LENGTH]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("piece", SLOW)
def test_a_megabyte_takes_seconds(piece: str) -> None:
    assert seconds(long(piece)) < SECONDS


@pytest.mark.timeout(900)
@bounded(6, steps=1)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=3))
def test_a_megabyte_of_anything_takes_seconds(pieces: list[str]) -> None:
    assert seconds(long(*pieces)) < SECONDS


@pytest.mark.timeout(900)
@bounded(4, steps=1)
@given(st.lists(st.sampled_from(PIECES), min_size=2, max_size=3))
def test_beginnings_before_a_megabyte_of_something_else_take_seconds(pieces: list[str]) -> None:
    half = LENGTH // 2
    assert seconds(long(*pieces[:-1])[:half] + long(pieces[-1])[:half]) < SECONDS


SECRETS = ["cAnArY0123456789", "cAnArY/01+23==", "cAnA'rY0123\"4567", "cAnA\\rY0123&4567;x,y z9"]
# What of a secret must not be seen.
MARKS = ("cAnA", "rY01", "/01+", "4567", "23==")


def _form(secret: str) -> str:
    return quote(secret, safe="")


def _double(secret: str) -> str:
    return json.dumps(secret)[1:-1]


def _single(secret: str) -> str:
    return secret.replace("\\", "\\\\").replace("'", "\\'")


# A text with a place for a secret, and how whoever writes such texts writes a secret there.
CONTEXTS: list[tuple[str, Callable[[str], str]]] = [
    *((text, _form) for text in ("token={}", "api_key={}&a=b", "client_secret={}&grant=x", "X-Amz-Signature={}&a=b")),
    *(
        (text, _form)
        for text in ("https://user:{}@host/x", "https://host/k?X-Amz-Signature={}&x=1", "https://h/?a=b&t={}")
    ),
    *((text, _form) for text in ("https://host/k?x=1&token={}", "--api-key={} x", "--token {} x", "API_TOKEN={}")),
    *((text, _form) for text in ("sent Bearer {}0123456789 to", "aws_secret_access_key = {}\n", "DB_PASSWORD={} next")),
    *((text, _form) for text in ("map[Authorization:[Bearer {}] X:[y]]", "\nX-Amz-Security-Token: {}\n")),
    *(
        (text, _form)
        for text in ("Cookie: session={}\r\nHost: x", "Set-Cookie: a={}; Path=/", "x-amz-security-token:{}\nx")
    ),
    *(
        (text, _form)
        for text in ("Authorization: Bearer {}\nHost: x", "Authorization: AWS4 Credential=A, Signature={}\nx")
    ),
    ("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----", _form),
    *(
        (text, _single)
        for text in ("('Authorization', 'Bearer {}')", "[(b'authorization', b'{}')]", "{{'Cookie': 'a={}'}}")
    ),
    *(
        (text, _single)
        for text in ("os.environ['API_TOKEN'] = '{}'", "['--password', '{}']", "Credentials(token='{}')")
    ),
    *(
        (text, _double)
        for text in ('{{"password": "{}"}}', '"name":"X_TOKEN","value":"{}"', '{{"Token" : "{}", "a": 1}}')
    ),
    ("<SessionToken>{}</SessionToken>", html.escape),
]
# What encodes a text that somebody else has written.
WRITERS: list[Callable[[str], str]] = [
    lambda text: text,
    lambda text: json.dumps({"message": text}),
    lambda text: json.dumps({"m": text}).replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"),
    lambda text: json.dumps(text).replace("/", "\\/"),
    lambda text: repr({"m": text}),
    lambda text: repr(text.encode()),
    html.escape,
    lambda text: quote(text, safe=""),
    quote_plus,
]


@bounded(400, steps=1)
@given(
    st.sampled_from(CONTEXTS),
    st.sampled_from(SECRETS),
    st.lists(st.sampled_from(WRITERS), max_size=2),
    st.sampled_from(["", "it said: ", "x\n", '{"a": 1} ']),
)
def test_a_secret_is_hidden_wherever_it_stands(
    context: tuple[str, Callable[[str], str]], secret: str, writers: list[Callable[[str], str]], before: str
) -> None:
    template, write = context
    text = before + template.format(write(secret))
    for writer in writers:
        text = writer(text)
    shown = redacted(text)
    assert "***" in shown
    assert [mark for mark in MARKS if mark in shown] == [], text


TEXTS = st.lists(
    st.one_of(
        st.sampled_from(PIECES),
        st.sampled_from(SECRETS),
        st.sampled_from(
            [*named_secrets._MARKS, "Authorization", "https://", "user:word@", "host/key", "?a=b", "b'", ">"]
        ),
        st.text(max_size=5),
    ),
    max_size=12,
).map("".join)


@bounded(150, steps=1)
@given(TEXTS)
def test_what_was_hidden_once_stays_as_it_is(text: str) -> None:
    """A text is hidden again by whoever shows it: a status that was written would be another one at each try."""
    once = redacted(text, {KNOWN})
    assert redacted(once, {KNOWN}) == once


@bounded(150, steps=1)
@given(TEXTS)
def test_a_rule_is_skipped_only_where_it_finds_nothing(text: str) -> None:
    lower = text.lower()
    for marks, find in secret_shapes._RULES:
        if any(begin < end for begin, end in find(text)):
            assert any(mark in lower for mark in marks)
    if named_secrets._START.search(text):
        assert any(mark in lower for mark in named_secrets._MARKS)


@bounded(150, steps=1)
@given(TEXTS)
def test_a_view_knows_where_its_characters_come_from(text: str) -> None:
    for view in decoded(text):
        places = [view.origin((at, at + 1)) for at in range(len(view.text))]
        assert places == sorted(places)
        assert all(0 <= begin < end <= len(text) for begin, end in places)
        assert all(before[1] == after[0] for before, after in pairwise(places))
    view = squeezed(text)
    for at, letter in enumerate(view.text):
        begin, end = view.origin((at, at + 1))
        assert text[begin:end] == letter
