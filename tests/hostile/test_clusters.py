"""Clusters whose objects have the same UIDs, because one was made from a copy of the other, keep off each other."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Iterator

import boto3
import pytest
from botocore.exceptions import ClientError

from classifier_operator.api.kinds import CLUSTER_TAG, OBJECT_TAG, UID_TAG, Kind, ObjectKey
from classifier_operator.api.ledger import Place
from classifier_operator.runtime.cluster_identity import ClusterIdentity
from tests.apiserver.identity import ROLE, client, give, operator_environment
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.serving import later, made, serve
from tests.apiserver.world import World, training, until
from tests.policies import document
from tests.unit import builders
from tests.unit.world import World as Fakes

PLACE = Place(builders.REGION)
CHANGES = ("Create", "Update", "Delete", "Stop", "AddTags", "Register", "Put", "Invoke")
ENDPOINT = ObjectKey(Kind.ENDPOINT, "vision", "served")
TRAINING = ObjectKey(Kind.TRAINING, "vision", "digits")


async def production(name: str = "production") -> Fakes:
    """A cluster with a training and an endpoint that serves, whose operator knows that name for it."""
    fakes = named(Fakes(), name)
    fakes.cluster.create(builders.training())
    fakes.cluster.create(builders.endpoint("served"))
    await fakes.run(3)
    assert fakes.cluster.condition(ENDPOINT, "Ready") == ("True", "InService")
    assert fakes.cluster.condition(TRAINING, "Ready") == ("True", "Completed")
    return fakes


def named(fakes: Fakes, name: str, *former: str) -> Fakes:
    """The same cluster, with an operator that was told another name."""
    fakes.identity = ClusterIdentity(name, former)
    fakes.restart()
    fakes.cloud.log.clear()
    return fakes


def clone_of(fakes: Fakes, name: str) -> Fakes:
    """A cluster from a copy of its etcd, whose operator works in the same account."""
    clone = Fakes()
    for key, body in fakes.cluster.objects.items():
        clone.cluster.objects[key] = copy.deepcopy(body)
    clone.cluster._version = fakes.cluster._version
    clone.cloud.resources, clone.cloud._tags = fakes.cloud.resources, fakes.cloud._tags
    return named(clone, name)


def changes(fakes: Fakes) -> list[tuple[str, str]]:
    return [one for one in fakes.cloud.log if one[0].startswith(CHANGES)]


@pytest.mark.parametrize("name", ["clone", ""], ids=["with another name", "without a name"])
async def test_a_clone_deletes_nothing_of_the_first_one(name: str) -> None:
    fakes = await production()
    before = copy.deepcopy(fakes.cloud.resources)
    clone = clone_of(fakes, name)
    await clone.run(4)
    assert changes(clone) == []
    for key in (ENDPOINT, TRAINING):
        clone.cluster.edit(key, lambda body: body["spec"].update(deletionPolicy="Delete"))
        clone.cluster.delete(key)
    await clone.run(5)
    assert clone.cluster.objects == {}
    assert changes(clone) == []
    assert fakes.cloud.resources == before


async def test_an_edit_in_a_clone_changes_nothing_of_the_first_one() -> None:
    fakes = await production()
    before = copy.deepcopy(fakes.cloud.resources)
    clone = clone_of(fakes, "clone")
    clone.cluster.edit(ENDPOINT, lambda body: body["spec"].update(instanceCount=5, tags={"team": "clone"}))
    await clone.run(4)
    assert clone.cluster.condition(ENDPOINT, "Stalled") == ("True", "NameTaken")
    assert "belongs to ClassifierEndpoint/vision/served of cluster production" in str(clone.cluster.status(ENDPOINT))
    clone.cluster.edit(TRAINING, lambda body: body["spec"].update(tags={"team": "clone"}))
    clone.cluster.edit(ENDPOINT, lambda body: body["spec"].update(suspend=True))
    await clone.run(4)
    assert {name: fakes.cloud.resources[name] for name in before} == before
    names = {name for _, _, name in before}
    assert [one for one in changes(clone) if one[1].split("/")[-1] in names] == []


async def test_a_running_job_is_not_stopped_by_a_clone() -> None:
    fakes = named(Fakes(), "production")
    fakes.cluster.create(builders.training())
    await fakes.look()
    (job,) = fakes.cloud.running()
    clone = clone_of(fakes, "clone")
    clone.cluster.edit(TRAINING, lambda body: body["spec"].update(suspend=True))
    await clone.run(3, progress=False)
    clone.cluster.delete(TRAINING)
    await clone.run(3, progress=False)
    assert fakes.cloud.running() == [job]
    assert changes(clone) == []
    assert clone.cluster.objects == {}


async def test_what_is_left_behind_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """If the name is a mistake, somebody has to know what goes on costing."""
    fakes = await production()
    endpoint = fakes.cluster.status(ENDPOINT)["endpointName"]
    clone = clone_of(fakes, "clone")
    clone.cluster.delete(ENDPOINT)
    await clone.run(4)
    (note,) = [note for name, reason, note in clone.cluster.events if (name, reason) == ("served", "NameTaken")]
    assert f"Endpoint {endpoint}" in note
    assert "of cluster production" in note
    assert endpoint in caplog.text


async def test_two_clusters_of_different_names_have_their_own_and_go_on() -> None:
    fakes = await production()
    clone = clone_of(fakes, "clone")
    body = builders.endpoint("another")
    body["metadata"]["uid"] = "made-in-the-clone"
    key = clone.cluster.create(body)
    await clone.run(3)
    assert clone.cluster.condition(key, "Ready") == ("True", "InService")
    name = clone.cluster.status(key)["endpointName"]
    assert clone.cloud.tags_of(name, "Endpoint")[CLUSTER_TAG] == "clone"
    fakes.cluster.delete(ENDPOINT)
    await fakes.run(4)
    assert fakes.cloud.names("Endpoint") == [name]


# Names that come, change and are not known.


async def test_all_that_is_made_bears_the_clusters_name() -> None:
    fakes = await production()
    assert {kind for _, kind, _ in fakes.cloud.resources} == {"TrainingJob", "Model", "EndpointConfig", "Endpoint"}
    for _, kind, name in fakes.cloud.resources:
        tags = fakes.cloud.tags_of(name, kind)
        assert (tags[CLUSTER_TAG], UID_TAG in tags, OBJECT_TAG in tags) == ("production", True, True)


async def test_the_name_is_no_part_of_the_names_at_aws() -> None:
    """Or every training would run again when an operator learns one."""
    with_name, without = await production(), await production("")
    assert sorted(with_name.cloud.resources) == sorted(without.cloud.resources)


async def test_what_has_no_name_stays_owned_and_gets_it_once() -> None:
    fakes = await production("")
    job = fakes.cluster.status(TRAINING)["jobName"]
    named(fakes, "production")
    await fakes.run(3)
    assert Counter(operation for operation, _ in changes(fakes)) == {"AddTags": 4}
    # Each is looked at once, with its tags, before it is changed.
    assert len(fakes.cloud.log) <= 4 * 3 + 2 * 4
    for _, kind, name in fakes.cloud.resources:
        assert fakes.cloud.tags_of(name, kind)[CLUSTER_TAG] == "production"
    assert fakes.cluster.condition(ENDPOINT, "Ready") == ("True", "InService")
    assert fakes.cluster.status(TRAINING)["jobName"] == job
    assert fakes.cloud.count("CreateTrainingJob") == 0
    writes = fakes.cluster.writes
    fakes.restart()
    fakes.cloud.log.clear()
    await fakes.run(3)
    assert (changes(fakes), fakes.cloud.count("ListTags"), fakes.cluster.writes) == ([], 0, writes)


async def test_what_has_no_name_is_deleted_with_its_object() -> None:
    fakes = await production("")
    named(fakes, "production")
    for key in (ENDPOINT, TRAINING):
        fakes.cluster.edit(key, lambda body: body["spec"].update(deletionPolicy="Delete"))
        fakes.cluster.delete(key)
    await fakes.run(5)
    assert fakes.cloud.resources == {}


async def test_a_former_name_is_replaced() -> None:
    fakes = await production("old")
    named(fakes, "new", "old")
    await fakes.run(3)
    for _, kind, name in fakes.cloud.resources:
        assert fakes.cloud.tags_of(name, kind)[CLUSTER_TAG] == "new"
    assert fakes.cluster.condition(ENDPOINT, "Ready") == ("True", "InService")


async def test_without_the_former_name_nothing_is_touched_until_it_is_given() -> None:
    fakes = await production("old")
    before = copy.deepcopy(fakes.cloud.resources)
    named(fakes, "new")
    fakes.cluster.edit(ENDPOINT, lambda body: body["spec"].update(instanceCount=2))
    await fakes.run(3)
    assert fakes.cluster.condition(ENDPOINT, "Stalled") == ("True", "NameTaken")
    assert (changes(fakes), fakes.cloud.resources) == ([], before)
    named(fakes, "new", "old")
    await fakes.run(4)
    assert fakes.cluster.condition(ENDPOINT, "Ready") == ("True", "InService")
    assert fakes.cluster.condition(ENDPOINT, "Stalled") is None


async def test_a_name_is_kept_where_it_is_not_known_any_more() -> None:
    """It may not be read for a while: what bears it is nobody's meanwhile, and keeps it."""
    fakes = await production()
    named(fakes, "")
    fakes.cluster.edit(ENDPOINT, lambda body: body["spec"].update(tags={"team": "vision"}))
    await fakes.run(3)
    assert changes(fakes) == []
    named(fakes, "production")
    await fakes.run(4)
    assert fakes.cluster.condition(ENDPOINT, "Ready") == ("True", "InService")


