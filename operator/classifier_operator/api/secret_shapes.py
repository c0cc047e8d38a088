"""Secrets that are known by their form: addresses with passwords or signatures, PEM blocks, tokens, access keys."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterator

from classifier_operator.api.text_views import Span

BEGIN = r"(?<![a-zA-Z0-9])"
# What may close the sentence or the bracket around a value, and is no loss when it is shown.
CLOSING = ")]}.,;:!?"

_ADDRESS = re.compile("://")
_REST = re.compile(r"(?:[^\s\"'`<>\\&]|&(?!(?:quot|apos|lt|gt|#3[49]|#x2[27]);))*+")
_SCHEME = re.compile(r"[\w+.-]*+")
_LONGEST_SCHEME = 32
_END_OF_AUTHORITY = re.compile(r"[/?#]")
_PORT = re.compile(r":\d{1,5}\Z")
_HOST_WITH_DOT = re.compile(r"@[\w-]{1,63}\.\w")

_BEARER = re.compile(rf"{BEGIN}bearer[ \t+]{{1,4}}", re.IGNORECASE)
_BASIC = re.compile(rf"{BEGIN}basic[ \t+]{{1,4}}", re.IGNORECASE)
_TOKEN_CHARACTERS = re.compile(r"[\w.~+/=%-]*+")
_SHORTEST_BEARER = 16
_JWT_BEGIN = re.compile(rf"{BEGIN}eyJ")
_JWT_CHARACTERS = re.compile(r"[\w.-]*+")
# One that is encrypted without a key of its own (JWE, `dir`) has nothing between its first two dots.
_JWT = re.compile(r"[\w-]{7,}+\.(?:[\w-]{4,}+)?\.")
_ACCESS_KEY = re.compile(rf"{BEGIN}(?:AKIA|ASIA)")
_ACCESS_KEY_REST = re.compile(r"\w*+")
_CAPITALS = re.compile(r"[A-Z0-9]{12,}+\Z")
# Tokens that their issuers have marked: GitHub, GitLab, Slack, Hugging Face, Google, npm, OpenAI, Stripe, Vault, PyPI,
# Databricks.
_MARKED = re.compile(
    rf"{BEGIN}(?:gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|hf_|AIza|ya29\.|npm_|sk-(?:proj-|ant-)?|[rs]k_(?:live|test)_|"
    r"hv[bs]\.|pypi-|dapi)"
)
_MARKED_REST = re.compile(r"[\w-]*+")
_RANDOM = re.compile(r"[A-Za-z0-9]{16}")
# A user and a password as curl takes them; of `docker run -u 1000:1000` both are numbers.
_USER = re.compile(r"(?<![\w-])(?:-u|--user|--proxy-user)(?:[ =]|['\"],{1}[ ]?)['\"]?[\w.@-]{1,64}:")
_PASSWORD = re.compile(r"[^\s\"'`]*+")
_PEM_BEGIN, _PEM_END, _PEM_DASHES = "-----BEGIN", "-----END", "-----"
_PEM_LABEL = 64
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\\ \t\r\n"


def shape_spans(text: str) -> Iterator[Span]:
    """Where something has the form of a secret. A text without any of a rule's marks has nothing for the rule."""
    lower = text.lower()
    for marks, find in _RULES:
        if any(mark in lower for mark in marks):
            yield from find(text)


def _addresses(text: str) -> Iterator[Span]:
    """Users and passwords before hosts, and queries: what signs an address has another name everywhere."""
    at = 0
    while (start := _ADDRESS.search(text, at)) is not None:
        at = _rest(text, start.end())
        # An address in the path of another one is an address, too. Its query is a part of the outer one.
        parts = [start, *_ADDRESS.finditer(text, start.end(), at)]
        for part, following in zip(parts, [*parts[1:], None], strict=True):
            end = following.start() if following is not None else at
            host = _end_of_user(text, part.end(), end)
            yield part.end(), host
            query = text.find("?", host, end)
            if query >= 0 and _scheme(text, part.start()) != "s3":
                yield _trimmed(text, query + 1, at)
                break


def _rest(text: str, at: int) -> int:
    found = _REST.match(text, at)
    return found.end() if found is not None else at


def _scheme(text: str, end: int) -> str:
    """The word before `://`."""
    found = _SCHEME.match(text[max(end - _LONGEST_SCHEME, 0) : end][::-1])
    return found[0][::-1].lower() if found is not None else ""


