"""Team A names team B's role, region and endpoints: nothing of team B's is reached."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.apiserver.identity import ROLE, give, install_role
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.serving import adopting, of_model, settled, strangers_endpoint
from tests.apiserver.world import BUCKET, REGION, Json, World, condition, endpoint, training, until
from tests.faults.proxy import ApiProxy, Fault
from tests.policies import document

GROUP = "classifiers.sagemaker.dev"
Start = Callable[..., OperatorProcess]
CLUSTER = ("--cluster-name", "production")
TAGS = ("--assume-role-session-tags", "--assume-role-external-id", "{cluster}/{namespace}")


@pytest.fixture
def neighbour(world: World) -> Iterator[World]:
    """Team B's namespace, beside the world's, which is team A's."""
    name = f"test-{secrets.token_hex(4)}"
    world.cluster.kubectl("create", "namespace", name)
    other = World(world.cluster, name, world.aws)
    yield other
    other.close()


def in_account(account: str, name: str = "digits", **changes: Any) -> dict[str, Any]:
    """A training by the role in that account, with its execution role and its data there."""
    return training(
        name,
        assumeRoleArn=f"arn:aws:iam::{account}:role/Classifiers",
        roleArn=f"arn:aws:iam::{account}:role/SageMakerExecution",
        output={"s3Uri": f"s3://{BUCKET}-{account}/output"},
        **changes,
    )


def calls_in(world: World, account: str) -> list[dict[str, Any]]:
    """Every call that was made in that account, but for those of the test itself."""
    return [one for one in world.aws.calls() if one["account"] == account]


def sessions(world: World) -> set[str]:
    """By which sessions SageMaker was called."""
    permissions = [need for call in world.aws.calls() for need in call["permissions"]]
    return {one["principal"] for one in permissions if one["action"].startswith("sagemaker:")}


@pytest.mark.parametrize(
    ("account", "policy", "options"),
    [("444444444444", "tenant-trust-policy", CLUSTER), ("555555555555", "tenant-trust-policy-tags", CLUSTER + TAGS)],
    ids=["name", "tags"],
)
def test_another_teams_role_is_refused_by_its_trust_policy_alone(
    world: World, neighbour: World, start: Start, account: str, policy: str, options: tuple[str, ...]
) -> None:
    world.may_lack = {"sts:AssumeRole"}
    install_role(world.aws.url, account, document(policy, TENANT=neighbour.namespace))
    give(world.aws.url, ROLE, {"session-tags": document("session-tags-policy")})
    world.client("s3", role=f"arn:aws:iam::{account}:role/Root").create_bucket(Bucket=f"{BUCKET}-{account}")
    start(*options, "--namespace", neighbour.namespace)
    world.aws.clear_calls()
    world.apply(in_account(account))
    status = world.wait_for("ctrain", "digits", "AccessPending")
    assert "is not authorized to perform: sts:AssumeRole" in condition(status, "Reconciling")["message"]
    assert calls_in(world, account) == []
    # While one is refused and tried again, the other works, and its session serves nobody else.
    neighbour.apply(in_account(account))
    neighbour.wait_for("ctrain", "digits", "Completed")
    before = world.calls("sts.AssumeRole")
    until(lambda: world.calls("sts.AssumeRole") > before, "another try")
    assert condition(world.status("ctrain", "digits"), "Ready")["reason"] == "AccessPending"
    mine = f"arn:aws:sts::{account}:assumed-role/Classifiers/{neighbour.namespace}@production"
    assert sessions(world) == {mine}


MINE, THEIRS = "222222222222", "333333333333"
MY_ROLE, THEIR_ROLE = (f"arn:aws:iam::{account}:role/Classifiers" for account in (MINE, THEIRS))
EXECUTION = f"arn:aws:iam::{MINE}:role/SageMakerExecution"
SETTINGS = {"region": REGION, "role-arn": EXECUTION, "assume-role-arn": MY_ROLE}
FINAL = {**SETTINGS, "enforce": "region,role-arn,assume-role-arn"}
# A changed annotation counts soon, and what is asked of AWS is looked at often.
SOON = ("--namespace-interval", "0.5", "--guard-interval", "1")
LONG = {"training_seconds": 100_000}
FORBIDDEN = [{"assumeRoleArn": THEIR_ROLE}, {"region": "eu-west-1"}, {"roleArn": THEIR_ROLE.replace("ers", "ers2")}]


