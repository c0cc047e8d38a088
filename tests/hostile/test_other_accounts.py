"""Credentials of another account, for a while: there nothing is made, and what is not found there is not gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from classifier_operator.api.kinds import ADOPT_ANNOTATION, FINALIZER, RETRAIN_ANNOTATION, ObjectKey
from classifier_operator.api.ledger import Place
from classifier_operator.runtime.gather import recorded_account
from tests.apiserver.identity import ROLE as OPERATOR_ROLE
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.serving import later, serve
from tests.apiserver.world import World, condition, training, until
from tests.credentials_source import CredentialsSource, credentials_of
from tests.unit import builders
from tests.unit.fake_imports import FakeFile
from tests.unit.fakes import merged
from tests.unit.world import World as Fakes

HERE, THERE = "123456789012", "999999999999"
PLACE = Place(builders.REGION)
ROLE = f"arn:aws:iam::{THERE}:role/Classifiers"
Change = Callable[[dict[str, Any]], Any]


@pytest.fixture
def fakes() -> Fakes:
    """A cluster and an AWS account in memory."""
    return Fakes()


async def made(fakes: Fakes, kind: str) -> ObjectKey:
    """A running training, a complete one, or an endpoint that serves."""
    if kind == "endpoint":
        key = fakes.cluster.create(builders.endpoint())
        await fakes.run(3)
        assert fakes.cluster.condition(key, "Ready") == ("True", "InService")
        return key
    key = fakes.cluster.create(builders.training(deletionPolicy="Delete"))
    await fakes.look()
    if kind == "complete":
        await fakes.run(2)
        assert fakes.cluster.condition(key, "Ready") == ("True", "Completed")
    return key


KINDS = pytest.mark.parametrize("kind", ["running", "complete", "endpoint"])
RESTARTS = pytest.mark.parametrize("restarts", [False, True], ids=["going on", "restarted"])


def names(fakes: Fakes) -> list[str]:
    return sorted(name for _, _, name in fakes.cloud.resources)


def refuse_to_make(fakes: Fakes) -> None:
    """Let AWS refuse each first creation, clearly."""
    for operation in ("CreateTrainingJob", "CreateModel"):
        fakes.cloud.refuse(operation, "AccessDeniedException", "not authorized", times=50)


def tries(fakes: Fakes) -> int:
    """Count the first creations that were asked for, refused or not."""
    return fakes.cloud.count("CreateTrainingJob") + fakes.cloud.count("CreateModel")


async def away(fakes: Fakes, key: ObjectKey, *, restarts: bool, rounds: int = 3) -> None:
    """Credentials of another account, and time to do all that should not be done."""
    fakes.cloud.become(THERE)
    if restarts:
        fakes.restart()
        await fakes.look_at_aws()
    sent = len(fakes.cloud.places)
    await fakes.run(rounds)
    assert fakes.cluster.condition(key, "Ready") == ("Unknown", "AccountMismatch")
    assert fakes.cluster.condition(key, "Reconciling") == ("True", "AccountMismatch")
    assert fakes.cluster.condition(key, "Stalled") is None
    message = fakes.cluster.status(key)["conditions"][0]["message"]
    assert HERE in message
    assert THERE in message
    assert (fakes.cloud.resources, fakes.cloud.places[sent:]) == ({}, [])


async def back(fakes: Fakes, *, restarts: bool = False, progress: bool = True) -> None:
    fakes.cloud.become(HERE)
    if restarts:
        fakes.restart()
        await fakes.look_at_aws()
    await fakes.run(5, progress=progress)


@KINDS
@RESTARTS
async def test_an_object_that_is_deleted_meanwhile_waits(fakes: Fakes, kind: str, restarts: bool) -> None:
    key = await made(fakes, kind)
    there = names(fakes)
    fakes.cloud.become(THERE)
    fakes.cluster.delete(key)
    fakes.cloud.become(HERE)
    await away(fakes, key, restarts=restarts, rounds=6)
    assert FINALIZER in fakes.cluster.objects[key]["metadata"]["finalizers"]
    fakes.cloud.become(HERE)
    assert names(fakes) == there
    await fakes.run(6)
    assert (key in fakes.cluster.objects, fakes.cloud.resources) == (False, {})


EDITS: dict[str, tuple[str, Change]] = {
    "another run": ("running", lambda body: body["spec"]["hyperparameters"].update(epochs=7)),
    "another run of a complete one": ("complete", lambda body: body["spec"]["hyperparameters"].update(epochs=7)),
    "once more": ("complete", lambda body: body["metadata"].update(annotations={RETRAIN_ANNOTATION: "now"})),
    "tags of a job": ("complete", lambda body: body["spec"].update(tags={"team": "vision"})),
    "a suspended run": ("running", lambda body: body["spec"].update(suspend=True)),
    "another region": ("running", lambda body: body["spec"].update(region="eu-west-1")),
    "other machines": ("endpoint", lambda body: body["spec"].update(instanceType="ml.m5.xlarge")),
    "more machines": ("endpoint", lambda body: body["spec"].update(instanceCount=3)),
    "tags of an endpoint": ("endpoint", lambda body: body["spec"].update(tags={"team": "vision"})),
    "a suspended endpoint": ("endpoint", lambda body: body["spec"].update(suspend=True)),
    "an endpoint elsewhere": ("endpoint", lambda body: body["spec"].update(region="eu-west-1")),
}


@pytest.mark.parametrize(("kind", "edit"), EDITS.values(), ids=EDITS)
@RESTARTS
async def test_an_edit_waits_and_is_carried_out_then(fakes: Fakes, kind: str, edit: Change, restarts: bool) -> None:
    undisturbed = Fakes()
    for one in (fakes, undisturbed):
        key = await made(one, kind)
    fakes.cloud.become(THERE)
    fakes.cluster.edit(key, edit)
    fakes.cloud.become(HERE)
    await away(fakes, key, restarts=restarts)
    await back(fakes)
    undisturbed.cluster.edit(key, edit)
    await undisturbed.run(5)
    assert names(fakes) == names(undisturbed)
    ready = fakes.cluster.condition(key, "Ready"), fakes.cluster.condition(key, "Stalled")
    assert ready == (undisturbed.cluster.condition(key, "Ready"), undisturbed.cluster.condition(key, "Stalled"))
    assert fakes.cloud.count("CreateTrainingJob") == undisturbed.cloud.count("CreateTrainingJob")


@KINDS
@RESTARTS
async def test_what_is_not_touched_goes_on_as_if_nothing_had_been(fakes: Fakes, kind: str, restarts: bool) -> None:
    key = await made(fakes, kind)
    there, before = names(fakes), fakes.cluster.condition(key, "Ready")
    await away(fakes, key, restarts=restarts, rounds=8)
    await back(fakes, restarts=restarts, progress=False)
    assert (names(fakes), fakes.cluster.condition(key, "Ready")) == (there, before)
    await fakes.run(3)
    expected = {"running": "Completed", "complete": "Completed", "endpoint": "InService"}[kind]
    assert fakes.cluster.condition(key, "Ready") == ("True", expected)
    assert fakes.cluster.condition(key, "Stalled") is None
    made_again = [one for one, _ in fakes.cloud.log if one.startswith("Create")]
    assert len(made_again) == len(set(made_again))


@RESTARTS
async def test_an_endpoint_that_was_ready_is_so_while_an_edit_is_carried_out(fakes: Fakes, restarts: bool) -> None:
    key = await made(fakes, "endpoint")
    await away(fakes, key, restarts=restarts)
    fakes.cluster.edit(key, lambda body: body["spec"].update(instanceType="ml.m5.xlarge"))
    fakes.cloud.become(HERE)
    if restarts:
        fakes.restart()
    await fakes.run(1, progress=False)
    assert fakes.cluster.condition(key, "Ready") == ("True", "InService")
    assert fakes.cluster.condition(key, "Reconciling") == ("True", "Updating")
    assert "readyBefore" not in fakes.cluster.status(key)


async def test_one_that_was_not_ready_is_not_called_so(fakes: Fakes) -> None:
    key = fakes.cluster.create(builders.endpoint())
    await fakes.look()
    await away(fakes, key, restarts=False)
    fakes.cloud.become(HERE)
    await fakes.run(1, progress=False)
    assert fakes.cluster.condition(key, "Ready") == ("False", "Creating")


@pytest.mark.parametrize("dies", ["CreateTrainingJob", "CreateModel", "CreateEndpoint"])
async def test_what_was_asked_for_before_a_crash_is_not_made_in_the_other_account(fakes: Fakes, dies: str) -> None:
    """Its ARN is not on record; the account is, since before it was asked for."""
    manifest = builders.training() if dies == "CreateTrainingJob" else builders.endpoint()
    key = fakes.cluster.create(manifest)
    fakes.cloud.kill_after(dies)
    await_switch = fakes.restart

    def restart() -> None:
        fakes.cloud.become(THERE)
        await_switch()

    fakes.restart = restart  # type: ignore[method-assign]
    await fakes.run(3)
    fakes.restart = await_switch  # type: ignore[method-assign]
    assert fakes.cluster.condition(key, "Ready") == ("Unknown", "AccountMismatch")
    assert fakes.cluster.status(key)["account"] == HERE
    assert fakes.cloud.resources == {}
    await back(fakes)
    assert fakes.cluster.condition(key, "Reconciling") is None
    assert fakes.cloud.effects[dies] == 1


async def test_each_point_at_which_it_can_happen(fakes: Fakes) -> None:
    """Switched after any call, and back again after some time: all is made once, in the first account."""

    async def story(switch_at: int | None) -> Fakes:
        world = Fakes()
        keys = [world.cluster.create(builders.training()), world.cluster.create(builders.endpoint())]
        reach = world.points.reach

        def reached() -> None:
            reach()
            if world.points.passed == switch_at:
                world.cloud.become(THERE)

        world.points.reach = reached  # type: ignore[method-assign]
        await world.run(3)
        if world.cloud.account_id == THERE:
            has_made = {key for key in keys if world.cluster.status(key).get("resources")}
            recorded = {world.cluster.status(key)["account"] for key in has_made}
            assert recorded <= {HERE, THERE}
            # Of one that had nothing in the first account, the second one is the first.
            assert bool(world.cloud.resources) == (THERE in recorded), switch_at
            world.cloud.become(HERE)
            await world.run(5)
            keys = [key for key in keys if world.cluster.status(key).get("account") == HERE]
        assert {world.cluster.condition(key, "Ready") for key in keys} <= {("True", "Completed"), ("True", "InService")}
        assert all(count == 1 for name, count in world.cloud.effects.items() if name.startswith("Create")), switch_at
        return world

    undisturbed = await story(None)
    for point in range(1, undisturbed.points.passed):
        await story(point)


@KINDS
async def test_a_status_of_before_accounts_were_recorded_tells_it_by_its_arn(fakes: Fakes, kind: str) -> None:
    key = await made(fakes, kind)
    fakes.cluster.edit(key, lambda body: body["status"].pop("account"))
    await away(fakes, key, restarts=True)
    await back(fakes)
    assert fakes.cluster.status(key)["account"] == HERE


@KINDS
async def test_the_other_account_is_the_right_one_of_what_is_made_there(fakes: Fakes, kind: str) -> None:
    fakes.cloud.become(THERE)
    key = await made(fakes, kind)
    assert fakes.cluster.status(key)["account"] == THERE
    fakes.cluster.delete(key)
    await fakes.run(5)
    assert (key in fakes.cluster.objects, fakes.cloud.resources) == (False, {})


@KINDS
async def test_to_let_go_needs_no_account(fakes: Fakes, kind: str) -> None:
    key = await made(fakes, kind)
    there = names(fakes)
    await away(fakes, key, restarts=False)
    fakes.cluster.edit(key, lambda body: body["spec"].update(deletionPolicy="Retain"))
    fakes.cluster.delete(key)
    await fakes.run(2)
    assert key not in fakes.cluster.objects
    fakes.cloud.become(HERE)
    assert names(fakes) == there


@KINDS
@pytest.mark.parametrize("is_away", [False, True], ids=["with its credentials", "without"])
async def test_a_role_leads_to_another_account_as_ever(fakes: Fakes, kind: str, is_away: bool) -> None:
    key = await made(fakes, kind)
    own = names(fakes)
    if is_away:
        await away(fakes, key, restarts=False)
    fakes.cluster.edit(key, lambda body: body["spec"].update(assumeRoleArn=ROLE))
    await fakes.run(6)
    moved = {place.assume_role_arn for place, _, _ in fakes.cloud.resources}
    assert ROLE in moved
    assert fakes.cluster.condition(key, "Ready") in (("True", "InService"), ("True", "Completed"))
    if is_away:
        fakes.cloud.become(HERE)
        assert names(fakes) == own
    elif kind == "endpoint":
        assert moved == {ROLE}


async def test_what_a_role_has_made_waits_for_nobody(fakes: Fakes) -> None:
    key = fakes.cluster.create(builders.endpoint(assumeRoleArn=ROLE))
    await fakes.run(3)
    resources = dict(fakes.cloud.resources)
    fakes.cloud.become("111111111111")
    fakes.cloud.resources.update(resources)
    fakes.cluster.edit(key, lambda body: body["spec"].update(instanceCount=2))
    await fakes.run(3)
    assert fakes.cluster.condition(key, "Ready") == ("True", "InService")
    assert "account" not in fakes.cluster.status(key)


async def test_a_suspended_object_may_go_on_in_another_account(fakes: Fakes) -> None:
    """Nothing of it is left in the first one."""
    key = await made(fakes, "endpoint")
    fakes.cluster.edit(key, lambda body: body["spec"].update(suspend=True))
    await fakes.run(4)
    assert "account" not in fakes.cluster.status(key)
    fakes.cloud.become(THERE)
    fakes.cluster.edit(key, lambda body: body["spec"].update(suspend=False))
    await fakes.run(3)
    assert fakes.cluster.condition(key, "Ready") == ("True", "InService")
    assert fakes.cluster.status(key)["account"] == THERE


@pytest.mark.parametrize("manifest", [builders.training(), builders.endpoint()], ids=["training", "endpoint"])
@pytest.mark.parametrize(
    ("ends_there", "rounds"), [(False, 0), (True, 0), (True, 2)], ids=["one process", "restarted there", "and refused"]
)
@RESTARTS
async def test_where_everything_was_refused_there_is_nothing_to_wait_for(
    fakes: Fakes, manifest: dict[str, Any], *, ends_there: bool, rounds: int, restarts: bool
) -> None:
    """New objects meet credentials of an account in which these may make nothing."""
    fakes.cloud.become(THERE)
    refuse_to_make(fakes)
    key = fakes.cluster.create(manifest)
    await fakes.run(2)
    if ends_there:
        fakes.restart()
        await fakes.run(rounds)
    assert "AccessDenied" in str(fakes.cluster.condition(key, "Ready"))
    assert fakes.cluster.status(key)["account"] == ""
    fakes.cloud.calm()
    fakes.cloud.become(HERE)
    if restarts:
        fakes.restart()
    await fakes.run(4)
    assert fakes.cluster.condition(key, "Ready") in (("True", "InService"), ("True", "Completed"))
    assert fakes.cluster.status(key)["account"] == HERE
    assert all(count == 1 for name, count in fakes.cloud.effects.items() if name.startswith("Create"))


@pytest.mark.parametrize("manifest", [builders.training(), builders.endpoint()], ids=["training", "endpoint"])
@pytest.mark.parametrize("is_away", [False, True], ids=["there", "and gone"])
@RESTARTS
async def test_what_was_refused_is_deleted_in_any_account(
    fakes: Fakes, manifest: dict[str, Any], *, is_away: bool, restarts: bool
) -> None:
    fakes.cloud.become(THERE)
    refuse_to_make(fakes)
    key = fakes.cluster.create(manifest)
    await fakes.run(2)
    if is_away:
        fakes.cloud.become(HERE)
    if restarts:
        fakes.restart()
    fakes.cluster.delete(key)
    await fakes.run(3)
    assert (key in fakes.cluster.objects, fakes.cloud.resources) == (False, {})


@pytest.mark.parametrize("kind", ["running", "endpoint"])
@RESTARTS
async def test_what_is_refused_later_takes_nothing_back(fakes: Fakes, kind: str, *, restarts: bool) -> None:
    """An edit asks for something new, and that is refused: what was made before is where it was."""
    key = await made(fakes, kind)
    there = names(fakes)
    refuse_to_make(fakes)
    if restarts:
        fakes.restart()
    change = {"instanceType": "ml.m5.4xlarge"}
    fakes.cluster.edit(key, lambda body: body["spec"].update(change))
    await fakes.run(2)
    await away(fakes, key, restarts=restarts)
    await back(fakes)
    assert set(there) & set(names(fakes))
    assert fakes.cluster.status(key)["account"] == HERE


@pytest.mark.parametrize("manifest", [builders.training(), builders.endpoint()], ids=["training", "endpoint"])
async def test_a_later_process_that_only_waits_binds_it_to_no_account(fakes: Fakes, manifest: dict[str, Any]) -> None:
    """It starts there, has nothing to send, and writes the status all the same."""
    fakes.cloud.become(THERE)
    refuse_to_make(fakes)
    key = fakes.cluster.create(manifest)
    await fakes.run(2)
    fakes.restart()
    fakes.cluster.edit(key, lambda body: body["spec"].update(roleArn=""))
    await fakes.run(2)
    assert fakes.cluster.condition(key, "Stalled") == ("True", "InvalidSpec")
    fakes.restart()
    fakes.cloud.calm()
    fakes.cloud.become(HERE)
    fakes.cluster.edit(key, lambda body: body["spec"].update(roleArn=builders.ROLE))
    await fakes.run(4)
    assert fakes.cluster.status(key)["account"] == HERE


@pytest.mark.parametrize("is_recorded", [True, False], ids=["account on record", "of before accounts were recorded"])
async def test_what_was_made_before_the_refusal_is_where_it_was_made(fakes: Fakes, *, is_recorded: bool) -> None:
    """A model is there, its configuration was refused."""
    fakes.cloud.refuse("CreateEndpointConfig", "AccessDeniedException", "not authorized", times=50)
    key = fakes.cluster.create(builders.endpoint())
    await fakes.run(2)
    assert names(fakes)
    if not is_recorded:
        fakes.cluster.edit(key, lambda body: body["status"].pop("account"))
    fakes.restart()
    await fakes.run(2)
    assert fakes.cluster.status(key)["account"] == HERE
    fakes.cloud.become(THERE)
    fakes.cloud.calm()
    await fakes.run(3)
    assert fakes.cluster.condition(key, "Ready") == ("Unknown", "AccountMismatch")
    assert fakes.cloud.resources == {}


@RESTARTS
async def test_what_was_made_while_nobody_knew_the_account_is_not_forgotten(
    fakes: Fakes, monkeypatch: pytest.MonkeyPatch, *, restarts: bool
) -> None:
    """What is refused once the account is known says nothing of what was made before."""

    async def unknown(region: str) -> str:
        return ""

    fakes.cloud.refuse("CreateEndpointConfig", "AccessDeniedException", "not authorized", times=50)
    with monkeypatch.context() as patched:
        patched.setattr(fakes.cloud, "account", unknown)
        key = fakes.cluster.create(builders.endpoint())
        await fakes.run(2)
        if restarts:
            fakes.restart()
            await fakes.run(2)
    assert names(fakes)
    assert "account" not in fakes.cluster.status(key)
    refuse_to_make(fakes)
    fakes.cluster.edit(key, lambda body: body["spec"]["model"].update(image="other"))
    await fakes.run(2)
    assert fakes.cluster.status(key)["account"] == HERE


async def test_what_was_adopted_after_the_refusal_is_where_it_is(fakes: Fakes) -> None:
    model = {"ModelName": "m", "PrimaryContainer": {"Image": "i", "ModelDataUrl": "s3://b/m"}}
    fakes.cloud._make(PLACE, "Model", model)
    variant = {"VariantName": "x", "ModelName": "m", "InstanceType": "ml.c5.large", "InitialInstanceCount": 1}
    fakes.cloud._make(PLACE, "EndpointConfig", {"EndpointConfigName": "c", "ProductionVariants": [variant]})
    fakes.cloud._make(PLACE, "Endpoint", {"EndpointName": "legacy", "EndpointConfigName": "c"})
    fakes.cloud.progress()
    refuse_to_make(fakes)
    key = fakes.cluster.create(builders.endpoint())
    await fakes.run(2)
    assert fakes.cluster.status(key)["account"] == ""
    fakes.cluster.edit(key, lambda body: body["metadata"].update(annotations={ADOPT_ANNOTATION: "legacy"}))
    await fakes.run(3)
    assert fakes.cluster.status(key)["account"] == HERE
    fakes.cloud.become(THERE)
    await fakes.run(3)
    assert fakes.cluster.condition(key, "Ready") == ("Unknown", "AccountMismatch")


@pytest.mark.parametrize("manifest", [builders.training(), builders.endpoint()], ids=["training", "endpoint"])
async def test_where_an_answer_was_lost_there_may_be_something(fakes: Fakes, manifest: dict[str, Any]) -> None:
    fakes.cloud.become(THERE)
    for operation in ("CreateTrainingJob", "CreateModel"):
        fakes.cloud.refuse(operation, "InternalFailure", status=500, after=True)
    key = fakes.cluster.create(manifest)
    await fakes.look()
    made_there = dict(fakes.cloud.resources)
    fakes.cloud.become(HERE)
    await fakes.run(4)
    assert fakes.cluster.condition(key, "Ready") == ("Unknown", "AccountMismatch")
    assert fakes.cloud.resources == {}
    fakes.cloud.become(THERE)
    assert fakes.cloud.resources.keys() == made_there.keys()
    await fakes.run(4)
    assert fakes.cluster.condition(key, "Ready") in (("True", "InService"), ("True", "Completed"))


@pytest.mark.parametrize("manifest", [builders.training(), builders.endpoint()], ids=["training", "endpoint"])
async def test_a_retry_that_is_refused_again_is_no_news(fakes: Fakes, manifest: dict[str, Any]) -> None:
    """Nothing is written and nothing is told while AWS goes on refusing."""
    refuse_to_make(fakes)
    key = fakes.cluster.create(manifest)
    await fakes.run(2)
    told, conditions = list(fakes.cluster.events), fakes.cluster.status(key)["conditions"]
    written, tried = fakes.cluster.writes, tries(fakes)
    await fakes.run(10)
    assert tries(fakes) > tried
    assert fakes.cluster.events == told
    assert fakes.cluster.status(key)["conditions"] == conditions
    assert fakes.cluster.writes == written


@pytest.mark.parametrize("manifest", [builders.training(), builders.endpoint()], ids=["training", "endpoint"])
async def test_a_retry_that_took_effect_before_a_crash_binds_the_object(fakes: Fakes, manifest: dict[str, Any]) -> None:
    """It is refused first, and the answer of a later try is lost with the process."""
    fakes.cloud.become(THERE)
    refuse_to_make(fakes)
    key = fakes.cluster.create(manifest)
    await fakes.run(2)
    assert fakes.cluster.status(key)["account"] == ""
    fakes.cloud.calm()
    for operation in ("CreateTrainingJob", "CreateModel"):
        fakes.cloud.refuse(operation, "InternalFailure", status=500, after=True)
    await fakes.run(1, progress=False)
    assert fakes.cloud.resources
    assert fakes.cluster.status(key)["account"] == THERE
    fakes.restart()
    fakes.cloud.become(HERE)
    await fakes.run(4)
    assert fakes.cluster.condition(key, "Ready") == ("Unknown", "AccountMismatch")
    assert fakes.cloud.resources == {}


async def test_throttling_writes_no_account(fakes: Fakes) -> None:
    """It passes in a moment: the account stays on record, and costs no write."""
    fakes.cloud.refuse("CreateTrainingJob", "ThrottlingException", "slow down", times=3)
    key = fakes.cluster.create(builders.training())
    await fakes.look()
    assert fakes.cluster.status(key)["account"] == HERE


async def test_a_smoke_test_is_not_failed_by_it(fakes: Fakes) -> None:
    """The endpoint is not found in the other account: that is no answer of the model's."""
    fakes.cloud.objects["s3://bucket/image.png"] = b"image"
    test = {"image": {"s3Uri": "s3://bucket/image.png"}}
    key = fakes.cluster.create(builders.endpoint(smokeTest=test))
    invoke = fakes.cloud.invoke

    async def switched(*args: Any, **options: Any) -> bytes:
        fakes.cloud.become(THERE)
        fakes.cloud.invoke = invoke  # type: ignore[method-assign]
        return await invoke(*args, **options)

    fakes.cloud.invoke = switched  # type: ignore[method-assign]
    await fakes.run(3)
    assert fakes.cluster.condition(key, "Ready") == ("Unknown", "AccountMismatch")
    assert "smokeTest" not in fakes.cluster.status(key)
    await back(fakes)
    assert fakes.cluster.condition(key, "Ready") == ("True", "InService")
    assert fakes.cluster.status(key)["smokeTest"]["outcome"] == "Passed"


