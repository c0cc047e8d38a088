"""The operator's policies are enough, and none of their statements, actions and resources is too much: on real parts.

Each statement is missing in an account of its own, where an object lives that needs it. One operator meets all of these
accounts at once: what it is denied, each object says. Then everything is allowed, and each object goes on.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner

from classifier_operator.cli import main
from classifier_operator.cli.logs import GROUP
from sagemaker_emulator.policies import Need, applies
from tests.apiserver.identity import IMAGES, ROLE, client, give, install_role, policies_of, user
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.serving import ADOPT, IMAGE, serve
from tests.apiserver.world import BUCKET, REGION, Json, World, condition, endpoint, reason_of, training, until
from tests.events_stack import QUEUE
from tests.policies import OF_AN_ACCOUNT, OF_THE_OPERATOR, OPERATOR_ACCOUNT, document, without
from tests.web_source import WebSource

Start = Callable[..., OperatorProcess]
LONG = 120.0


@dataclass(frozen=True)
class Case:
    """A statement that is missing, the permission that is missed first, and an object that needs it.

    changes: of the object's spec once it is well, or None when its deletion is what needs the statement.
    """

    policy: str
    sid: str
    missed: str
    kind: str = "ctrain"
    spec: Json = field(default_factory=dict)
    changes: Json | None = field(default_factory=dict)
    annotations: Json = field(default_factory=dict)
    account: str = ""

    @property
    def name(self) -> str:
        return self.sid.lower()

    @property
    def bucket(self) -> str:
        return f"{BUCKET}-{self.account}"

    @property
    def images(self) -> str:
        return f"{IMAGES}-{self.account}"

    @property
    def is_missed_at_once(self) -> bool:
        """Whether the object never gets well."""
        return self.changes == {}


SCALED: Json = {"instanceCount": None, "autoscaling": {"minCount": 1, "maxCount": 2, "invocationsPerInstance": 100}}
# Filled in by account.
TESTED: Json = {"smokeTest": {"image": {"s3Uri": "s3://IMAGES/zero.png"}, "contentType": "image/png"}}
SOURCE: Json = {"inputs": [{"name": "train", "s3Uri": "s3://BUCKET/train", "source": {"url": "SOURCE"}}]}
GONE: Json = {"deletionPolicy": "Delete"}
CASES = (
    Case("operator", "Look", "sagemaker:DescribeTrainingJob"),
    Case("operator", "Create", "sagemaker:CreateTrainingJob", spec=GONE),
    Case("operator", "TagWhatIsCreated", "sagemaker:AddTags", spec=GONE),
    Case("operator", "PassExecutionRole", "iam:PassRole"),
    Case("operator", "EndOwnTrainingJobs", "sagemaker:DeleteTrainingJob", spec=GONE, changes=None),
    Case(
        "operator",
        "ChangeOwnEndpoints",
        "sagemaker:UpdateEndpointWeightsAndCapacities",
        "cep",
        changes={"instanceCount": 2},
    ),
    Case(
        "operator", "UpdateToConfiguration", "sagemaker:UpdateEndpoint", "cep", changes={"instanceType": "ml.m5.xlarge"}
    ),
    Case("operator", "DeleteOwnEndpoints", "sagemaker:DeleteEndpoint", "cep", changes=None),
    Case("operator", "DeleteOwnConfigurations", "sagemaker:DeleteEndpointConfig", "cep", changes=None),
    Case("operator", "DeleteOwnModels", "sagemaker:DeleteModel", "cep", changes=None),
    Case("operator", "RetagOwn", "sagemaker:DeleteTags", "cep", {"tags": {"a": "1"}}, {"tags": {"a": None, "b": "2"}}),
    Case("smoke-test", "InvokeEndpoints", "sagemaker:InvokeEndpoint", "cep", TESTED),
    Case("smoke-test", "ReadTestImages", "s3:GetObject", "cep", TESTED),
    Case("imports", "FindData", "s3:GetObject", spec=SOURCE),
    Case("imports", "LearnOfMissingData", "s3:ListBucket", spec=SOURCE),
    Case("imports", "WriteData", "s3:PutObject", spec=SOURCE),
    Case("imports", "FindLostUploads", "s3:ListBucketMultipartUploads", spec=SOURCE),
    Case("autoscaling", "ScaleVariants", "application-autoscaling:RegisterScalableTarget", "cep", SCALED),
    Case("autoscaling", "KeepAlarms", "cloudwatch:PutMetricAlarm", "cep", SCALED),
    Case("autoscaling", "CreateScalingRole", "iam:CreateServiceLinkedRole", "cep", SCALED),
    Case("adoption", "TakeOverUnowned", "sagemaker:AddTags", "cep", annotations={ADOPT: "strangers"}),
)
# Without this one, everything is looked at one by one: nothing that an object would have to say.
NOT_SAID = Case("operator", "LookAtMany", "sagemaker:ListTrainingJobs", account="900000000000")
# Nor is what may be missing in a status that looks whole (tests/hostile/test_lost_state.py).
NOT_MISSED = ("autoscaling", "FindScalableTargets")


def test_every_statement_has_its_case() -> None:
    statements = {(name, one["Sid"]) for name in OF_AN_ACCOUNT for one in document(f"{name}-policy")["Statement"]}
    assert statements - {(NOT_SAID.policy, NOT_SAID.sid), NOT_MISSED} == {(case.policy, case.sid) for case in CASES}


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebSource]:
    with WebSource(tmp_path / "authority") as server:
        server.put("/digits.rec", b"digits" * 1000)
        yield server


def test_each_statement_is_missed_said_and_enough(world: World, web: WebSource, start: Start) -> None:
    queue = client(world.aws.url, "sqs")
    url = queue.create_queue(QueueName=QUEUE)["QueueUrl"]
    options = ["--import-allow", "localhost", "--wait-interval", "0.5", "--guard-interval", "3"]
    options += ["--region", REGION, "--events-queue", url]
    operator = start(*options, environment={"SSL_CERT_FILE": str(web.ca)})
    cases = [dataclasses.replace(case, account=str(900000000001 + number)) for number, case in enumerate(CASES)]
    world.may_lack = {case.missed for case in cases} | set(LISTS)
    for case in cases:
        prepare(world, case)
    world.apply(*(manifest(case, f"{web.named_url}/digits.rec") for case in cases))
    at_once = [case for case in cases if case.is_missed_at_once]
    later = [case for case in cases if not case.is_missed_at_once]
    for case in at_once:
        says(world, case)
        allow(world, case)
    for case in later:
        until_well(world, case)
        change(world, case)
    for case in later:
        says(world, case)
        allow(world, case)
    for case in cases:
        goes_on(world, case)
    look_at_many(world)
    queue.send_message(QueueUrl=url, MessageBody="no event")
    until(lambda: world.calls("sqs.DeleteMessageBatch") > 0, "a message to be received and deleted")
    queue.close()
    # A new process knows nothing: before it deletes anything it looks whose that is.
    operator.kill()
    start(*options, environment={"SSL_CERT_FILE": str(web.ca)})
    world.kubectl("delete", "ctrain,cep", "--all", f"--timeout={LONG:.0f}s")
    assert [case.missed for case in cases if case.missed not in lacked(world, case)] == []
    assert unused(checks(world)) == []


LISTS = ("sagemaker:ListTrainingJobs", "sagemaker:ListEndpoints")


def look_at_many(world: World) -> None:
    """Two of each kind in one account; they stay, to be stopped and deleted with all the others."""
    world.aws.change_settings(training={"training_seconds": 1_000_000})
    prepare(world, NOT_SAID)
    make_a_strangers(world, NOT_SAID, only_model=True)
    jobs = [dataclasses.replace(NOT_SAID, sid=f"Job{number}") for number in (1, 2)]
    pair = [dataclasses.replace(NOT_SAID, sid=f"Pair{number}", kind="cep") for number in (1, 2)]
    pair[0] = dataclasses.replace(pair[0], annotations={ADOPT: "strangers"})
    world.apply(*(manifest(case) for case in (*jobs, *pair)))
    until(lambda: lacked(world, NOT_SAID) == set(LISTS), "both lists to be denied", LONG)
    for case in jobs:
        world.wait_for("ctrain", case.name, "Training", seconds=LONG)
    for case in pair:
        until_well(world, case)
    allow(world, NOT_SAID)
    for case in jobs:
        world.patch_spec("ctrain", case.name, {"tags": {"a": "1"}})
    until(lambda: set(LISTS) <= {need.action for need in checks(world)}, "both lists to be had", LONG)


def prepare(world: World, case: Case) -> None:
    """An account with data, a stranger's endpoint where one is to be adopted, and all but the statement."""
    install_role(world.aws.url, case.account)
    policy = without(policies_of(case.account)[case.policy], case.sid)
    give(world.aws.url, "Classifiers", {case.policy: policy}, case.account)
    s3 = client(world.aws.url, "s3", case.account)
    for bucket, key in ((case.bucket, "model.tar.gz"), (case.images, "zero.png")):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key=key, Body=b"\x89PNG content")
    s3.close()
    if case.sid == "FindLostUploads":
        # S3 begins an upload and does not say so: the next try looks for it.
        world.aws.fail_next("s3.POST", when="after", resource=f"/{case.bucket}/*")
    if case.annotations:
        make_a_strangers(world, case)


