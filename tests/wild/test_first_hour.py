"""The first hour with the operator: what goes wrong is one line that says what to do, and a start says what it is."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from classifier_operator.adapters.kubeconfig import client_of_process
from classifier_operator.runtime.start import NO_CREDENTIALS, OwnCredentials, OwnIdentity, StartError, say_when_ready
from control_plane import ControlPlane
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.world import World, training, until

NOTHING_OF_AWS = {
    "AWS_ACCESS_KEY_ID": "",
    "AWS_SECRET_ACCESS_KEY": "",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def _run(kubeconfig: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """`run` in a process that nothing of the developer's own reaches."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "-m", "classifier_operator", "run", "--health-host", "127.0.0.1", *options],
        env={**environment, **NOTHING_OF_AWS, "PYTHONPATH": "operator", "KUBECONFIG": str(kubeconfig)},
        capture_output=True,
        text=True,
        check=False,
    )


def _critical(text: str, log_format: str) -> list[str]:
    """The lines that say why it has ended."""
    lines = text.splitlines()
    if log_format == "json":
        return [line["message"] for line in map(json.loads, lines) if line["level"] == "CRITICAL"]
    return [line for line in lines if " CRITICAL " in line]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "there is no kubeconfig"),
        ("foo: [", "expected the node content"),
        ("[]", "it is no kubeconfig"),
        ("just words", "it is no kubeconfig"),
        ("", "it is no kubeconfig"),
        ("\x00", "special characters are not allowed"),
        ("{current-context: x, contexts: [], clusters: [], users: []}", "Expected object with name x in"),
        ("{contexts: [], clusters: [], users: []}", "Expected key current-context"),
        (
            "{current-context: x, contexts: [{name: x, context: {cluster: x, user: x}}], users: [{name: x, user: {}}], "
            "clusters: [{name: x, cluster: {server: 'https://127.0.0.1:9', certificate-authority-data: bm9uZQ==}}]}",
            "cannot be used",
        ),
        (
            "{current-context: x, contexts: [{name: x, context: {cluster: x, user: x}}], users: [{name: x, user: {}}], "
            "clusters: [{name: x, cluster: {server: 'https://127.0.0.1:9', certificate-authority: /no/file}}]}",
            "/no/file",
        ),
        (
            "{current-context: x, contexts: [{name: x, context: {cluster: x, user: x}}], users: [{name: x, user: {}}], "
            "clusters: [{name: x, cluster: {sever: 'https://127.0.0.1:9'}}]}",
            "its cluster has no server",
        ),
    ],
    ids=[
        *("absent", "no YAML", "a list", "a word", "empty", "binary", "no context", "no choice", "no CA", "CA absent"),
        "no server",
    ],
)
def test_a06_a_kubeconfig_that_cannot_be_used(
    text: str | None, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "kubeconfig"
    if text is not None:
        file.write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(file))
    with pytest.raises(StartError) as refused:
        asyncio.run(client_of_process())
    message = str(refused.value)
    assert message.startswith("no cluster to ask: ")
    assert words in message
    assert str(file) in message
    assert "set KUBECONFIG" in message
    assert "\n" not in message
    assert len(message) < 500


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a06_no_kubeconfig_ends_a_run_in_one_line(log_format: str, tmp_path: Path) -> None:
    done = _run(tmp_path / "none", "--log-format", log_format)
    [line] = _critical(done.stderr, log_format)
    assert "there is no kubeconfig" in line
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a06_a_taken_port_ends_a_run_in_one_line(cluster: ControlPlane, taken_port: int, log_format: str) -> None:
    done = _run(cluster.kubeconfig, "--health-port", str(taken_port), "--log-format", log_format)
    [line] = _critical(done.stderr, log_format)
    assert f"cannot listen on 127.0.0.1:{taken_port} for health and metrics: Address already in use" in line
    assert "--health-port" in line
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_a06_an_unknown_namespace_ends_a_run_in_one_line(cluster: ControlPlane) -> None:
    done = _run(cluster.kubeconfig, "--health-port", "0", "-n", "nosuch", "--log-format", "text")
    [line] = _critical(done.stderr, "text")
    assert "the cluster has no namespace nosuch: correct the name, or make it with `kubectl create namespace" in line
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--region", "us-east1"], "--region 'us-east1' is no name of a region, such as us-east-1"),
        (
            ["--role-arn", "Classifiers"],
            "--role-arn 'Classifiers' is no ARN of a role: write it like arn:aws:iam::1234",
        ),
        (["--assume-role-arn", "arn:aws:iam::1:role/x"], "--assume-role-arn 'arn:aws:iam::1:role/x' is no ARN"),
    ],
    ids=["region", "role", "role to assume"],
)
@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a06_a_malformed_default_is_refused(options: list[str], words: str, log_format: str, tmp_path: Path) -> None:
    done = _run(tmp_path / "none", *options, "--log-format", log_format)
    [line] = _critical(done.stderr, log_format)
    assert words in line
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


def test_a06_one_namespace_of_several_that_is_missing_is_said(
    world: World, start: Callable[..., OperatorProcess]
) -> None:
    operator = start("--namespace", "nosuch")
    until(lambda: "ready: cluster" in operator.log.read_text(), "it to be ready")
    operator.stop()
    assert "WARNING classifier_operator.runtime.start the cluster has no namespace nosuch" in operator.log.read_text()