async def test_an_adopted_endpoint_gets_all_three_tags() -> None:
    fakes = named(Fakes(), "production")
    fakes.cloud._make(
        PLACE, "Model", {"ModelName": "m", "PrimaryContainer": {"Image": "i", "ModelDataUrl": "s3://b/m"}}
    )
    variant = {"VariantName": "x", "ModelName": "m", "InstanceType": "ml.c5.large", "InitialInstanceCount": 1}
    fakes.cloud._make(PLACE, "EndpointConfig", {"EndpointConfigName": "c", "ProductionVariants": [variant]})
    fakes.cloud._make(PLACE, "Endpoint", {"EndpointName": "by-hand", "EndpointConfigName": "c"})
    fakes.cloud.progress()
    fakes.clock.seconds += 86400
    body = builders.endpoint("served")
    body["metadata"]["annotations"] = {"classifiers.sagemaker.dev/adopt": "by-hand"}
    fakes.cluster.create(body)
    await fakes.run(4)
    tags = fakes.cloud.tags_of("by-hand", "Endpoint")
    uid = fakes.cluster.objects[ENDPOINT]["metadata"]["uid"]
    assert tags == {UID_TAG: uid, OBJECT_TAG: "ClassifierEndpoint/vision/served", CLUSTER_TAG: "production"}