def make_a_strangers(world: World, case: Case, *, only_model: bool = False) -> None:
    """A model and an endpoint that bear no owner's tags."""
    sagemaker = client(world.aws.url, "sagemaker", case.account)
    name = "strangers"
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{case.bucket}/model.tar.gz"}
    sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=execution_role(case))
    if only_model:
        return
    plan = {"VariantName": "AllTraffic", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[plan])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    is_there = lambda: sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService"  # noqa: E731
    until(is_there, "the stranger's endpoint to be in service")
    sagemaker.close()


def execution_role(case: Case) -> str:
    return f"arn:aws:iam::{case.account}:role/SageMakerExecution"


def manifest(case: Case, data: str = "") -> Json:
    about = {"assumeRoleArn": f"arn:aws:iam::{case.account}:role/Classifiers", "roleArn": execution_role(case)}
    if case.kind == "ctrain":
        made = training(case.name, output={"s3Uri": f"s3://{case.bucket}/output"}, **about, **filled(case, data))
        # Those that are to be stopped in the end must not have been by then because it took so long.
        made["spec"]["stopping"] = {"maxRuntimeSeconds": 2_000_000}
    else:
        model = {"artifactS3Uri": f"s3://{case.bucket}/model.tar.gz"}
        made = endpoint(case.name, **{"trainingRef": None, "model": model, **about, **filled(case, data)})
    made["metadata"]["annotations"] = case.annotations
    return made


