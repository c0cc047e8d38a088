"""Texts of any length, and statuses that the API server refuses: said in a smaller status, and not asked for ever."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest

from classifier_operator.adapters.log_output import Redacting
from classifier_operator.api.cut import NAME_LIMIT
from classifier_operator.api.kinds import ObjectKey
from classifier_operator.runtime.passes import MOST_RETRY_AFTER, UNAVAILABLE_SECONDS
from classifier_operator.runtime.ports import ClusterUnavailableError
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.serving import serve
from tests.apiserver.world import BUCKET, World, condition
from tests.unit import builders
from tests.unit.world import World as FakeWorld

TOO_LARGE = [
    ClusterUnavailableError("HTTP 500: etcdserver: request is too large", status=500),
    ClusterUnavailableError("HTTP 413: request entity too large", status=413),
    ClusterUnavailableError("HTTP 422: status.smokeTest.label: Too long", status=422),
]


def test_a_label_of_900_kilobytes_is_cut(world: World, operator: OperatorProcess) -> None:
    world.s3.put_object(Bucket=BUCKET, Key="sample.png", Body=b"image")
    labels = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "labels"},
        "data": {"labels": "x" * 900_000},
    }
    # Without last-applied, which may not be as long.
    world.kubectl("create", "-f", "-", stdin=json.dumps(labels))
    test = {"image": {"s3Uri": f"s3://{BUCKET}/sample.png"}, "contentType": "image/png"}
    reference = {"configMapKeyRef": {"name": "labels", "key": "labels"}}
    outcome = serve(world, smokeTest=test, classLabels=reference)["smokeTest"]
    assert outcome["outcome"] == "Passed"
    assert len(outcome["label"]) <= NAME_LIMIT
    assert outcome["label"].endswith("(cut, 900000 bytes)")


LONG = "x" * 1_000_000


@pytest.mark.parametrize(
    ("kind", "member"),
    [
        *(("TrainingJob", one) for one in ("TrainingJobArn", "TrainingJobStatus", "SecondaryStatus", "FailureReason")),
        *(("Endpoint", one) for one in ("EndpointArn", "EndpointStatus", "EndpointConfigName", "FailureReason")),
        ("Endpoint", "ProductionVariants"),
        ("TrainingJob", "ModelArtifacts"),
        ("TrainingJob", "FinalMetricDataList"),
        ("TrainingJob", "AlgorithmSpecification"),
    ],
)
async def test_whatever_aws_says_at_length_the_status_stays_small(kind: str, member: str) -> None:
    """What people read is cut; a name is never cut: the answer that has it is not used."""
    world = FakeWorld()
    key = world.cluster.create(builders.training() if kind == "TrainingJob" else builders.endpoint())
    await world.look()
    described = world.cloud.one(kind)
    inner = {
        "ProductionVariants": [{"VariantName": LONG}] * 10,
        "ModelArtifacts": {"S3ModelArtifacts": LONG},
        "FinalMetricDataList": [{"MetricName": f"{LONG}{number}", "Value": 1.0} for number in range(100)],
        "AlgorithmSpecification": {"TrainingImage": LONG},
    }
    before = world.cluster.status(key)["resources"]
    world.cloud.progress()
    described[member] = inner.get(member, LONG)
    await world.run(3, progress=False)
    status = world.cluster.status(key)
    assert status["resources"] == before
    assert len(json.dumps(status)) < 100_000
    assert len(json.dumps(world.cluster.events)) < 100_000
    if member not in ("FailureReason", "FinalMetricDataList", "AlgorithmSpecification"):
        assert "1000000 characters, more than 4096" in condition(status, "Reconciling")["message"]


def refusing(world: FakeWorld, error: ClusterUnavailableError, *, fields: frozenset[str]) -> None:
    """Refuse every status that has one of these fields."""
    write = world.cluster.patch

    async def refuse(key: ObjectKey, patch: Mapping[str, Any], *, status: bool = False) -> dict[str, Any]:
        if status and fields & set(patch["status"]):
            raise error
        return await write(key, patch, status=status)

    world.cluster.patch = refuse  # type: ignore[method-assign]


@pytest.mark.parametrize("error", TOO_LARGE, ids=["etcd", "413", "422"])
async def test_a_refused_status_is_said_in_a_smaller_one_with_the_ledger(error: ClusterUnavailableError) -> None:
    world = FakeWorld()
    key = world.cluster.create(builders.training())
    refusing(world, error, fields=frozenset({"jobName"}))
    await world.look()
    status = world.cluster.status(key)
    found = condition(status, "Reconciling")
    assert found["reason"] == "InternalError"
    assert "refuses the status" in found["message"]
    assert str(error) in found["message"]
    # What was about to be made is in the ledger, and was not made: the whole status could not be written before.
    assert [one["type"] for one in status["resources"]] == ["TrainingJob"]
    assert world.cloud.effects["CreateTrainingJob"] == 0
    assert [reason for _, reason, _ in world.cluster.events] == ["InternalError"]
    writes = world.cluster.writes
    for _ in range(3):
        world.operator.queue.add(key)
        await world.look()
    assert world.cluster.writes == writes


async def test_it_goes_on_once_the_status_is_taken() -> None:
    world = FakeWorld()
    key = world.cluster.create(builders.training())
    patch = world.cluster.patch
    refusing(world, TOO_LARGE[0], fields=frozenset({"jobName"}))
    await world.look()
    world.cluster.patch = patch  # type: ignore[method-assign]
    await world.run(4, seconds=1000)
    assert condition(world.cluster.status(key), "Ready")["reason"] == "Completed"
    assert world.cloud.effects["CreateTrainingJob"] == 1


@pytest.mark.parametrize("status", [429, 403, 500, 0])
@pytest.mark.parametrize("retry_after", [0.0, 30.0, 86400.0])
async def test_refusals_of_the_api_server_are_waited_out_ever_longer(status: int, retry_after: float) -> None:
    world = FakeWorld()
    key = world.cluster.create(builders.training())
    refusing(
        world, ClusterUnavailableError("no", status=status, retry_after=retry_after), fields=frozenset({"jobName"})
    )
    first, most = UNAVAILABLE_SECONDS
    pauses = []
    for _ in range(9):
        await world.look()
        pauses.append(world.operator.queue.delayed[key] - world.clock.seconds)
        world.clock.seconds = world.operator.queue.delayed[key]
        world.operator.queue.ring()
    asked = min(retry_after, MOST_RETRY_AFTER)
    for count, pause in enumerate(pauses):
        least = max(asked, min(most, first * 2**count))
        assert least <= pause <= 1.5 * least


async def test_a_config_map_that_may_not_be_read_is_said_by_the_object() -> None:
    world = FakeWorld()

    async def forbid(namespace: str, name: str) -> dict[str, Any]:
        raise ClusterUnavailableError("HTTP 403", status=403)

    world.cluster.read_config_map = forbid  # type: ignore[method-assign]
    image = {"configMapKeyRef": {"name": "sample", "key": "x"}}
    key = world.cluster.create(builders.endpoint(smokeTest={"image": image}))
    await world.run(2, seconds=100)
    found = condition(world.cluster.status(key), "Reconciling")
    assert found["reason"] == "AccessPending"
    assert "ConfigMap sample (key x) for spec.smokeTest.image: the operator may not read it" in found["message"]


def test_no_line_of_the_log_is_forged() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "said: %s", ("a\n2026-01-01 ERROR forged\x1b[2K",), None)
    line = Redacting(logging.Formatter("%(message)s")).format(record)
    assert line == "said: a\\n2026-01-01 ERROR forged\\x1b[2K"