def _end_of_user(text: str, begin: int, end: int) -> int:
    """Where the user and the password end that stand before the host; the beginning, if there are none.

    A password may have any of `/?#@` in it although it should not, and a path may have an `@`. So what ends at the
    first of `/?#` is a password where it cannot be a port, or where a host follows later that has a dot in it.
    """
    last = text.rfind("@", begin, end)
    if last < 0:
        return begin
    slash = _END_OF_AUTHORITY.search(text, begin, end)
    authority = text[begin : slash.start() if slash is not None else end]
    before_slash = begin + authority.rfind("@") if "@" in authority else begin
    if ":" not in authority or authority.startswith("["):
        return before_slash
    if before_slash == begin and _PORT.search(authority) is None:
        return last
    query = text.find("?", begin, end)
    last = text.rfind("@", begin, query if query >= 0 else end)
    return last if last > before_slash and _HOST_WITH_DOT.match(text, last, end) is not None else before_slash


def _trimmed(text: str, begin: int, end: int) -> Span:
    """The span without what closes the sentence or the bracket around it."""
    kept = len(text[begin:end].rstrip(CLOSING))
    return begin, begin + kept if kept else end


def _keys(text: str) -> Iterator[Span]:
    """What stands between the two lines of a PEM block, also where one of them was cut off."""
    first = text.find(_PEM_BEGIN)
    lonely = text.find(_PEM_END, 0, first if first >= 0 else len(text))
    if lonely > 0:
        yield len(text[:lonely].rstrip(_BASE64)), lonely
    while first >= 0:
        begin = first + len(_PEM_BEGIN)
        dashes = text.find(_PEM_DASHES, begin, begin + _PEM_LABEL)
        end = begin
        if dashes >= 0:
            begin = dashes + len(_PEM_DASHES)
            end = text.find(_PEM_END, begin)
            end = end if end >= 0 else len(text)
            yield begin, end
        first = text.find(_PEM_BEGIN, end)


def _after(
    start: re.Pattern[str], rest: re.Pattern[str], is_secret: Callable[[str], bool]
) -> Callable[..., Iterator[Span]]:
    """A rule: what `rest` finds behind `start` is hidden if it is a secret."""

    def find(text: str) -> Iterator[Span]:
        at = 0
        while (found := start.search(text, at)) is not None:
            value = rest.match(text, found.end())
            at = value.end() if value is not None else found.end()
            if is_secret(text[found.end() : at]):
                yield found.end(), at

    return find


def _jwts(text: str) -> Iterator[Span]:
    at = 0
    while (found := _JWT_BEGIN.search(text, at)) is not None:
        value = _JWT_CHARACTERS.match(text, found.start())
        at = value.end() if value is not None else found.end()
        if _JWT.match(text, found.start(), at) is not None:
            yield _trimmed(text, found.start(), at)


def is_user_and_password(value: str) -> bool:
    """Whether this is the base64 of `user:password`; "basic authentication" is not."""
    letters = value.rstrip(CLOSING).rstrip("=")
    try:
        decoded = b64decode(letters + "=" * (-len(letters) % 4), validate=True).decode()
    except ValueError:
        return False
    return ":" in decoded and decoded.isprintable()


def _is_marked_token(value: str) -> bool:
    """Whether there is a long run of letters and digits in it: "hf_transformers_of_2024" has none."""
    return _RANDOM.search(value) is not None and any(letter.isdigit() for letter in value)


def _is_access_key(value: str) -> bool:
    return _CAPITALS.match(value) is not None


_RULES: tuple[tuple[tuple[str, ...], Callable[[str], Iterator[Span]]], ...] = (
    (("://",), _addresses),
    (("-----",), _keys),
    (("bearer",), _after(_BEARER, _TOKEN_CHARACTERS, lambda value: len(value) >= _SHORTEST_BEARER)),
    (("basic",), _after(_BASIC, _TOKEN_CHARACTERS, is_user_and_password)),
    (("-u", "user"), _after(_USER, _PASSWORD, lambda value: not value.isdigit())),
    (("eyj",), _jwts),
    (("akia", "asia"), _after(_ACCESS_KEY, _ACCESS_KEY_REST, _is_access_key)),
    (
        (
            "gh",
            "glpat-",
            "xox",
            "hf_",
            "aiza",
            "ya29.",
            "npm_",
            "sk-",
            "k_live_",
            "k_test_",
            "hvb.",
            "hvs.",
            "pypi-",
            "dapi",
        ),
        _after(_MARKED, _MARKED_REST, _is_marked_token),
    ),
)
