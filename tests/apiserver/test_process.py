"""The operator as a process: what it answers, what it logs, how it ends."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.world import World, training


def test_it_tells_prometheus_what_it_does(world: World, operator: OperatorProcess) -> None:
    world.apply(training())
    world.wait_for("ctrain", "digits", "Completed")
    metrics = operator.get("/metrics")
    assert re.search(r'aws_calls_total\{operation="CreateTrainingJob",outcome="ok"\} [1-9]', metrics)
    assert re.search(r'kubernetes_writes_total\{status="ok",what="status"\} [1-9]', metrics)


def test_logs_can_be_json(world: World, start: Callable[..., OperatorProcess]) -> None:
    operator = start("--log-format", "json")
    world.apply(training())
    world.wait_for("ctrain", "digits", "Completed")
    operator.stop()
    lines = [json.loads(line) for line in operator.log.read_text().splitlines()]
    about = [line for line in lines if line.get("object") == f"ClassifierTraining/{world.namespace}/digits"]
    assert [line["reason"] for line in about if "reason" in line][-1] == "Completed"


def test_it_ends_when_it_is_told_to(world: World, start: Callable[..., OperatorProcess]) -> None:
    operator = start()
    assert operator.stop() == 0
    assert "Traceback" not in operator.log.read_text()
