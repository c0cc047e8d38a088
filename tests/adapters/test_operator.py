"""The real parts put together: what an operator that is not, or not any more, the one that works cannot do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import TCPConnector
from kubernetes.aio.client import Configuration

from classifier_operator.adapters.clock import SystemClock
from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.api.ledger import Place
from classifier_operator.process import Operator
from classifier_operator.reconcile.tenants import Limit, Use
from classifier_operator.runtime.ports import ClusterUnavailableError, GoneError
from classifier_operator.sagemaker.refusals import AwsRefusal
from classifier_operator.settings import Election, Settings
from control_plane import ControlPlane
from sagemaker_emulator.control import Control

PLACE = Place("us-east-1")
NOBODY = ObjectKey(Kind.TRAINING, "default", "nobody")
Make = Callable[..., Operator]


class Clock(SystemClock):
    """The machine's clock, which a test puts forward."""

    ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("classifier_operator.process.SystemClock", lambda: made)
    return made


@pytest_asyncio.fixture
async def make(
    installed: ControlPlane, control: Control, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Make]:
    # The client keeps what it has loaded for everybody.
    monkeypatch.setenv("KUBECONFIG", str(installed.kubeconfig))
    monkeypatch.setattr(Configuration, "_default", None)
    made: list[Operator] = []

    def operator(election: Election | None, **more: Any) -> Operator:
        settings = Settings(election=election, health_host="127.0.0.1", health_port=0, **more)
        made.append(Operator(settings, lost=lambda _: None))
        return made[-1]

    yield operator
    for one in made:
        await one.close()


async def test_before_it_is_elected(make: Make, control: Control, namespace: str) -> None:
    operator = make(Election(name="op", namespace=namespace))
    await operator.open()
    await _is_refused(operator)
    assert control.counts() == {}


async def test_after_its_lease_is_over(make: Make, control: Control, clock: Clock, namespace: str) -> None:
    operator = make(Election(name="op", namespace=namespace))
    await operator.open()
    await operator.campaign()
    await _is_done(operator)
    # The event loop has had no time to notice.
    clock.ahead += 7
    assert not operator._holds()
    await _is_refused(operator)
    assert control.counts() == {"ListModels": 1}


async def test_its_lease_is_lost_while_it_connects_to_the_cluster(
    make: Make, clock: Clock, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = make(Election(name="op", namespace=namespace))
    await operator.open()
    await operator.campaign()
    connect = TCPConnector.connect

    async def connect_slowly(self: TCPConnector, *arguments: Any, **options: Any) -> Any:
        connection = await connect(self, *arguments, **options)
        clock.ahead += 7
        return connection

    monkeypatch.setattr(TCPConnector, "connect", connect_slowly)
    with pytest.raises(ClusterUnavailableError, match="does not hold the Lease any more"):
        await operator._cluster.patch(NOBODY, {})


async def test_without_an_election(make: Make) -> None:
    operator = make(None)
    await operator.open()
    await operator.campaign()
    await _is_done(operator)


async def test_what_namespaces_may_use_breaks_while_it_waits_for_its_turn(
    make: Make, namespace: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rules = tmp_path / "tenants.yaml"
    rules.write_text("tenants: [{namespaces: [a], regions: [eu-*]}]")
    operator = make(None, tenants=rules, namespaces=(namespace,))
    await operator.open()
    rules.write_text("tenants: [{namespaces: []}]")
    await operator.campaign()
    await operator.start()
    try:
        assert f"stays as it was: {rules}: tenants[0].namespaces: must name one at least" in caplog.text
        assert not operator._tenants.of("a").refusal_of(
            [Use(limit=Limit.REGIONS, path="spec.region", value="eu-west-1")]
        )
        assert operator._tenants.of("a").refusal_of([Use(limit=Limit.REGIONS, path="spec.region", value="us-east-1")])
    finally:
        await operator.stop()


async def _is_done(operator: Operator) -> None:
    await operator._aws.call(PLACE, "ListModels", {})
    with pytest.raises(GoneError):
        await operator._cluster.patch(NOBODY, {})


async def _is_refused(operator: Operator) -> None:
    with pytest.raises(AwsRefusal, match="does not hold the Lease any more"):
        await operator._aws.call(PLACE, "ListModels", {})
    with pytest.raises(ClusterUnavailableError, match="does not hold the Lease any more"):
        await operator._cluster.patch(NOBODY, {})