@pytest.fixture
def buckets(world: World) -> None:
    """A bucket for models, and a model, in each account."""
    for account in (MINE, THEIRS):
        s3 = world.client("s3", role=f"arn:aws:iam::{account}:role/Root")
        s3.create_bucket(Bucket=f"{BUCKET}-{account}")
        s3.put_object(Bucket=f"{BUCKET}-{account}", Key="model.tar.gz", Body=b"model")
    world.aws.clear_calls()


def annotate(world: World, annotations: Mapping[str, str]) -> None:
    """Give the namespace these annotations, and no others of ours."""
    names = ("region", "role-arn", "assume-role-arn", "deletion-policy", "enforce")
    pairs = [f"{GROUP}/{name}={annotations[name]}" if name in annotations else f"{GROUP}/{name}-" for name in names]
    world.cluster.kubectl("annotate", "--overwrite", "namespace", world.namespace, *pairs)


def left_to_the_namespace(kind: str, name: str = "digits", account: str = MINE, **changes: Any) -> dict[str, Any]:
    """An object that says nothing of where and as whom, but for the changes."""
    if kind == "ctrain":
        output = {"s3Uri": f"s3://{BUCKET}-{account}/output"}
        return training(name, **{"region": None, "roleArn": None, "output": output, **changes})
    model = {"artifactS3Uri": f"s3://{BUCKET}-{account}/model.tar.gz"}
    return endpoint(name, **{"region": None, "roleArn": None, "trainingRef": None, "model": model, **changes})


def asked_of(world: World, account: str, region: str = "") -> list[str]:
    """The permissions that were needed in that account, by whomever: to assume its roles, and all within."""
    needs = [(call["region"], need) for call in world.aws.calls() for need in call["permissions"]]
    return [
        f"{one['action']} on {one['resource']} in {where}"
        for where, one in needs
        if f":{account}:" in one["resource"] + one["principal"] and region in ("", where)
    ]


def goes_round(operator: OperatorProcess) -> None:
    """Wait until everything has been looked at again, whatever is looked at."""
    operator.wait_for_more("sweep_seconds_count", 6)


def refused(world: World, kind: str, name: str = "digits") -> str:
    """What a Stalled NotAllowed object says."""
    return str(condition(world.wait_for(kind, name, "NotAllowed", of="Stalled"), "Stalled")["message"])


@pytest.mark.usefixtures("buckets")
def test_a_field_that_differs_from_what_is_final_is_refused_before_any_call(world: World, start: Start) -> None:
    annotate(world, FINAL)
    operator = start(*SOON)
    names = {}
    for kind in ("ctrain", "cep"):
        for number, changes in enumerate(FORBIDDEN):
            for suspend in (False, True):
                names[f"n{number}-{suspend}".lower(), kind] = left_to_the_namespace(
                    kind, f"n{number}-{suspend}".lower(), suspend=suspend, **changes
                )
    world.apply(*names.values())
    for name, kind in names:
        assert "is not allowed: the namespace's annotation" in refused(world, kind, name)
    goes_round(operator)
    assert [call["operation"] for call in world.aws.calls()] == []
    world.kubectl("delete", "ctrain,cep", "--all", "--timeout=60s")
    assert [call["operation"] for call in world.aws.calls()] == []


@pytest.mark.usefixtures("buckets")
@pytest.mark.parametrize("kind", ["ctrain", "cep"])
def test_an_edit_beyond_the_wall_is_refused_and_what_is_there_is_cared_for(
    world: World, start: Start, kind: str
) -> None:
    annotate(world, FINAL)
    operator = start(*SOON)
    done = {"ctrain": "Completed", "cep": "InService"}[kind]
    world.apply(left_to_the_namespace(kind))
    world.wait_for(kind, "digits", done)
    for changes in FORBIDDEN:
        world.patch_spec(kind, "digits", changes)
        refused(world, kind)
        goes_round(operator)
        world.patch_spec(kind, "digits", dict.fromkeys(changes))
        world.wait_for(kind, "digits", done)
    world.patch_spec(kind, "digits", {**FORBIDDEN[0], "suspend": True})
    refused(world, kind)
    world.delete(kind, "digits")
    assert not [one for one in world.remaining() if one[0] == "endpoints"]
    assert asked_of(world, THEIRS) == []
    assert asked_of(world, MINE, "eu-west-1") == []


