"""`classifier-operator emulator`, as a process of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import boto3
import pytest
from click.testing import CliRunner

from classifier_operator.cli import main
from sagemaker_emulator.control import Control
from tests.cli.conftest import CREDENTIALS
from tests.cli.demos import ROOT

COMMAND = [sys.executable, "-m", "classifier_operator", "emulator"]
ENVIRONMENT = {**os.environ, **CREDENTIALS, "PYTHONPATH": str(ROOT / "operator")}


@pytest.fixture
def running() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process, and all that it says at its start."""
    options = ["--port", "0", "--speed", "60", "--elastic-inference", "--settings", '{"region": "eu-west-1"}']
    with subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
        assert process.stdout
        said = [process.stdout.readline()]
        while "Ctrl-C" not in said[-1] and said[-1]:
            said.append(process.stdout.readline())
        yield process, "".join(said)
        process.kill()


def test_it_serves_and_says_how_to_use_it(running: tuple[subprocess.Popen[str], str]) -> None:
    found = re.search(
        r"export AWS_ENDPOINT_URL=(\S+) AWS_ACCESS_KEY_ID=(\S+) AWS_SECRET_ACCESS_KEY=(\S+) AWS_REGION=(\S+)",
        running[1],
    )
    assert found
    url, key, secret, region = found.groups()
    sagemaker = boto3.client(
        "sagemaker", endpoint_url=url, aws_access_key_id=key, aws_secret_access_key=secret, region_name=region
    )
    assert sagemaker.list_training_jobs()["TrainingJobSummaries"] == []
    settings = Control(url).settings()
    assert (settings["region"], settings["elastic_inference"]["available"]) == ("eu-west-1", True)


def test_ctrl_c_ends_it_well(running: tuple[subprocess.Popen[str], str]) -> None:
    process = running[0]
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0


def test_a_taken_port_is_an_error_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        options = ["--port", str(port)]
        done = subprocess.run(
            [*COMMAND, *options], env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("{", "no JSON"),
        ('{"speed": 1}', "settings has no 'speed'"),
        ('{"training": {"training_seconds": "x"}}', "settings.training.training_seconds must be of type float"),
    ],
    ids=["no JSON", "unknown", "wrong type"],
)
def test_wrong_settings_are_refused(settings: str, words: str) -> None:
    done = CliRunner().invoke(main, ["emulator", "--settings", settings])
    assert done.exit_code == 2
    assert words in done.output
