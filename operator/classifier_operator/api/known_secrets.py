"""Secrets that are known by value."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator

from classifier_operator.api.text_views import Span, squeezed

# Shorter ones are words and numbers: hiding those would make texts unreadable, and keep nothing secret.
SHORTEST = 8


def forms_of(known: Iterable[str]) -> frozenset[str]:
    """What to look for: each value as it is, as forms and latin-1 have it, and in base64."""
    forms: set[str] = set()
    for secret in known:
        if len(secret) >= SHORTEST:
            data = secret.encode(errors="surrogateescape")
            forms |= {secret, secret.replace(" ", "+"), data.decode("latin-1"), b64encode(data).decode().rstrip("=")}
    return frozenset(forms)


def known_spans(text: str, forms: frozenset[str]) -> Iterator[Span]:
    """Where one of these is written, also when a line break was put into it."""
    for form in forms:
        yield from _occurrences(text, form)
    if forms and "\n" in text:
        view = squeezed(text)
        for form in forms:
            wanted = squeezed(form).text
            if len(wanted) >= SHORTEST:
                yield from map(view.origin, _occurrences(view.text, wanted))


def _occurrences(text: str, form: str) -> Iterator[Span]:
    at = text.find(form)
    while at >= 0:
        yield at, at + len(form)
        at = text.find(form, at + len(form))