@pytest.mark.usefixtures("buckets")
@pytest.mark.parametrize("kind", ["ctrain", "cep"])
def test_a_wall_that_is_put_up_keeps_the_operator_from_what_was_made_before(
    world: World, start: Start, kind: str
) -> None:
    world.aws.change_settings(training=LONG)
    annotate(world, {"region": REGION, "role-arn": EXECUTION.replace(MINE, THEIRS)})
    operator = start(*SOON)
    world.apply(left_to_the_namespace(kind, account=THEIRS, assumeRoleArn=THEIR_ROLE, deletionPolicy="Delete"))
    world.wait_for(kind, "digits", {"ctrain": "Training", "cep": "InService"}[kind])
    annotate(world, FINAL)
    assert f"by {THEIR_ROLE}" in refused(world, kind)
    world.aws.clear_calls()
    goes_round(operator)
    operator.kill()
    operator = start(*SOON)
    goes_round(operator)
    world.kubectl("delete", kind, "digits", "--wait=false")
    waiting = world.wait_for(kind, "digits", "Deleting")
    assert f"by {THEIR_ROLE}" in condition(waiting, "Ready")["message"]
    goes_round(operator)
    assert asked_of(world, THEIRS) == []
    # The platform team lets it be tidied up.
    annotate(world, SETTINGS)
    until(lambda: not world.exists(kind, "digits"), "it to be taken down")
    assert world.remaining() == []


@pytest.mark.usefixtures("buckets")
@pytest.mark.parametrize("ahead", [0, 1000], ids=["put-back", "newer"])
@pytest.mark.parametrize("kind", ["ctrain", "cep"])
def test_a_status_that_names_another_teams_things_leads_to_no_call(
    world: World, start: Start, kind: str, ahead: int
) -> None:
    """One that is no newer than the operator's own is put back; one that claims to be newer meets the wall."""
    annotate(world, FINAL)
    start(*SOON)
    type_, what = {"ctrain": ("TrainingJob", "job"), "cep": ("Endpoint", "endpoint")}[kind]
    world.apply(left_to_the_namespace(kind))
    world.wait_for(kind, "digits", {"ctrain": "Completed", "cep": "InService"}[kind])
    arn = f"arn:aws:sagemaker:{REGION}:{THEIRS}:{what}/theirs"
    elsewhere = {"name": "theirs", "region": REGION, "assumeRoleArn": THEIR_ROLE}
    entries = [*world.status(kind, "digits")["resources"], {"type": type_, **elsewhere}, {"type": "Model", **elsewhere}]
    forged: dict[str, Any] = {f"{what}Name": "theirs", f"{what}Arn": arn, "resources": entries}
    if kind == "ctrain":
        upload = {"s3Uri": f"s3://{BUCKET}-{THEIRS}/x", "source": "x", "uploadId": "x", **elsewhere}
        del upload["name"]
        forged["import"] = {"bytesDone": 0, "bytesTotal": 0, "uploads": [upload]}
    forged["revision"] = world.status(kind, "digits")["revision"] + ahead
    patch = json.dumps({"status": forged})
    world.kubectl("patch", kind, "digits", "--subresource=status", "--type=merge", "-p", patch)
    if ahead:
        until(lambda: f"by {THEIR_ROLE}" in str(world.status(kind, "digits").get("conditions")), "it to be said")
    else:
        until(lambda: "theirs" not in json.dumps(world.status(kind, "digits")), "the status to be put back")
    world.kubectl("delete", kind, "digits", "--wait=false")
    if ahead:
        world.wait_for(kind, "digits", "Deleting")
    until(lambda: "endpoints" not in {one[0] for one in world.remaining()}, "its own to be taken down")
    assert asked_of(world, THEIRS) == []
    if ahead:
        world.patch_spec(kind, "digits", {"deletionPolicy": "Retain"})
    until(lambda: not world.exists(kind, "digits"), "it to be let go")
    assert asked_of(world, THEIRS) == []


