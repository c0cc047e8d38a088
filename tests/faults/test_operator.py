"""The operator itself is ended, or is there twice."""

from __future__ import annotations

import re
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.world import until
from tests.faults.sizes import SIZE, TIMEOUT
from tests.faults.stage import Stage

pytestmark = pytest.mark.timeout(TIMEOUT)

DEPLOYMENT = Path(__file__).parents[2] / "manifests/base/deployment.yaml"
# In which a pod has to end by itself.
GRACE: float = yaml.safe_load(DEPLOYMENT.read_text())["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
# Real seconds that AWS takes for each answer while the operator is told to end.
LATENCY = 2.0
CHANGES = re.compile(r"(?:Create|Update|Stop|Delete(?!Tags))\w+")


def test_killed_at_random_moments(stage: Stage) -> None:
    with stage.stirred():
        for _ in range(SIZE.kills):
            time.sleep(stage.chance.uniform(0, 3))
            stage.operator.kill()
            stage.operator.start()
    stage.audit(lost_events=SIZE.kills)


def test_told_to_end_while_calls_are_in_flight(stage: Stage) -> None:
    aws, operator = stage.world.aws, stage.operator
    with stage.stirred(pace=0.2):
        for _ in range(SIZE.terminations):
            aws.latency("*", LATENCY)
            until(lambda: operator.metric("aws_calls_in_flight") >= 2, "calls to be in flight")
            began = time.monotonic()
            assert operator.stop() == 0
            assert time.monotonic() - began < GRACE
            # All that was in flight has been answered by now: nothing is carried out any more.
            carried_out = _carried_out(stage)
            time.sleep(LATENCY)
            assert _carried_out(stage) == carried_out
            assert carried_out <= _asked_for(operator)
            aws.latency("*", 0)
            operator.start()
    stage.audit(lost_events=SIZE.terminations)


def test_two_at_once_by_mistake(stage: Stage) -> None:
    other = stage.another()
    other.start()
    with stage.stirred(pace=0.3) as stir:
        stir.go_on(SIZE.rounds * 20)
    assert _asked_for(stage.operator)
    assert _asked_for(other)
    # Each tells what it has seen, and one sees what the other has seen before.
    stage.audit(lost_events=None)


def _carried_out(stage: Stage) -> Counter[tuple[str, str]]:
    """Operation and subject of each change that AWS has carried out."""
    calls = [call for call in stage.world.aws.calls() if call["effect"] and CHANGES.fullmatch(call["operation"])]
    return Counter((call["operation"], call["resource"]) for call in calls)


def _asked_for(operator: OperatorProcess) -> Counter[tuple[str, str]]:
    """The same of each change of which the operator's log tells; of one in flight at the end it tells no outcome."""
    found = re.findall(r": (\w+) of (\S+): (?:ok|Interrupted) ", operator.log.read_text(), re.IGNORECASE)
    return Counter((operation, subject) for operation, subject in found if CHANGES.fullmatch(operation))
