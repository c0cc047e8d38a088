"""Nothing that is secret gets into a log, a status, an Event, a metric or the output of a command.

Each secret is a canary, and everything that can go wrong repeats it: AWS, sources, libraries, what nobody has foreseen.
The log is at its most talkative.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from control_plane.kubeconfig import write_kubeconfig
from tests.apiserver.mirror import MARK, Mirror, canary
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.serving import NAME, of_model, settled
from tests.apiserver.world import BUCKET, World, condition, training, until
from tests.web_source import WebSource

PATH = "/data/digits.rec"
ROLE = "arn:aws:iam::222222222222:role/Classifiers"
KEYS = {
    "AWS_ACCESS_KEY_ID": "ASIACANARYCANARY0001",
    "AWS_SECRET_ACCESS_KEY": canary("secret"),
    "AWS_SESSION_TOKEN": canary("session"),
}
# As AWS and HTTP libraries write them: known by their looks.
LOOKS = (
    "The Canonical String for this request should have been "
    f"'POST\n/\n\nx-amz-security-token:{canary('looks')}\n\n', "
    f"Authorization: AWS4-HMAC-SHA256 Credential=ASIACANARYCANARY0001/x, Signature={canary('looks')}\n"
    f"see https://{canary('user')}:{canary('word')}@host/x?X-Amz-Signature={canary('looks')} of ASIACANARYCANARY0001, "
    rf'{{"m":"a=b\u0026X-Amz-Signature={canary("go")}\u0026c=d"}} '
    f"token={canary('token')} api_key={canary('key')} HF_TOKEN={canary('hf')} DB_PASSWORD={canary('db')} "
    f"('Authorization', 'Bearer {canary('tuple')}') https://me:sla/{canary('slash')}@host/x\n"
    f"Set-Cookie: a={canary('cookie')}; Path=/\n"
    f"-----BEGIN PRIVATE KEY-----\n{canary('pem')}\n-----END PRIVATE KEY-----"
)
# And as they are: known to the operator.
ECHO = f"{LOOKS} key {canary('secret')} token {canary('session')}"
Start = Callable[..., OperatorProcess]
FORMATS = pytest.mark.parametrize("log_format", ["text", "json"])


@pytest.fixture(autouse=True)
def anybody(world: World) -> None:
    """The credentials here are made up, so nobody is asked what they allow."""
    world.aws.change_settings(iam={"enforce": False})


@pytest.fixture
def mirror(world: World) -> Iterator[Mirror]:
    """AWS as the operator sees it."""
    with Mirror(world.aws.url) as server:
        yield server


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebSource]:
    with WebSource(tmp_path / "authority") as server:
        yield server


@pytest.fixture
def run(start: Start, mirror: Mirror, web: WebSource) -> Start:
    """Start an operator that says all it can."""

    def started(*options: str, environment: Mapping[str, str] = KEYS) -> OperatorProcess:
        given = {"AWS_ENDPOINT_URL": mirror.url, "SSL_CERT_FILE": str(web.ca), "AWS_MAX_ATTEMPTS": "1", **environment}
        given |= {name: "" for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY") if name not in environment}
        return start("--log-level", "debug", "--import-allow", "localhost", *options, environment=given)

    return started


def shown(world: World, operator: OperatorProcess) -> str:
    """All that anybody gets to see."""
    objects = json.loads(world.kubectl("get", "ctrain,cep", "-o", "json"))["items"]
    statuses = [json.dumps(one.get("status", {}), ensure_ascii=False) for one in objects]
    events = world.kubectl("get", "events.events.k8s.io", "-o", "json")
    return "\n".join([operator.log.read_text(), operator.get("/metrics"), *statuses, events])


def assert_silent(text: str, *secrets: str) -> None:
    """No canary is in it, however it is written."""
    lines = text.splitlines()
    marks = [MARK.lower(), "canarycanary", *map(str.lower, secrets)]
    found = [line[:600] for line in lines if any(mark in line.lower() for mark in marks)]
    assert found == []


def digits(web: WebSource, query: str = f"?X-Amz-Signature={canary('signature')}", **changes: Any) -> dict[str, Any]:
    """A training whose channel train is fetched from a signed address, with a secret in its environment."""
    train, validation = training()["spec"]["inputs"]
    source = {"url": f"{web.named_url}{PATH}{query}"}
    environment = {"API_TOKEN": canary("environment")}
    return training(inputs=[{**train, "source": source}, validation], environment=environment, **changes)


def refuse(world: World, operation: str, code: str = "ValidationException", status: int = 400, count: int = 1) -> None:
    world.aws.fail_next(operation, count, code=code, message=f"it said {ECHO}", status=status)


@FORMATS
def test_a_life_in_which_everything_goes_wrong(
    world: World, web: WebSource, mirror: Mirror, run: Start, log_format: str
) -> None:
    token = world.cluster.token
    file = web.put(PATH, b"x" * 1000, excuse=ECHO)
    file.statuses.extend([503, 503])
    operator = run("--log-format", log_format)
    for operation in ("CreateTrainingJob", "CreateModel", "CreateEndpoint"):
        refuse(world, operation, "ThrottlingException", count=2)
    refuse(world, "DescribeTrainingJob", "InternalFailure", 500)
    refuse(world, "s3.PUT", "InternalError", 500)
    world.aws.order("training", "fail", f"AlgorithmError: {LOOKS}")
    world.apply(digits(web, retry={"attempts": 0}))
    status = world.wait_for("ctrain", "digits", "JobFailed")
    assert status["failureReason"].startswith("AlgorithmError: The Canonical String")
    assert "x-amz-security-token:***" in condition(status, "Stalled")["message"]

    message = f"Value '{{API_TOKEN={canary('environment')}}}' at 'environment' failed to satisfy constraint: {ECHO}"
    world.aws.fail_next("CreateTrainingJob", code="ValidationException", message=message, status=400)
    world.patch_spec("ctrain", "digits", {"hyperparameters": {"epochs": 3}})
    status = world.wait_for("ctrain", "digits", "InvalidSpec")
    assert "Value '{API_TOKEN=***}' at 'environment' failed" in condition(status, "Stalled")["message"]

    world.patch_spec("ctrain", "digits", {"hyperparameters": {"epochs": 4}})
    world.wait_for("ctrain", "digits", "Completed")
    # The warm-up as well, which would not count by itself.
    world.aws.fail_next("InvokeEndpoint", 2, code="ModelError", message=ECHO, status=424)
    sample = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "sample"}, "data": {"x": "x"}}
    test = {"image": {"configMapKeyRef": {"name": "sample", "key": "x"}}}
    world.apply(sample, of_model(world, smokeTest=test))
    status = world.wait_for("cep", NAME, "SmokeTestFailed")
    assert "***" in status["smokeTest"]["message"]
    world.patch_spec("cep", NAME, {"smokeTest": None})
    settled(world)
    world.aws.order("update", "roll_back", LOOKS)
    world.patch_spec("cep", NAME, {"instanceType": "ml.m5.xlarge"})
    world.wait_for("cep", NAME, "RolledBack", of="Stalled")
    assert "***" in world.status("cep", NAME)["rolledBack"]["reason"]
    refuse(world, "DeleteEndpoint", "InternalFailure", 500)
    world.kubectl("delete", "cep,ctrain", "--all", "--timeout=60s")
    assert_silent(shown(world, operator), token)
    assert mirror.seen["session"]


@FORMATS
def test_sources_that_fail_and_lead_elsewhere(world: World, web: WebSource, run: Start, log_format: str) -> None:
    query = f"?X-Amz-Signature={canary('signature')}&token={canary('token')}"
    web.put("/gone.rec", statuses=[], redirect=f"{web.named_url}/nowhere.rec{query}", excuse=ECHO)
    web.put("/loop.rec", redirect=f"/loop.rec{query}")
    web.put("/inside.rec", redirect=f"http://169.254.169.254/latest{query}")
    web.put("/user.rec", redirect=f"https://{canary('user')}:{canary('word')}@localhost:{web.port}/x.rec{query}")
    web.put("/broken.rec", redirect=f"https://[{canary('host')}/x.rec{query}")
    web.put("/short.rec", b"x" * 1000, says=2000)
    web.put("/good.rec", b"x" * 1000, redirect="")
    web.put("/signed.rec", redirect=f"{web.named_url}/good.rec{query}")
    expected = {
        "gone": "InvalidSpec",
        "loop": "InvalidSpec",
        "inside": "NotAllowed",
        "user": "NotAllowed",
        "broken": "NotAllowed",
        "short": "Importing",
        "signed": "Completed",
    }
    operator = run("--log-format", log_format)
    train, validation = training()["spec"]["inputs"]
    for name in expected:
        source = {"url": f"{web.named_url}/{name}.rec{query}"}
        channel = {**train, "s3Uri": f"s3://{BUCKET}/{name}", "source": source}
        world.apply(training(name, inputs=[channel, validation]))
    unreachable = {"url": f"https://localhost:1/x.rec{query}"}
    channel = {**train, "s3Uri": f"s3://{BUCKET}/unreachable", "source": unreachable}
    world.apply(training("unreachable", inputs=[channel, validation]))
    for name, reason in expected.items():
        world.wait_for("ctrain", name, reason)
    until(
        lambda: "no connection" in json.dumps(world.status("ctrain", "unreachable")),
        "the source to be unreachable",
        state=lambda: world.status("ctrain", "unreachable"),
    )
    assert_silent(shown(world, operator))


@FORMATS
def test_answers_that_are_cut_off_show_no_credentials(
    world: World, mirror: Mirror, run: Start, log_format: str
) -> None:
    """What a library says of an answer that it cannot read has the answer in it: here, credentials of a role."""
    mirror.cut.extend(["AssumeRole", "CreateTrainingJob"])
    refuse(world, "DescribeTrainingJob", "InvalidSignatureException", 403)
    world.client("s3", role=ROLE).create_bucket(Bucket=f"{BUCKET}-222222222222")
    output = {"s3Uri": f"s3://{BUCKET}-222222222222/output"}
    execution = ROLE.replace("Classifiers", "SageMakerExecution")
    operator = run("--log-format", log_format)
    world.apply(training(assumeRoleArn=ROLE, roleArn=execution, output=output))
    world.wait_for("ctrain", "digits", "Completed", seconds=90)
    log = operator.log.read_text()
    assert not mirror.cut
    assert "ResponseParserError: Unable to parse response" in log
    assert "<SecretAccessKey>***</SecretAccessKey><SessionToken>***" in log
    assert "UnreadableAnswer" in log
    assert "InvalidSignatureException" in log
    # Neither is an error of the operator's own, and the job is made once.
    assert "Traceback" not in log
    assert world.jobs() == ["Completed"]
    assert_silent(shown(world, operator))
    assert mirror.seen["sts"]


def test_roles_that_cannot_be_taken_on_and_connections_that_break(world: World, run: Start) -> None:
    refuse(world, "sts.AssumeRole", "AccessDenied", 403, count=3)
    operator = run()
    world.apply(training(assumeRoleArn=ROLE), training("own"))
    status = world.wait_for("ctrain", "digits", "AccessPending")
    assert "***" in condition(status, "Reconciling")["message"]
    for outage in ("reset", "unavailable", "error"):
        world.aws.outage(outage)
        world.patch_spec("ctrain", "own", {"hyperparameters": {"epochs": len(outage)}})
        operator.wait_for_more("sweep_seconds_count", 2)
        world.aws.outage("")
    refuse(world, "CreateTrainingJob", "InvalidSignatureException", 403)
    world.patch_spec("ctrain", "own", {"hyperparameters": {"epochs": 9}})
    until(lambda: "InvalidSignatureException" in operator.log.read_text(), "a signature to be refused")
    world.wait_for("ctrain", "own", "Completed")
    assert_silent(shown(world, operator))


def test_credentials_of_a_container(world: World, mirror: Mirror, run: Start, tmp_path: Path) -> None:
    """As a pod identity gets them; first they are refused, with the request in the refusal."""
    file = tmp_path / "token"
    file.write_text(canary("container-token"))
    mirror.refuse_credentials = True
    operator = run(
        environment={
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": mirror.credentials_url,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(file),
            "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "1",
        }
    )
    world.apply(training())
    status = world.wait_for("ctrain", "digits", "AccessPending", seconds=90)
    assert "not for you" in condition(status, "Reconciling")["message"]
    mirror.refuse_credentials = False
    world.aws.fail_next(
        "DescribeTrainingJob", 1, code="AccessDeniedException", message=f"no {canary('container-session')}", status=403
    )
    world.wait_for("ctrain", "digits", "Completed", seconds=90)
    assert_silent(shown(world, operator))
    assert mirror.seen["container-session"]


def test_a_web_identity(world: World, mirror: Mirror, run: Start, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(canary("web-identity"))
    words = f"Couldn't verify {canary('web-identity')}"
    mirror.refused["AssumeRoleWithWebIdentity"] = "InvalidIdentityToken", words
    operator = run(environment={"AWS_WEB_IDENTITY_TOKEN_FILE": str(file), "AWS_ROLE_ARN": ROLE})
    world.client("s3", role=ROLE).create_bucket(Bucket=f"{BUCKET}-222222222222")
    world.apply(training(output={"s3Uri": f"s3://{BUCKET}-222222222222/output"}))
    until(lambda: "Couldn't verify ***" in operator.log.read_text(), "the identity to be refused")
    world.wait_for("ctrain", "digits", "Completed")
    assert_silent(shown(world, operator))
    assert mirror.seen["web-identity"]


def test_a_proxy_with_a_password(world: World, run: Start) -> None:
    proxy = f"http://{canary('user')}:{canary('word')}@127.0.0.1:1"
    operator = run(environment={**KEYS, "http_proxy": proxy, "HTTP_PROXY": proxy})
    world.apply(training())
    until(
        lambda: "ProxyConnectionError" in json.dumps(world.status("ctrain", "digits")),
        "the proxy to be out of reach",
        state=lambda: world.status("ctrain", "digits"),
    )
    assert_silent(shown(world, operator))


KUBECONFIGS = {
    "unknown token": lambda text: text,
    "no YAML": lambda text: text + "\n  - {",
    "no address": lambda text: text.replace("server:", "sever:"),
    "no user": lambda text: text.replace("users:", "usres:"),
}


@pytest.fixture
def kubeconfig(world: World, tmp_path: Path) -> Path:
    """A kubeconfig with a token that the API server does not know."""
    return write_kubeconfig(
        tmp_path / "other",
        url=world.cluster.url,
        ca=world.cluster.ca_file.read_bytes(),
        token=canary("bearer"),
        user="somebody",
        namespace=world.namespace,
    )


@pytest.mark.parametrize("broken", KUBECONFIGS.values(), ids=KUBECONFIGS.keys())
def test_clusters_that_do_not_let_it_in(
    kubeconfig: Path, start: Start, broken: Callable[[str], str], tmp_path: Path
) -> None:
    """The operator and the commands; whatever is wrong with the kubeconfig, its token is not said."""
    del start  # the world's namespace is one of its own
    kubeconfig.write_text(broken(kubeconfig.read_text()))
    environment = {**os.environ, **KEYS, "PYTHONPATH": "operator", "KUBECONFIG": str(kubeconfig)}
    log = tmp_path / "log"
    options = ("--log-level", "debug", "--log-format", "text", "--health-port", "0", "--health-host", "127.0.0.1")
    with (
        log.open("wb") as file,
        _process("run", *options, environment=environment, output=file) as process,
    ):
        until(lambda: process.poll() is not None or len(log.read_text().splitlines()) > 2, "it to be refused")
    (tmp_path / "x.png").write_bytes(b"x")
    for command in (("predict", "digits", str(tmp_path / "x.png")), ("logs", "digits")):
        with log.open("ab") as file, _process(*command, environment=environment, output=file) as process:
            assert process.wait(60) != 0
    assert log.read_text()
    assert_silent(log.read_text())


def test_what_commands_print(world: World, mirror: Mirror, run: Start, tmp_path: Path) -> None:
    run()
    world.apply(training(), of_model(world))
    world.wait_for("ctrain", "digits", "Completed")
    settled(world)
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\nx")
    predict = ("predict", NAME, str(tmp_path / "x.png"), "--namespace", world.namespace)
    logs = ("logs", "digits", "--namespace", world.namespace)
    environment = {
        **os.environ,
        **KEYS,
        "PYTHONPATH": "operator",
        "KUBECONFIG": str(world.cluster.kubeconfig),
        "AWS_ENDPOINT_URL": mirror.url,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    output = ""
    proxy = f"http://{canary('user')}:{canary('word')}@127.0.0.1:1"
    cases: list[tuple[str, tuple[str, ...], dict[str, str], str]] = [
        ("", predict, {}, ""),
        ("InvokeEndpoint", predict, {}, "ModelError"),
        ("sts.AssumeRole", (*predict, "--assume-role-arn", ROLE), {}, "AccessDenied"),
        ("", predict, {"http_proxy": proxy}, "AWS: "),
        ("logs.FilterLogEvents", logs, {}, "AccessDenied"),
    ]
    for operation, command, more, words in cases:
        if operation:
            world.aws.fail_next(operation, 4, code=words, message=ECHO, status=403)
        log = tmp_path / "log"
        with log.open("wb") as file, _process(*command, environment=environment | more, output=file) as process:
            assert (process.wait(60) == 0) is (words == "")
        world.aws.clear_faults()
        assert words in log.read_text()
        output += log.read_text()
    mirror.cut.append("/invocations")
    with (tmp_path / "log").open("wb") as file, _process(*predict, environment=environment, output=file) as process:
        process.wait(60)
    assert_silent(output + (tmp_path / "log").read_text(), world.cluster.token)


@contextmanager
def _process(*arguments: str, environment: Mapping[str, str], output: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A command, ended at the end."""
    command = [sys.executable, "-m", "classifier_operator", *arguments]
    process = subprocess.Popen(command, env=dict(environment), stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.kill()
        process.wait(30)