@pytest.mark.usefixtures("buckets")
@pytest.mark.parametrize("status", [403, 404, 500])
def test_no_wall_opens_because_the_api_server_does_not_show_the_namespace(
    world: World, start: Start, api_proxy: ApiProxy, status: int
) -> None:
    """It stays where it was known, and before it is known nothing is done."""
    annotate(world, FINAL)
    path = f"/api/v1/namespaces/{world.namespace}"
    environment = {"KUBECONFIG": str(api_proxy.kubeconfig)}
    away = Fault(status, "away", meets=lambda method, asked: (method, asked) == ("GET", path))
    operator = start(*SOON, environment=environment)
    world.apply(left_to_the_namespace("ctrain", "first"))
    world.wait_for("ctrain", "first", "Completed")
    api_proxy.fault = away
    world.apply(left_to_the_namespace("cep", "known", assumeRoleArn=THEIR_ROLE))
    refused(world, "cep", "known")
    operator.kill()
    world.aws.clear_calls()
    operator = start(*SOON, environment=environment)
    world.apply(left_to_the_namespace("cep", "unknown", assumeRoleArn=THEIR_ROLE))
    met = api_proxy.met.total()
    until(lambda: api_proxy.met.total() > met + 3, "the namespace to be asked for")
    assert world.aws.calls() == []
    assert "conditions" not in world.status("cep", "unknown")
    api_proxy.fault = None
    refused(world, "cep", "unknown")
    assert asked_of(world, THEIRS) == []


PRODUCTION = "production"


@pytest.fixture
def production(world: World) -> Json:
    """An endpoint of production that bears no owner's tags, made days ago by somebody."""
    strangers_endpoint(world, PRODUCTION, {"team": "production"})
    return in_production(world)


def in_production(world: World) -> Json:
    """What AWS says of it, as its owner is shown it."""
    found: Json = world.client("sagemaker").describe_endpoint(EndpointName=PRODUCTION)
    del found["ResponseMetadata"]
    return found


def changes_at_aws(world: World) -> list[str]:
    """What was asked of AWS but looks."""
    operations = (str(call["operation"]) for call in world.aws.calls())
    return [one for one in operations if not one.startswith(("Describe", "List", "sts."))]


def test_a_tight_entry_takes_nothing_over_and_deletes_nothing(
    world: World, start: Start, production: Json, tmp_path: Path
) -> None:
    rules = tmp_path / "tenants.yaml"
    rules.write_text(f"tenants: [{{namespaces: [{world.namespace}], regions: [{REGION}], buckets: ['*']}}]")
    operator = start(*SOON, "--tenants", str(rules))
    world.aws.clear_calls()
    world.apply(adopting(of_model(world), PRODUCTION))
    assert refused(world, "cep").startswith(f"metadata.annotations: adopt: {PRODUCTION} is not allowed in namespace")
    goes_round(operator)
    world.patch_spec("cep", "digits", {"suspend": True})
    goes_round(operator)
    world.delete("cep", "digits")
    assert [call["operation"] for call in world.aws.calls() if call["service"] == "sagemaker"] == []
    assert in_production(world) == production


def test_what_was_taken_over_is_let_go_when_it_may_not_have_been(
    world: World, start: Start, production: Json, tmp_path: Path
) -> None:
    rules = tmp_path / "tenants.yaml"
    rules.write_text(f"tenants: [{{namespaces: [{world.namespace}], adopt: [prod*]}}]")
    operator = start(*SOON, "--tenants", str(rules))
    world.apply(adopting(of_model(world), PRODUCTION))
    settled(world)
    rules.write_text(f"tenants: [{{namespaces: [{world.namespace}]}}]")
    refused(world, "cep")
    serving = in_production(world)
    assert serving["EndpointConfigName"] != production["EndpointConfigName"]
    world.aws.clear_calls()
    world.patch_spec("cep", "digits", {"instanceType": "ml.m5.2xlarge"})
    world.patch_spec("cep", "digits", {"suspend": True})
    refused(world, "cep")
    goes_round(operator)
    assert changes_at_aws(world) == []
    before = world.remaining()
    world.delete("cep", "digits")
    assert set(changes_at_aws(world)) == {"DeleteTags"}
    assert (world.remaining(), in_production(world)) == (before, serving)
    assert not [key for key in world.tags_of(serving["EndpointArn"]) if key.startswith(GROUP)]
    assert any(f"letting go of Endpoint {PRODUCTION}" in note for note in world.notes("digits"))
