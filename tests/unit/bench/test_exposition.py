"""An operator that does not answer is no flat one."""

from __future__ import annotations

from itertools import chain, repeat

import pytest
from bench.scale.exposition import PATIENCE_SECONDS, UnansweredError, scraped, unforeseen_errors
from tests.apiserver.operator_process import value_of

TEXT = """# HELP classifier_operator_tasks Tasks
classifier_operator_tasks 57.0
classifier_operator_passes_total{kind="ctrain",result="ok"} 900
classifier_operator_passes_total{kind="ctrain",result="error"} 2
classifier_operator_passes_total{kind="cep",result="error"} 1
"""


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def passes(self, seconds: float) -> None:
        self.now += seconds


def asked(*answers: str) -> tuple[str, float]:
    """What is taken of these answers, the last of which is given for ever, and the seconds that it took."""
    time, left = Time(), chain(answers, repeat(answers[-1]))
    return scraped(lambda: next(left), now=lambda: time.now, sleep=time.passes), time.now


def test_an_answer_is_taken_at_once() -> None:
    assert asked(TEXT) == (TEXT, 0)


def test_an_operator_that_is_late_is_asked_again() -> None:
    text, seconds = asked("", "", TEXT)
    assert text == TEXT
    assert 0 < seconds < PATIENCE_SECONDS


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("", "answered nothing for 15 s"),
        ("classifier_operator_up 1", "24 characters without classifier_operator_tasks"),
    ],
)
def test_one_that_tells_no_tasks_does_not_answer(answer: str, words: str) -> None:
    with pytest.raises(UnansweredError, match=words):
        asked(answer)


def test_what_is_read() -> None:
    assert value_of(TEXT, "tasks") == 57
    assert value_of(TEXT, "threads") is None
    assert unforeseen_errors(TEXT) == 3
    assert unforeseen_errors("") == 0