async def test_an_import_asks_for_nothing_in_the_other_account(fakes: Fakes) -> None:
    """Neither before a pass has noticed that the credentials are of another one, nor after it."""
    url = "https://a.example/x.rec"
    fakes.sources.files[url] = FakeFile(b"a file")
    key = await made(fakes, "complete")
    train, validation = builders.training_spec()["inputs"]
    inputs = [{**train, "source": {"url": url}}, validation]
    fakes.cluster.edit(key, lambda body: body["spec"].update(inputs=inputs))
    fakes.cloud.become(THERE)
    sent = len(fakes.cloud.places)
    await fakes.look()
    await fakes.run(2)
    assert fakes.cloud.places[sent:] == []
    assert fakes.cloud.s3.objects == {}
    await back(fakes)
    assert fakes.cluster.condition(key, "Ready") == ("True", "Completed")
    assert len(fakes.cloud.s3.objects) == 1


async def test_while_nobody_can_tell_the_account_nothing_waits_that_needs_no_comparison(fakes: Fakes) -> None:
    async def nobody(region: str) -> str:
        return ""

    fakes.cloud.account = nobody  # type: ignore[method-assign]
    fakes.restart()
    for kind in ("complete", "endpoint"):
        key = await made(fakes, kind)
        # AWS has named it since.
        assert fakes.cluster.status(key).get("account", HERE) == HERE
        fakes.cluster.delete(key)
    await fakes.run(5)
    assert (fakes.cluster.objects, fakes.cloud.resources) == ({}, {})


