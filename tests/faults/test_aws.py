"""AWS is away, loses its answers, or has no time."""

from __future__ import annotations

import time
from collections import Counter
from typing import Literal

import pytest

from classifier_operator.api.conditions import Reason
from tests.apiserver.servers import SPEED
from tests.apiserver.world import until
from tests.faults.sizes import SIZE, TIMEOUT
from tests.faults.stage import Stage

pytestmark = pytest.mark.timeout(TIMEOUT)
SECONDS = SIZE.outage_seconds / SIZE.outage_speed + 60


@pytest.mark.parametrize("kind", ["error", "unavailable", "reset"])
def test_away(stage: Stage, kind: Literal["error", "unavailable", "reset"]) -> None:
    aws = stage.world.aws
    with stage.stirred() as stir:
        stir.go_on()
        aws.set_speed(SIZE.outage_speed)
        back = aws.now() + SIZE.outage_seconds
        aws.outage(kind)
        until(lambda: aws.now() >= back, "the outage to end", SECONDS)
        aws.outage("")
        aws.set_speed(SPEED)
        stir.go_on()
    stage.audit()


@pytest.mark.parametrize("reset", [False, True], ids=["500", "cut connections"])
def test_answers_are_lost_after_calls_took_effect(stage: Stage, reset: bool) -> None:
    aws = stage.world.aws
    with stage.stirred() as stir:
        stir.go_on()
        aws.set_speed(SIZE.outage_speed)
        back, before = aws.now() + SIZE.outage_seconds, len(_lost(stage))
        # Those that are refused by their state's own making are refused still: what was planned first goes first.
        aws.fail_next("*", None, when="after", reset=reset)
        until(lambda: aws.now() >= back, "the outage to end", SECONDS)
        aws.clear_faults()
        stage.population.stand()
        aws.set_speed(SPEED)
        stir.go_on()
    assert len(_lost(stage)) > before
    stage.audit()


def test_nine_of_ten_calls_are_throttled(stage: Stage) -> None:
    with stage.stirred() as stir:
        stage.world.aws.throttle_randomly(0.9)
        time.sleep(SIZE.throttled_seconds)
        stir.go_on()
        stage.world.aws.throttle_randomly(0.0)
    assert stage.world.aws.outcome_counts()["CreateTrainingJob:ThrottlingException"] > 0
    stage.audit()
    # No object's state goes back and forth with each call that is refused: throttling is one only once it lasts.
    told = [one["regarding"]["uid"] for one in stage.world.all_events() if one["reason"] == Reason.THROTTLED]
    assert max(Counter(told).values(), default=0) <= 1 + SIZE.throttled_seconds // 60


def _lost(stage: Stage) -> list[str]:
    """The changes whose answers were lost."""
    calls = [call for call in stage.world.aws.calls() if call["effect"] and (call["code"] or not call["status"])]
    return [call["operation"] for call in calls if not call["operation"].startswith(("Describe", "List"))]
