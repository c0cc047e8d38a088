"""Whose credentials `logs` and `predict` carry when the object is in another account."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result

from classifier_operator.cli import main
from classifier_operator.cli.logs import GROUP
from control_plane import ControlPlane
from sagemaker_emulator.server import EmulatorProcess
from tests.cli.conftest import CREDENTIALS

ROLE = "arn:aws:iam::222222222222:role/Classifiers"
OWN_ROLE = "arn:aws:iam::123456789012:role/Classifiers"
JOB = "digits-1"
ENDPOINT = "digits-endpoint"
Apply = Callable[..., str]


def conditions(reason: str) -> list[dict[str, Any]]:
    at = {"lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 1, "message": ""}
    return [{"type": "Ready", "status": "True", "reason": reason, **at}]


def entry(kind: str, name: str, role: str) -> dict[str, str]:
    return {"type": kind, "name": name, "region": "us-east-1", **({"assumeRoleArn": role} if role else {})}


@pytest.fixture(scope="module")
def emulator() -> Iterator[EmulatorProcess]:
    with EmulatorProcess() as process:
        yield process


@pytest.fixture
def aws(emulator: EmulatorProcess) -> EmulatorProcess:
    emulator.control.reset()
    emulator.control.clear_calls()
    emulator.control.clear_faults()
    return emulator


@pytest.fixture
def run(kinds: ControlPlane, aws: EmulatorProcess) -> Callable[..., Result]:
    environment = {**CREDENTIALS, "AWS_ENDPOINT_URL": aws.url}

    def invoke(*arguments: str) -> Result:
        command = [*arguments, "--kubeconfig", str(kinds.kubeconfig)]
        return CliRunner().invoke(main, command, env=environment)

    return invoke


@pytest.fixture
def trained(apply_digits: Apply) -> Callable[[str], str]:
    """A training whose job ran by that role; its namespace."""

    def apply(role: str) -> str:
        entries = [entry("TrainingJob", JOB, role)]
        status = {"region": "us-east-1", "jobName": JOB, "jobStatus": "Completed", "resources": entries}
        return apply_digits("ctrain", {**status, "conditions": conditions("Completed")})

    return apply


def write_log(url: str, role: str, line: str) -> None:
    """What a job writes, in the account of that role."""
    session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1")
    keys = {}
    if role:
        given = session.client("sts", endpoint_url=url).assume_role(RoleArn=role, RoleSessionName="job")["Credentials"]
        keys = {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }
    logs = session.client("logs", endpoint_url=url, **keys)
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName=f"{JOB}/algo-1-1")
    event = {"timestamp": int(time.time() * 1000), "message": line}
    logs.put_log_events(logGroupName=GROUP, logStreamName=f"{JOB}/algo-1-1", logEvents=[event])


def accounts(aws: EmulatorProcess, operation: str) -> list[str]:
    return [call["account"] for call in aws.control.calls(operation)]


def test_logs_are_read_by_the_operators_role(
    run: Callable[..., Result], aws: EmulatorProcess, trained: Callable[[str], str]
) -> None:
    namespace = trained(ROLE)
    write_log(aws.url, ROLE, "in the other account")
    assert run("logs", "digits", "-n", namespace).output == "in the other account\n"


@pytest.mark.parametrize("role", ["", OWN_ROLE], ids=["none recorded", "of one's own account"])
def test_logs_of_ones_own_account_need_no_role(
    run: Callable[..., Result], aws: EmulatorProcess, trained: Callable[[str], str], role: str
) -> None:
    namespace = trained(role)
    write_log(aws.url, "", "here")
    assert run("logs", "digits", "-n", namespace).output == "here\n"
    assert accounts(aws, "sts.AssumeRole") == []


@pytest.mark.parametrize(("asked", "line"), [("none", "here"), (ROLE, "there")])
def test_the_option_says_which_role(
    run: Callable[..., Result], aws: EmulatorProcess, trained: Callable[[str], str], asked: str, line: str
) -> None:
    namespace = trained("arn:aws:iam::333333333333:role/Classifiers")
    write_log(aws.url, "" if asked == "none" else asked, line)
    assert run("logs", "digits", "-n", namespace, "--assume-role-arn", asked).output == f"{line}\n"


def test_a_role_that_cannot_be_taken_on_is_said_with_advice(
    run: Callable[..., Result], aws: EmulatorProcess, trained: Callable[[str], str]
) -> None:
    namespace = trained(ROLE)
    aws.control.fail_next("sts.AssumeRole", None, code="AccessDenied", message="not authorized", status=403)
    done = run("logs", "digits", "-n", namespace)
    assert done.exit_code == 1
    assert "AccessDenied" in done.output
    assert "--assume-role-arn none" in done.output


@pytest.mark.parametrize(
    ("recorded", "account"), [(True, "222222222222"), (False, "123456789012")], ids=["recorded", "not recorded"]
)
def test_predict_invokes_in_the_account_of_the_endpoint(
    run: Callable[..., Result],
    aws: EmulatorProcess,
    apply_digits: Apply,
    tmp_path: Path,
    recorded: bool,
    account: str,
) -> None:
    entries = [entry("Endpoint", ENDPOINT, ROLE)] if recorded else []
    status = {"region": "us-east-1", "endpointName": ENDPOINT, "resources": entries}
    namespace = apply_digits("cep", {**status, "conditions": conditions("InService")})
    (tmp_path / "image.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    done = run("predict", "digits", str(tmp_path / "image.png"), "-n", namespace)
    assert f"{ENDPOINT} of account {account} not found" in done.output
    assert accounts(aws, "InvokeEndpoint") == [account]


def test_what_is_not_recorded_is_as_the_spec_says(
    run: Callable[..., Result], aws: EmulatorProcess, kinds: ControlPlane, trained: Callable[[str], str]
) -> None:
    namespace = trained("")
    status: dict[str, Any] = {"status": {"resources": []}}
    spec = {"spec": {"assumeRoleArn": ROLE}}
    merge = ("patch", "ctrain", "digits", "-n", namespace, "--type=merge")
    kinds.kubectl(*merge, "--subresource=status", "-p", json.dumps(status))
    kinds.kubectl(*merge, "-p", json.dumps(spec))
    write_log(aws.url, ROLE, "there")
    assert run("logs", "digits", "-n", namespace).output == "there\n"
