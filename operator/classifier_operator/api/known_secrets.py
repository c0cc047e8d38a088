"""Secrets that are known by value."""

from __future__ import annotations

from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache

from classifier_operator.api.text_views import Span, squeezed

# Shorter ones are words and numbers: hiding those would make texts unreadable, and keep nothing secret.
SHORTEST = 8
# So many are looked for one by one. More of them, such as the sessions of hundreds of roles, are found by their
# beginnings, at each place of the text.
_FEW = 150


class KnownSecrets:
    """Finds each value as it is, as forms and latin-1 have it, and in base64; also where a line break is in it."""

    def __init__(self, known: Iterable[str]) -> None:
        forms = frozenset(form for secret in known if len(secret) >= SHORTEST for form in _forms(secret))
        self._forms = _Strings(forms)
        self._squeezed = _Strings(one for form in forms if len(one := squeezed(form).text) >= SHORTEST)

    def spans(self, text: str) -> Iterator[Span]:
        """Where one of them is written."""
        yield from self._forms.occurrences(text)
        if self._squeezed and "\n" in text:
            view = squeezed(text)
            yield from map(view.origin, self._squeezed.occurrences(view.text))


@lru_cache(maxsize=8)
def finder_of(known: frozenset[str]) -> KnownSecrets:
    """What finds these; they are the same for many texts."""
    return KnownSecrets(known)


def _forms(secret: str) -> frozenset[str]:
    data = secret.encode(errors="surrogateescape")
    return frozenset({secret, secret.replace(" ", "+"), data.decode("latin-1"), b64encode(data).decode().rstrip("=")})


class _Strings:
    """Strings of at least SHORTEST characters that are looked for in texts."""

    def __init__(self, strings: Iterable[str]) -> None:
        self._all = frozenset(strings)
        self._by_beginning: defaultdict[str, list[str]] = defaultdict(list)
        for one in self._all:
            self._by_beginning[one[:SHORTEST]].append(one)

    def __bool__(self) -> bool:
        return bool(self._all)

    def occurrences(self, text: str) -> Iterator[Span]:
        """Where they are."""
        if len(self._all) <= _FEW:
            for one in self._all:
                at = text.find(one)
                while at >= 0:
                    yield at, at + len(one)
                    at = text.find(one, at + len(one))
            return
        for at in range(len(text) - SHORTEST + 1):
            for one in self._by_beginning.get(text[at : at + SHORTEST], ()):
                if text.startswith(one, at):
                    yield at, at + len(one)
