"""A role that cannot be taken on for long: the operator's parts around real calls, in minutes that a test lets pass."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from classifier_operator.adapters.aws import Aws
from classifier_operator.adapters.tenants_file import TenantsFile
from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.app import App
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.settings import Settings
from sagemaker_emulator.control import Control
from tests.adapters.conftest import ROLE, Clock
from tests.unit import builders
from tests.unit.fake_imports import FakeSources
from tests.unit.fakes import FakeCluster, Points

KEY = ObjectKey(Kind.TRAINING, "vision", "digits")
WORDS = f"User: arn:aws:iam::123456789012:user/op is not authorized to perform: sts:AssumeRole on resource: {ROLE}"


async def until(cluster: FakeCluster, kind: str, reason: str) -> str:
    """The condition's message once it has that reason."""
    changed = asyncio.Event()
    cluster.changed = lambda _: changed.set()
    async with asyncio.timeout(20):
        while cluster.condition(KEY, kind) != ("True", reason):
            changed.clear()
            await changed.wait()
    return str(next(one["message"] for one in cluster.status(KEY)["conditions"] if one["type"] == kind))


async def test_a_role_that_is_denied_for_long_is_said_and_still_asked_for(
    control: Control, aws: Aws, clock: Clock
) -> None:
    control.fail_next("sts.AssumeRole", None, code="AccessDenied", message=WORDS, status=403)
    control.change_settings(training={"starting_seconds": 3600})
    cluster = FakeCluster(Points())
    cluster.create(builders.training(assumeRoleArn=ROLE))
    settings = Settings(workers=1, wait_interval=0.2, sweep_interval=0.2)
    app = App(settings, cluster, aws, (FakeSources(Points()), aws), Metrics(), clock, TenantsFile(None))
    await app.start()
    try:
        assert WORDS in await until(cluster, "Reconciling", "AccessPending")
        clock.ahead += timedelta(minutes=5)
        assert WORDS in await until(cluster, "Stalled", "AccessDenied")
        control.clear_faults()
        await until(cluster, "Reconciling", "Starting")
    finally:
        await app.stop()
    assert control.calls("CreateTrainingJob")[-1]["account"] == "222222222222"
    assert [reason for _, reason, _ in cluster.events] == ["Starting", "AccessPending", "AccessDenied", "Starting"]
