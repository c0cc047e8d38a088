"""Conditions as kstatus reads them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.fakes import START

from classifier_operator.api import conditions
from classifier_operator.api.conditions import Condition, ConditionType, Reason, Verdict, with_verdict
from classifier_operator.api.cut import MESSAGE_LIMIT

WORKING = conditions.working(Reason.TRAINING, "it trains")
SETTLED = conditions.settled(Reason.COMPLETED, "done")
STALLED = conditions.stalled(Reason.JOB_FAILED, "failed")
SERVING = conditions.stalled(Reason.ROLLED_BACK, "rolled back", serving=True)
IDLE = conditions.idle(Reason.SUSPENDED, "suspended")
SAID = {
    "working": (WORKING, [("Ready", "False", "Training"), ("Reconciling", "True", "Training")]),
    "updating": (
        conditions.working(Reason.UPDATING, "x", is_ready=True, ready=Reason.IN_SERVICE),
        [("Ready", "True", "InService"), ("Reconciling", "True", "Updating")],
    ),
    "settled": (SETTLED, [("Ready", "True", "Completed")]),
    "stalled": (STALLED, [("Ready", "False", "JobFailed"), ("Stalled", "True", "JobFailed")]),
    "serving the previous": (SERVING, [("Ready", "True", "ServingPrevious"), ("Stalled", "True", "RolledBack")]),
    "idle": (IDLE, [("Ready", "False", "Suspended")]),
}


def said(verdict: Verdict, before: tuple[Condition, ...] = (), seconds: int = 0) -> tuple[Condition, ...]:
    return with_verdict(before, verdict, generation=2, now=START + timedelta(seconds=seconds))


@pytest.mark.parametrize(("verdict", "expected"), SAID.values(), ids=SAID.keys())
def test_each_verdict(verdict: Verdict, expected: list[tuple[str, str, str]]) -> None:
    assert [(one.type, one.status, one.reason) for one in said(verdict)] == expected
    assert {one.observed_generation for one in said(verdict)} == {2}


@pytest.mark.parametrize("verdict", [verdict for verdict, _ in SAID.values()], ids=SAID.keys())
def test_the_same_again_is_equal(verdict: Verdict) -> None:
    first = said(verdict)
    assert said(verdict, first, seconds=60) == first


def test_another_reason_does_not_move_the_transition_time() -> None:
    (before,) = said(SETTLED)
    (after,) = said(conditions.settled(Reason.IN_SERVICE, "x"), (before,), seconds=60)
    assert after.last_transition_time == before.last_transition_time


def test_a_flip_moves_the_transition_time() -> None:
    (before,) = said(SETTLED)
    after = said(STALLED, (before,), seconds=60)[0]
    assert after.last_transition_time == "2026-03-01T12:01:00Z"


@pytest.mark.parametrize(
    ("verdict", "headline"),
    [
        (WORKING, (Reason.TRAINING, "it trains")),
        (SETTLED, (Reason.COMPLETED, "done")),
        (SERVING, (Reason.ROLLED_BACK, "rolled back")),
    ],
    ids=["working", "settled", "stalled"],
)
def test_the_headline(verdict: Verdict, headline: tuple[Reason, str]) -> None:
    assert verdict.headline == headline


def test_a_message_is_cut() -> None:
    (ready,) = said(conditions.settled(Reason.COMPLETED, "x" * 40000))
    assert len(ready.message) == MESSAGE_LIMIT


def test_a_note_changes_no_reason() -> None:
    noted = conditions.with_note(said(STALLED), "and more")
    assert [(one.reason, one.message) for one in noted] == [("JobFailed", "failed; and more")] * 2
    assert conditions.with_note(noted, "and more") == noted


def test_reasons_are_words_that_kubernetes_takes() -> None:
    assert all(reason.value.isalnum() and reason.value[0].isupper() for reason in Reason)


def test_what_is_not_there_is_not_found() -> None:
    assert conditions.find(said(SETTLED), ConditionType.STALLED) is None