def filled(case: Case, data: str) -> Json:
    """The case's own part of the spec, with its bucket and the address of its data."""
    values = {"BUCKET": case.bucket, "IMAGES": case.images, "SOURCE": data}
    text = json.dumps(case.spec)
    for name, value in values.items():
        text = text.replace(name, value)
    found: Json = json.loads(text)
    for channel in found.get("inputs", ()):
        channel["contentType"] = "application/x-recordio"
    if "inputs" in found:
        found["inputs"].append({**found["inputs"][0], "name": "validation", "s3Uri": f"s3://{case.bucket}/validation"})
    return found


def change(world: World, case: Case) -> None:
    """It is well: now it needs what is missing."""
    if case.changes is None:
        world.kubectl("delete", case.kind, case.name, "--wait=false")
    else:
        world.patch_spec(case.kind, case.name, case.changes)


def allow(world: World, case: Case) -> None:
    """Put the statement back; soon, for the longer it is missed the rarer it is tried again."""
    give(world.aws.url, "Classifiers", policies_of(case.account), case.account)


def until_well(world: World, case: Case) -> None:
    def is_well() -> bool:
        status = world.status(case.kind, case.name)
        current = condition(status, "Ready").get("observedGeneration") == status.get("observedGeneration")
        at_rest = not condition(status, "Reconciling") and not condition(status, "Stalled")
        return current and at_rest and condition(status, "Ready").get("status") == "True"

    until(is_well, f"{case.name} to be well", LONG, lambda: world.get(case.kind, case.name))


def says(world: World, case: Case) -> None:
    """Wait until the object names the permission that it lacks, in AWS's words."""

    def is_said() -> bool:
        said = " ".join(one["message"] for one in world.status(case.kind, case.name).get("conditions", ()))
        return case.missed in said

    until(is_said, f"{case.name} to say {case.missed}", LONG, lambda: world.get(case.kind, case.name))
    status = world.status(case.kind, case.name)
    assert reason_of(status, "Stalled") == ""


def goes_on(world: World, case: Case) -> None:
    if case.changes is None:
        until(lambda: not world.exists(case.kind, case.name), f"{case.name} to be gone", LONG)
    else:
        until_well(world, case)


def lacked(world: World, case: Case) -> set[str]:
    """The permissions that the role in the case's account was found to lack."""
    denials = world.aws.denials()
    return {one["action"] for one in denials if f":{case.account}:" in one["principal"]}