def test_a13_a_start_says_what_runs_where_and_as_whom(world: World, start: Callable[..., OperatorProcess]) -> None:
    operator = start("--region", "us-east-1")
    said = ("ready: cluster", "AWS identity")
    until(lambda: all(words in operator.log.read_text() for words in said), "it to be ready")
    assert operator.get("/readyz") == "ok"
    text = operator.log.read_text()
    served = f"cluster {re.escape(world.cluster.url)}, namespaces {world.namespace}, region us-east-1"
    assert re.search(rf"classifier-operator \d+\.\d+\.\d+: {served}", text)
    assert re.search(r"AWS identity arn:aws:\S+, region us-east-1 \(credentials: env\)", text)
    assert re.search(rf"ready: {served}", text)
    assert operator.stop() == 0
    assert "SIGTERM: what is under way is finished" in operator.log.read_text()


def test_a12_without_aws_credentials_it_is_not_ready_and_says_what_to_set(
    world: World, start: Callable[..., OperatorProcess]
) -> None:
    world.apply(training())
    operator = start(environment=NOTHING_OF_AWS)
    said = f"ERROR classifier_operator.runtime.start {NO_CREDENTIALS}"
    until(lambda: said in operator.log.read_text(), "it to be said")
    status = world.wait_for("ctrain", "digits", "AccessPending")
    assert "the operator has no AWS credentials, its log says what to set" in json.dumps(status)
    assert (operator.get("/healthz"), operator.get("/readyz")) == ("ok", "")
    assert "ready: " not in operator.log.read_text()


class _Aws:
    """Says of the operator's identity one thing after the other."""

    def __init__(self, *found: OwnIdentity) -> None:
        self.found = list(found)

    async def own_identity(self, region: str) -> OwnIdentity:
        return self.found.pop(0) if region or not self.found[0].source else OwnIdentity(source=self.found[0].source)


async def _run_leading(credentials: OwnCredentials) -> None:
    leads = asyncio.Event()
    leads.set()
    await credentials.run(leads)


@pytest.mark.parametrize(
    ("region", "identity", "level", "words"),
    [
        ("us-east-1", OwnIdentity(source="env", arn="arn:x"), "INFO", "AWS identity arn:x, region us-east-1"),
        ("us-east-1", OwnIdentity(source="env", words="ExpiredToken: old"), "ERROR", "ExpiredToken: old: correct the"),
        (
            "",
            OwnIdentity(source="env"),
            "WARNING",
            "there is no region, so objects or their namespaces have to name theirs",
        ),
    ],
    ids=["known", "refused", "no region"],
)
def test_a12_what_is_said_of_the_credentials(
    region: str, identity: OwnIdentity, level: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    credentials = OwnCredentials(_Aws(identity), region)
    asyncio.run(_run_leading(credentials))
    [record] = caplog.records
    assert (record.levelname, credentials.missing) == (level, "")
    assert words in record.getMessage()


def test_a12_credentials_that_come_later_are_found(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("classifier_operator.runtime.start.CREDENTIALS_SECONDS", 0.0)
    none, some = OwnIdentity(source=""), OwnIdentity(source="container-role", arn="arn:x")
    credentials = OwnCredentials(_Aws(none, none, some), "us-east-1")
    assert credentials.missing
    asyncio.run(_run_leading(credentials))
    # The same error is said once, however often it is looked.
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert credentials.missing == ""


async def test_a13_a_standby_asks_nobody_who_it_is(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    aws, leads = _Aws(OwnIdentity(source="env", arn="arn:x")), asyncio.Event()
    credentials = OwnCredentials(aws, "us-east-1")
    running = asyncio.create_task(credentials.run(leads))
    for _ in range(10):
        await asyncio.sleep(0)
    assert (caplog.records, len(aws.found)) == ([], 1)
    leads.set()
    await running
    assert "AWS identity arn:x" in caplog.text


def test_a13_ready_is_said_once_nothing_is_missing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("classifier_operator.runtime.start.READY_SECONDS", 0.0)
    missing = ["not listed", "no credentials", ""]
    asyncio.run(say_when_ready(lambda: missing.pop(0), lambda: "namespaces all"))
    assert [record.getMessage() for record in caplog.records] == ["ready: namespaces all"]


def test_a29_an_interrupted_run_says_so(world: World, start: Callable[..., OperatorProcess]) -> None:
    operator = start()
    os.kill(operator.pid, signal.SIGINT)
    assert operator.ended() == 0
    assert "SIGINT: what is under way is finished, then this process ends" in operator.log.read_text()


def test_a01_two_operators_over_the_same_objects_are_noticed_by_both(
    world: World, start: Callable[..., OperatorProcess], tmp_path: Path
) -> None:
    """Each has a Lease in a namespace of its own, as an installed one and one in somebody's terminal have."""
    options = ("--leader-elect", "--namespace-interval", "0.5")
    other = f"other-{world.namespace}"
    world.cluster.kubectl("create", "namespace", other)
    here = start(*options, "--lease-namespace", world.namespace)
    there = OperatorProcess(
        kubeconfig=world.cluster.kubeconfig,
        aws_url=world.aws.url,
        namespace=world.namespace,
        log=tmp_path / "there.log",
        options=(*options, "--lease-namespace", other),
    )
    with there:
        _noticed(here, f"holds the Lease {other}/classifier-operator and serves {world.namespace}, too")
        _noticed(there, f"holds the Lease {world.namespace}/classifier-operator and serves {world.namespace}, too")
        there.stop()
        until(
            lambda: f"the operator of the Lease {other}/classifier-operator has ended" in here.log.read_text(),
            "its end",
        )


def _noticed(operator: OperatorProcess, words: str) -> None:
    until(lambda: words in operator.log.read_text(), "the other one to be noticed")
    until(lambda: words in operator.get("/healthz"), "the other one to be shown")
