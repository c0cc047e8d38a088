"""The tables of reasons and of AWS's refusals, from the code that acts on them."""

from __future__ import annotations

from collections.abc import Iterable

from classifier_operator.api.kinds import Kind
from classifier_operator.api.meanings import MEANINGS, Course
from classifier_operator.sagemaker.refusal_table import RULES
from classifier_operator.sagemaker.refusals import RefusalKind, Remedy

_COURSES = {
    Course.ACTS: "goes on by itself",
    Course.WAITS: "waits, and asks again",
    Course.DONE: "done",
    Course.STOPS: "stops",
}
_REMEDIES = {
    Remedy.RETRY: "tried again soon",
    Remedy.WAIT: "waited for",
    Remedy.STOP: "not repeated",
    Remedy.SELDOM: "tried again after hours",
}
_SHORT = {Kind.TRAINING: "training", Kind.ENDPOINT: "endpoint"}


def reasons() -> str:
    """What each reason means and what to do, as a table."""
    rows = ["| reason | of | then | what has happened | what to do |", "|---|---|---|---|---|"]
    for reason, meaning in MEANINGS.items():
        kinds = ", ".join(_SHORT[kind] for kind in meaning.kinds)
        cells = (f"`{reason}`", kinds, _COURSES[meaning.course], meaning.text, meaning.advice)
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def refusals() -> str:
    """The rules by which a refusal is read, in their order, as a table."""
    rows = [
        "| meaning | then | code | operation | and the message contains |",
        "|---|---|---|---|---|",
        *(
            _row(rule.kind, _listed(sorted(rule.codes)), _listed(rule.operations), _listed(map(str, rule.words)))
            for rule in RULES
        ),
        _row(RefusalKind.UNAVAILABLE, "any other, with an HTTP status of 500 or more", "", ""),
        _row(RefusalKind.UNKNOWN, "any other", "", ""),
    ]
    return "\n".join(rows)


def _row(kind: RefusalKind, codes: str, operations: str, words: str) -> str:
    return f"| `{kind}` | {_REMEDIES[kind.remedy]} | {codes or 'any'} | {operations or 'any'} | {words or 'anything'} |"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)
