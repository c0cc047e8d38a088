"""Errors that nobody has foreseen: the object says so, is tried again with growing pauses, and others go on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier_operator.api.conditions import Reason
from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.api.ledger import Place
from classifier_operator.endpoint import decide as endpoints
from classifier_operator.runtime.controller import Controller
from classifier_operator.runtime.evaluate import Evaluator
from classifier_operator.runtime.failures import PAUSE_SECONDS, STEPS, pause_after
from classifier_operator.runtime.ports import ClusterUnavailableError
from classifier_operator.sagemaker import views
from classifier_operator.sagemaker.answers import UnreadableAnswerError
from classifier_operator.training import decide as trainings
from tests.apiserver.world import condition
from tests.unit import builders
from tests.unit.test_app import Parts
from tests.unit.world import World

SECRET = "secretAccessKey=AKIAIOSFODNN7EXAMPLE"
KEYS = {Kind.TRAINING: trainings, Kind.ENDPOINT: endpoints}


class DefectError(Exception):
    """What nobody has foreseen."""


def fail(*_: object, **__: object) -> Any:
    raise DefectError(SECRET)


@pytest.fixture
def world() -> World:
    world = World()
    world.operator.may_err = True
    return world


def said(world: World, kind: str, key: ObjectKey) -> dict[str, Any]:
    return condition(world.cluster.status(key), kind)


def created(world: World, kind: Kind, **changes: Any) -> ObjectKey:
    make = builders.training if kind is Kind.TRAINING else builders.endpoint
    return world.cluster.create(make(**changes))


@pytest.mark.parametrize(("module", "step"), STEPS)
def test_the_steps_are_functions_of_their_modules(module: str, step: str) -> None:
    owner = {"runtime.evaluate": Evaluator, "runtime.controller": Controller}[module]
    assert owner.__module__ == f"classifier_operator.{module}"
    assert callable(getattr(owner, step))


def test_the_pauses_grow_to_ten_minutes() -> None:
    first, most = PAUSE_SECONDS
    assert [pause_after(count) for count in (1, 2, 5, 6, 10_000)] == [first, 2 * first, 16 * first, most, most]


@pytest.mark.parametrize("kind", KEYS)
async def test_an_error_becomes_a_condition_and_goes_with_it(
    world: World, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = created(world, kind)
    await world.run(3)
    ready, ledger = said(world, "Ready", key), world.cluster.status(key)["resources"]
    assert ready["status"] == "True"
    with monkeypatch.context() as broken:
        broken.setattr(KEYS[kind], "decide", fail)
        world.cluster.edit(key, lambda body: body["spec"].update(suspend=True))
        await world.look()
        found = said(world, "Reconciling", key)
        assert (found["status"], found["reason"], found["observedGeneration"]) == ("True", "InternalError", 2)
        assert (
            "an unexpected DefectError of the operator while deciding what to do (runtime.evaluate:" in found["message"]
        )
        assert "the operator's log" in found["message"]
        assert (said(world, "Ready", key), world.cluster.status(key)["resources"]) == (ready, ledger)
        assert not said(world, "Stalled", key)
        assert SECRET not in json.dumps([world.cluster.objects[key], world.cluster.events])
    await world.run(2)
    assert said(world, "Ready", key)["reason"] == "Suspended"
    assert not said(world, "Reconciling", key)
    assert [reason for _, reason, _ in world.cluster.events].count("InternalError") == 1


@pytest.mark.parametrize("kind", KEYS)
async def test_it_is_tried_again_with_growing_pauses_and_said_once(
    world: World, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KEYS[kind], "decide", fail)
    key = created(world, kind)
    pauses = []
    for _ in range(8):
        await world.look()
        pauses.append(world.operator.queue.delayed[key] - world.clock.seconds)
        world.clock.seconds = world.operator.queue.delayed[key]
        world.operator.queue.ring()
    assert all(pause_after(n) <= pause <= 1.25 * pause_after(n) for n, pause in enumerate(pauses, 1)), pauses
    assert world.cluster.writes == 1
    assert [reason for _, reason, _ in world.cluster.events] == ["InternalError"]


async def test_after_a_success_the_pauses_begin_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    key = created(world, Kind.TRAINING, suspend=True)
    for _ in range(3):
        with monkeypatch.context() as broken:
            broken.setattr(trainings, "decide", fail)
            world.operator.queue.add(key)
            await world.look()
        assert world.operator.queue.delayed.pop(key) - world.clock.seconds < 2 * PAUSE_SECONDS[0]
        world.operator.queue.add(key)
        await world.look()


async def test_others_are_not_disturbed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    decide = trainings.decide

    def fail_one(training: Any, *others: Any) -> Any:
        return fail() if training.meta.key.name == "bad" else decide(training, *others)

    monkeypatch.setattr(trainings, "decide", fail_one)
    bad, good = created(world, Kind.TRAINING, name="bad"), created(world, Kind.TRAINING, name="good")
    await world.run(3)
    assert said(world, "Reconciling", bad)["reason"] == "InternalError"
    assert said(world, "Ready", good)["reason"] == "Completed"


async def test_an_error_while_the_object_is_deleted_keeps_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    key = created(world, Kind.ENDPOINT)
    await world.run(3)
    with monkeypatch.context() as broken:
        broken.setattr(endpoints, "decide", fail)
        world.cluster.delete(key)
        await world.run(2)
        assert said(world, "Reconciling", key)["reason"] == "InternalError"
        assert world.cloud.names("Endpoint")
    await world.run(4)
    assert key not in world.cluster.objects
    assert world.cloud.running() == []


async def test_a_status_that_cannot_be_written_either_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> Any:
        raise ClusterUnavailableError("HTTP 500")

    monkeypatch.setattr(trainings, "decide", fail)
    key = created(world, Kind.TRAINING)
    with monkeypatch.context() as away:
        away.setattr(world.cluster, "patch", refuse)
        await world.look()
    assert not world.cluster.status(key)
    await world.run(1)
    assert said(world, "Reconciling", key)["reason"] == "InternalError"


async def test_it_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = Parts()
    try:
        monkeypatch.setattr(trainings, "decide", fail)
        parts.cluster.create(builders.training())
        await parts.app.start()
        key = ObjectKey(Kind.TRAINING, "vision", "digits")
        await parts.reach(lambda: condition(parts.cluster.status(key), "Reconciling") != {})
        metrics, problem = await parts.metrics(), parts.app.problem()
    finally:
        await parts.app.stop()
    assert 'classifier_operator_unexpected_errors_total{where="pass"} 1.0' in metrics
    assert (
        'classifier_operator_objects{condition="Reconciling",kind="ClassifierTraining",reason="InternalError"}'
        in metrics
    )
    assert problem == ""


# AWS's answers, of any shape.

POISONS: dict[str, Any] = {
    "nothing": None,
    "a number": 5,
    "a list": [],
    "a structure": {},
    "a time": datetime(2026, 3, 1, tzinfo=UTC),
    "a time without a zone": datetime(2026, 3, 1),
    "absent": ...,
}


def poisoned(answer: Mapping[str, Any], member: str, poison: Any) -> dict[str, Any]:
    rest = {name: value for name, value in answer.items() if name != member}
    return rest if poison is ... else {**rest, member: poison}


@pytest.mark.parametrize("member", ["TrainingJobArn", "TrainingJobStatus", "CreationTime", "TrainingJobName"])
@pytest.mark.parametrize("poison", POISONS.values(), ids=POISONS.keys())
async def test_a_poisoned_answer_about_one_job_leaves_the_others_alone(world: World, member: str, poison: Any) -> None:
    """Lists and Describes are poisoned alike; what cannot be read is neither believed to be gone nor to be there."""
    world.operator.may_err = False
    bad, good = created(world, Kind.TRAINING, name="bad"), created(world, Kind.TRAINING, name="good")
    await world.look()
    call = world.cloud.call
    name = world.cluster.status(bad)["jobName"]

    async def poison_one(place: Place, operation: str, params: Mapping[str, Any], **turn: Any) -> dict[str, Any]:
        answer = await call(place, operation, params, **turn)
        if operation == "DescribeTrainingJob" and params["TrainingJobName"] == name:
            return poisoned(answer, member, poison)
        if operation == "ListTrainingJobs":
            jobs = answer["TrainingJobSummaries"]
            changed = [poisoned(one, member, poison) if one["TrainingJobName"] == name else one for one in jobs]
            return {"TrainingJobSummaries": changed}
        return answer

    world.cloud.call = poison_one  # type: ignore[method-assign]
    await world.run(3)
    assert said(world, "Ready", good)["reason"] == "Completed"
    world.cloud.call = call  # type: ignore[method-assign]
    await world.run(3)
    assert said(world, "Ready", bad)["reason"] == "Completed"
    assert world.cloud.count("CreateTrainingJob") == 2


async def test_an_object_says_that_aws_answers_cannot_be_read(world: World) -> None:
    world.operator.may_err = False
    key = created(world, Kind.TRAINING)
    call = world.cloud.call

    async def poison(place: Place, operation: str, params: Mapping[str, Any], **turn: Any) -> dict[str, Any]:
        return poisoned(await call(place, operation, params, **turn), "TrainingJobArn", None)

    world.cloud.call = poison  # type: ignore[method-assign]
    await world.run(3)
    found = said(world, "Reconciling", key)
    assert found["reason"] == Reason.AWS_UNAVAILABLE
    assert "UnreadableAnswer: the answer's TrainingJobArn is nothing, not a text" in found["message"]
    world.cloud.call = call  # type: ignore[method-assign]
    await world.run(4)
    assert said(world, "Ready", key)["reason"] == "Completed"
    assert world.cloud.effects["CreateTrainingJob"] == 1


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["MetricName", "Value"]), inner),
    max_leaves=6,
)
MEMBERS = st.sampled_from(
    [
        "TrainingJobName",
        "TrainingJobArn",
        "TrainingJobStatus",
        "SecondaryStatus",
        "FailureReason",
        "ModelArtifacts",
        "FinalMetricDataList",
        "CreationTime",
        "TrainingEndTime",
        "BillableTimeInSeconds",
        "EndpointName",
        "EndpointArn",
        "EndpointStatus",
        "EndpointConfigName",
        "PendingDeploymentSummary",
        "ProductionVariants",
        "VariantName",
        "LastModifiedTime",
        "ModelArn",
        "PrimaryContainer",
    ]
)


@given(st.dictionaries(MEMBERS, VALUES, max_size=12))
def test_an_answer_of_any_shape_is_read_or_refused(answer: dict[str, Any]) -> None:
    for read in (
        views.job_described,
        views.job_listed,
        views.endpoint_described,
        views.endpoint_listed,
        views.model_described,
    ):
        with suppress(UnreadableAnswerError):
            read(answer)