async def test_a_spec_cannot_set_the_operators_tags() -> None:
    """The CRD refuses such keys; an older one may have let them in."""
    fakes = named(Fakes(), "production")
    tags = {UID_TAG: "another", OBJECT_TAG: "x", CLUSTER_TAG: "elsewhere", "team": "vision"}
    key = fakes.cluster.create(builders.endpoint("served", tags=tags))
    job = fakes.cluster.create(builders.training(tags=tags))
    await fakes.run(3)
    fakes.cluster.edit(key, lambda body: body["spec"]["tags"].update(team="sound"))
    fakes.cluster.edit(job, lambda body: body["spec"].update(tags={}))
    await fakes.run(3)
    for _, kind, name in fakes.cloud.resources:
        found = fakes.cloud.tags_of(name, kind)
        owner = fakes.cluster.objects[job if kind == "TrainingJob" else key]["metadata"]["uid"]
        assert (found[UID_TAG], found[CLUSTER_TAG]) == (owner, "production")
        assert found.get("team") == (None if kind == "TrainingJob" else "sound")


@pytest.mark.parametrize(("count", "has_name"), [(47, True), (48, False)])
async def test_fifty_tags_are_all_that_there_is_room_for(count: int, has_name: bool) -> None:
    fakes = named(Fakes(), "production")
    tags = {f"a{number:02}": "x" for number in range(count)}
    key = fakes.cluster.create(builders.endpoint("served", tags=tags))
    await fakes.run(3)
    assert fakes.cluster.condition(key, "Ready") == ("True", "InService")
    found = fakes.cloud.tags_of(fakes.cluster.status(key)["endpointName"], "Endpoint")
    assert (len(found), CLUSTER_TAG in found) == (50, has_name)
    fakes.cluster.delete(key)
    await fakes.run(4)
    assert fakes.cloud.resources == {}


# On a real API server, with the emulated AWS. An operator with another name sees the objects just as a clone's would.


def names_of(world: World) -> dict[str, set[str]]:
    """The clusters' names that resources at AWS bear, by kind."""
    found: dict[str, set[str]] = {}
    for one in world.aws.resources():
        found.setdefault(one["kind"], set()).add(one["tags"].get(CLUSTER_TAG, ""))
    return found


def all_bear(world: World, name: str) -> bool:
    return set().union(*names_of(world).values()) == {name}