def checks(world: World) -> list[Need]:
    """What the operator needed and had, each once, as if all had been in one account."""
    found = set()
    for call in world.aws.calls():
        for one in call["permissions"]:
            if one["allowed"]:
                found.add(json.dumps({**one, "principal": ""}).replace(call["account"], OPERATOR_ACCOUNT))
    return [Need.from_dict(json.loads(one)) for one in found]


def unused(needs: list[Need]) -> list[str]:
    """The statements, and their actions and resources, that nothing needed: what could be taken away."""
    policies = {name: document(f"{name}-policy", IMAGE_BUCKET=f"{IMAGES}-*") for name in OF_THE_OPERATOR}
    statements = [(name, one) for name, policy in policies.items() for one in policy["Statement"]]
    idle = []
    for number, (name, statement) in enumerate(statements):
        others = [one for at, (_, one) in enumerate(statements) if at != number]
        own = [need for need in needs if applies(statement, need) and not any(applies(one, need) for one in others)]
        for member in ("Action", "Resource"):
            for value in statement[member]:
                rest = [one for one in statement[member] if one != value]
                if all(rest and applies({**statement, member: rest}, need) for need in own):
                    idle.append(f"{name}: {statement['Sid']}: {value}")
    return idle


def test_the_operators_own_role_is_missed_and_enough(world: World, start: Start) -> None:
    """To be another account's role is what its own policy allows; the trust of that account is the other half."""
    world.may_lack = {"sts:AssumeRole"}
    give(world.aws.url, ROLE, {"cross-account": without(document("cross-account-policy"), "TakeOnRoles")})
    try:
        start("--wait-interval", "0.5")
        case = Case("cross-account", "TakeOnRoles", "sts:AssumeRole", account="222222222222")
        s3 = client(world.aws.url, "s3", case.account)
        s3.create_bucket(Bucket=case.bucket)
        s3.close()
        world.apply(manifest(case))
        says(world, case)
    finally:
        give(world.aws.url, ROLE, {"cross-account": document("cross-account-policy")})
    until_well(world, case)


def test_events_are_missed_and_enough(world: World, start: Start) -> None:
    """The operator reads them as itself, and says in its log what it lacks: no object needs them."""
    world.may_lack = {"sqs:ReceiveMessage"}
    queue = client(world.aws.url, "sqs")
    url = queue.create_queue(QueueName=QUEUE)["QueueUrl"]
    give(world.aws.url, ROLE, {"events": without(document("events-policy"), "ReceiveEvents")})
    try:
        operator = start("--wait-interval", "0.5", "--region", REGION, "--events-queue", url)
        until(lambda: "is not authorized to perform: sqs:ReceiveMessage" in operator.log.read_text(), "it to be said")
    finally:
        give(world.aws.url, ROLE, {"events": document("events-policy")})
    queue.send_message(QueueUrl=url, MessageBody="no event")
    queue.close()
    until(lambda: world.calls("sqs.DeleteMessageBatch") > 0, "a message to be received and deleted")
    assert operator.get("/healthz") == "ok"


@pytest.mark.parametrize("command", ["predict", "logs"])
def test_a_user_may_use_the_commands_and_nothing_else(world: World, operator: OperatorProcess, command: str) -> None:
    world.may_lack = {"logs:FilterLogEvents", "sagemaker:InvokeEndpoint"}
    environment = user(world.aws.url, document("user-policy"))
    if command == "logs":
        world.apply(training())
        write_log(world, world.wait_for("ctrain", "digits", "Completed")["jobName"])
        arguments = ["logs", "digits"]
    else:
        serve(world)
        image = operator.log.parent / "image.png"
        image.write_bytes(b"\x89PNG\r\n\x1a\n image")
        arguments = ["predict", "digits", str(image)]
    arguments += ["--namespace", world.namespace, "--kubeconfig", str(world.cluster.kubeconfig)]
    done = CliRunner().invoke(main, arguments, env=environment)
    assert done.exit_code == 0, done.output
    sid = {"logs": "ReadLogs", "predict": "Classify"}[command]
    denied = CliRunner().invoke(main, arguments, env=user(world.aws.url, without(document("user-policy"), sid)))
    assert denied.exit_code != 0
    assert "because no identity-based policy allows" in denied.output


def write_log(world: World, job: str) -> None:
    """What a job writes."""
    logs = client(world.aws.url, "logs")
    about = {"logGroupName": GROUP, "logStreamName": f"{job}/algo-1-1"}
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(**about)
    logs.put_log_events(**about, logEvents=[{"timestamp": int(time.time() * 1000), "message": "epoch 1"}])
    logs.close()
