"""A pass that does not end is named, and costs the others one worker; only when none is left the probe fails."""

from __future__ import annotations

import asyncio

import pytest

from classifier_operator.api.kinds import ObjectKey
from classifier_operator.runtime.passes import BUDGET_SECONDS
from tests.unit import builders
from tests.unit.test_app import Parts


@pytest.mark.parametrize("are_all", [False, True], ids=["one", "all"])
async def test_a_stuck_pass_is_named(monkeypatch: pytest.MonkeyPatch, are_all: bool) -> None:
    parts = Parts()
    hung: list[ObjectKey] = []
    never = asyncio.Event()

    async def hang(key: ObjectKey) -> None:
        hung.append(key)
        await never.wait()

    monkeypatch.setattr(parts.app._controller, "reconcile", hang)
    try:
        await parts.app.start()
        most = parts.app._crew.most if are_all else 1
        running = [
            asyncio.ensure_future(parts.app._passes.run(parts.cluster.create(builders.training(f"t-{n}"))))
            for n in range(most)
        ]
        await asyncio.sleep(0)
        assert len(hung) == most
        assert (parts.app.problem(), parts.app.remark()) == ("", "")
        parts.clock.seconds += BUDGET_SECONDS + 1
        named = "passes are stuck: ClassifierTraining/vision/t-0 for 301 s"
        assert parts.app.remark().startswith(named)
        assert parts.app.problem().startswith(named) == are_all
        metrics = await parts.metrics()
        assert 'stuck_pass_seconds{kind="ClassifierTraining",name="t-0",namespace="vision"} 301.0' in metrics
        assert "classifier_operator_oldest_pass_seconds 301.0" in metrics
        never.set()
        await asyncio.gather(*running)
        assert parts.app.remark() == ""
        assert "stuck_pass_seconds{" not in await parts.metrics()
    finally:
        await parts.app.stop()