def test_on_real_parts_a_clone_leaves_the_first_one_alone(world: World, start: Callable[..., OperatorProcess]) -> None:
    world.aws.change_settings(training={"training_seconds": 3000})
    operator = start("--cluster-name", "production")
    serve(world)
    world.apply(training("running", deletionPolicy="Delete"))
    world.wait_for("ctrain", "running", "Training")
    assert all_bear(world, "production")
    before = world.remaining()
    operator.kill()
    start("--cluster-name", "clone")
    world.wait_for("cep", "digits", "NameTaken", of="Stalled")
    world.patch_spec("cep", "digits", {"instanceCount": 3})
    world.patch_spec("ctrain", "running", {"tags": {"team": "clone"}})
    later(world)
    assert world.remaining() == before
    world.kubectl("delete", "cep,ctrain", "--all", "--timeout=60s")
    later(world)
    assert world.remaining() == before
    assert any("of cluster production" in note for note in world.notes("digits"))


def test_on_real_parts_the_name_is_learnt_and_what_has_none_gets_it(
    world: World, start: Callable[..., OperatorProcess]
) -> None:
    """The tags that an operator of before has made are two."""
    uid = world.cluster.kubectl("get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}").stdout
    operator = start()
    status = serve(world)
    world.apply(training("run"))
    world.wait_for("ctrain", "run", "Completed")
    assert all_bear(world, uid)
    operator.kill()
    sagemaker = world.client("sagemaker")
    for one in world.aws.resources():
        sagemaker.delete_tags(ResourceArn=one["arn"], TagKeys=[CLUSTER_TAG])
    for kind, name in (("cep", "digits"), ("ctrain", "run")):
        patch = json.dumps({"status": {"tags": None}})
        world.kubectl("patch", kind, name, "--subresource=status", "--type=merge", "-p", patch)
    world.aws.clear_calls()
    operator = start()
    until(lambda: all_bear(world, uid), "all to bear the name")
    operator.wait_for_more("sweep_seconds_count", 3)
    assert (world.calls("AddTags"), world.calls("ListTags")) == (4, 4)
    assert (world.calls("CreateTrainingJob"), world.calls("CreateEndpoint"), world.calls("UpdateEndpoint")) == (0, 0, 0)
    assert world.status("cep", "digits")["endpointConfigName"] == status["endpointConfigName"]


@pytest.fixture
def of_a_cluster(world: World) -> Iterator[Callable[[str], None]]:
    """Give the operator's role the policy of a cluster of that name; it is taken away in the end."""
    iam = client(world.aws.url, "iam")
    yield lambda name: give(world.aws.url, ROLE, {"cluster": document("cluster-policy", CLUSTER=name)})
    iam.delete_role_policy(RoleName=ROLE, PolicyName="cluster")
    iam.close()


def test_on_real_parts_iam_keeps_off_another_clusters_resources(
    world: World, start: Callable[..., OperatorProcess], of_a_cluster: Callable[[str], None]
) -> None:
    """A whole life under the policy of the own name; under another's nothing is touched, by whatever program."""
    of_a_cluster("production")
    operator = start("--cluster-name", "production")
    name = serve(world, tags={"team": "vision"})["endpointName"]
    world.patch_spec("cep", "digits", {"tags": {"team": "sound"}, "instanceType": "ml.m5.xlarge"})
    until(lambda: made(world, "endpoints")[name]["tags"].get("team") == "sound", "the tags to change")
    operator.kill()
    of_a_cluster("clone")
    world.may_lack = {"sagemaker:DeleteEndpoint", "sagemaker:UpdateEndpoint", "sagemaker:CreateModel"}
    given = operator_environment(world.aws.url)
    sagemaker = boto3.client(
        "sagemaker",
        endpoint_url=world.aws.url,
        region_name="us-east-1",
        aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=given["AWS_SESSION_TOKEN"],
    )
    owned = [{"Key": UID_TAG, "Value": "1"}, {"Key": CLUSTER_TAG, "Value": "production"}]
    denied = {
        "delete_endpoint": {"EndpointName": name},
        "update_endpoint": {"EndpointName": name, "EndpointConfigName": "other"},
        "create_model": {"ModelName": "m", "ExecutionRoleArn": builders.ROLE, "Tags": owned},
    }
    for operation, params in denied.items():
        with pytest.raises(ClientError, match="AccessDenied"):
            getattr(sagemaker, operation)(**params)
    of_a_cluster("production")
    sagemaker.delete_endpoint(EndpointName=name)
    sagemaker.close()
