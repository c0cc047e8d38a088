"""Texts without the secrets in them: all that is shown, and was written by somebody else, goes through here.

AWS's refusal of a signature repeats what was to be signed, the session's token included; an error of an HTTP library
repeats an address with a password or a signature in it; a job's failure repeats what its image has printed.

Rules find secrets in the text, as it is and decoded; one function hides them. The time is linear in the length of the
text, whatever is in it, because each rule is built like this:

1. A start is found by a pattern of bounded width: the names of secrets, `://`, `-----BEGIN`.
2. The end of the secret is found by one possessive repetition, or by `str.find`, from the start on.
3. The search goes on behind that end. So no character is read more often than a constant number of times.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from classifier_operator.api.known_secrets import KnownSecrets, finder_of
from classifier_operator.api.named_secrets import named_spans
from classifier_operator.api.secret_shapes import shape_spans
from classifier_operator.api.text_views import Span, decoded, uncoloured

HIDDEN = "***"
# Characters of a text that are read: 0.1 s of work, or 0.5 s for a text that is made to cost time.
LONGEST = 64 * 1024
# A text that is cut may end in the middle of a secret, which is then not recognised: so much of its end is left out.
# Session tokens of AWS and tokens of service accounts have one to two thousand characters.
OVERLAP = 4096
_ROUNDS = 4
# The fields of a status that may repeat what somebody else has written.
_SENTENCES = frozenset({"message", "reason", "failureReason"})


def redacted(text: str, known: Iterable[str] = (), *, limit: int = LONGEST) -> str:
    """The text without these values, however they are written in it, and without what has the form of a secret.

    Of a longer text at most `limit` characters (more than OVERLAP) are read and shown.
    """
    if len(text) > limit:
        kept = _redacted(text[:limit], finder_of(frozenset(known)))[:-OVERLAP]
        return f"{kept} ... ({len(text) - limit + OVERLAP} characters left out)"
    return _redacted(text, finder_of(frozenset(known)))


def _redacted(text: str, secrets: KnownSecrets) -> str:
    # Again, as a mark in place of a secret may make what is around it look like one: what was hidden once stays so.
    for _ in range(_ROUNDS):
        hidden = _hidden(text, sorted(_spans(text, secrets)))
        if hidden == text:
            break
        text = hidden
    return text


def is_hidden_by_name(name: str, value: str) -> bool:
    """Tell a value that is a secret by its name, whatever it looks like; of at most LONGEST characters or so."""
    # Read to its end, as a value without one is none; the value is bounded by whoever has it.
    name = name[:LONGEST]
    given = f"{name}={json.dumps(value)}"
    return bool(name) and redacted(given, limit=len(given)) == f'{name}="{HIDDEN}"'


def status_redacted(status: Mapping[str, Any]) -> dict[str, Any]:
    """A status whose sentences are redacted; names, addresses and numbers in it stay as they are."""
    return {name: _value_redacted(name, value) for name, value in status.items()}


def _value_redacted(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return redacted(value) if name in _SENTENCES else value
    if isinstance(value, Mapping):
        return status_redacted(value)
    if isinstance(value, list | tuple):
        return [_value_redacted(name, one) for one in value]
    return value


def _spans(text: str, known: KnownSecrets) -> Iterator[Span]:
    yield from _found(text, known)
    for view in (*uncoloured(text), *decoded(text)):
        yield from map(view.origin, _found(view.text, known))


def _found(text: str, known: KnownSecrets) -> Iterator[Span]:
    """Where there are secrets in a text; the places may overlap."""
    for spans in (known.spans(text), named_spans(text), shape_spans(text)):
        yield from ((begin, end) for begin, end in spans if begin < end)


def _hidden(text: str, spans: Iterable[Span]) -> str:
    """The text with one mark for each run of spans that overlap or touch."""
    pieces: list[str] = []
    at = 0
    for begin, end in spans:
        if begin > at or not pieces:
            pieces += [text[at:begin], HIDDEN]
        at = max(at, end)
    return "".join([*pieces, text[at:]]) if pieces else text