def test_the_status_that_a_hand_has_spoilt_is_no_account() -> None:
    entry = {"type": "Endpoint", "name": "x", "region": "us-east-1"}
    for spoilt in ("999", "x" * 12, 7, None, ["1"]):
        body = merged(builders.endpoint(), {"status": {"resources": [entry]}})
        body["status"]["account"] = spoilt
        assert recorded_account(body) == ""


# On a real API server, with the emulated AWS and credentials that renew themselves.

ELSEWHERE = "222222222222"


@pytest.fixture
def source(world: World) -> Iterator[CredentialsSource]:
    """The operator's credentials, as Pod Identity gives them, which a test makes another account's."""
    with CredentialsSource(credentials_of(world.aws.url, f"arn:aws:iam::{HERE}:role/{OPERATOR_ROLE}")) as made:
        yield made


def at_aws(world: World) -> list[tuple[str, str, str]]:
    return sorted((one["account"], one["kind"], one["name"]) for one in world.aws.resources())


def test_on_real_parts_the_account_is_switched_and_switched_back(
    world: World, source: CredentialsSource, start: Callable[..., OperatorProcess]
) -> None:
    def started() -> OperatorProcess:
        return start("--guard-interval", "1", environment=source.environment)

    world.aws.change_settings(training={"training_seconds": 3000})
    operator = started()
    serve(world)
    world.apply(training("running", deletionPolicy="Delete"), training("edited", deletionPolicy="Delete"))
    for name in ("running", "edited"):
        world.wait_for("ctrain", name, "Training")
    before = at_aws(world)
    assert {account for account, _, _ in before} == {HERE}

    source.become(credentials_of(world.aws.url, f"arn:aws:iam::{ELSEWHERE}:role/Classifiers"))
    for kind, name in (("cep", "digits"), ("ctrain", "running"), ("ctrain", "edited")):
        status = world.wait_for(kind, name, "AccountMismatch")
        assert condition(status, "Ready")["status"] == "Unknown"
        assert condition(status, "Reconciling")["reason"] == "AccountMismatch"
    assert "3 objects (AccountMismatch)" in operator.get("/readyz")
    assert operator.metric("account_mismatches") == 3
    sent = {name: count for name, count in world.aws.counts().items() if not name.startswith("sts.")}
    world.kubectl("delete", "cep/digits", "ctrain/running", "--wait=false")
    world.patch_spec("ctrain", "edited", {"hyperparameters": {"epochs": 9}})
    later(world, 600)
    operator.kill()
    operator = started()
    world.wait_for("ctrain", "edited", "AccountMismatch", of="Reconciling")
    later(world, 600)
    assert all(world.exists(*one) for one in (("cep", "digits"), ("ctrain", "running"), ("ctrain", "edited")))
    assert at_aws(world) == before
    after = {name: count for name, count in world.aws.counts().items() if not name.startswith("sts.")}
    assert after == sent

    source.become(credentials_of(world.aws.url, f"arn:aws:iam::{HERE}:role/{OPERATOR_ROLE}"))
    until(lambda: not world.exists("cep", "digits") and not world.exists("ctrain", "running"), "both to be gone", 120)
    world.wait_for("ctrain", "edited", "Training", seconds=120)
    assert operator.get("/readyz") == "ok"
    assert operator.metric("account_mismatches") == 0
    world.kubectl("delete", "ctrain/edited", "--timeout=60s")
    assert at_aws(world) == []
    assert "JobLost" not in world.events("edited")
    # Each set of credentials is asked for its account once by each process: no more than four.
    assert world.calls("sts.GetCallerIdentity") <= 4
