"""The emulator as a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from sagemaker_emulator.server import EmulatorProcess
from tests.emulator.builders import arn, client, training


def test_process_serves_and_ends() -> None:
    settings = '{"training": {"work": "none", "instant_artifact": false}}'
    arguments = ("--speed", "0", "--account", "333333333333", "--settings", settings)
    with EmulatorProcess(*arguments) as emulator:
        sagemaker = client("sagemaker", emulator.url)
        made = sagemaker.create_training_job(**training())
        assert made["TrainingJobArn"] == arn("training-job", "job", account="333333333333")
        emulator.control.advance(300)
        assert emulator.control.resources()[0]["status"] == "Completed"
        pid = emulator.pid
    assert has_ended(pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_the_process_in_order(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "sagemaker_emulator"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("emulator ready at ").strip()
        client("sagemaker", url).list_models()
        process.send_signal(number)
        _, complaints = process.communicate(timeout=20)
    assert (process.returncode, complaints) == (0, "")


def test_process_ends_with_its_parent() -> None:
    program = (
        "from sagemaker_emulator.server import EmulatorProcess; import os\n"
        "process = EmulatorProcess(); process.start(); print(process.pid, flush=True); os._exit(9)\n"
    )
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        timeout=60,
    )
    assert has_ended(int(done.stdout))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(("--settings", "{"), "Invalid value", id="no-json"),
        pytest.param(("--settings", '{"x": 1}'), "settings has no 'x'", id="unknown-setting"),
        pytest.param(("--account", "me"), "settings.account must be 12 digits", id="account"),
        pytest.param(("--speed", "-1"), "speed must be between 0", id="speed"),
    ],
)
def test_wrong_arguments(arguments: tuple[str, str], words: str) -> None:
    path = os.pathsep.join(sys.path)
    command = [sys.executable, "-m", "sagemaker_emulator", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}, timeout=60)
    assert done.returncode == 2
    assert words in done.stderr


def test_taken_port_is_explained() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(RuntimeError, match="did not start"):
            EmulatorProcess("--port", port).start()


def has_ended(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if is_zombie(pid):
            return True
        time.sleep(0.05)
    return False


def is_zombie(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a25_nothing_is_dated_later_than_now() -> None:
    """Also at a high speed: a training of minutes, its metrics and its transitions, and what a List filters by them."""
    settings = '{"training": {"work": "none", "instant_artifact": false}}'
    with EmulatorProcess("--speed", "1000", "--settings", settings) as emulator:
        sagemaker = client("sagemaker", emulator.url)
        begun = datetime.now(UTC)
        sagemaker.create_training_job(**training())
        waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
        waiter.wait(TrainingJobName="job", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        described = sagemaker.describe_training_job(TrainingJobName="job")
        ended = datetime.now(UTC)
        times = [
            described["CreationTime"],
            described["TrainingStartTime"],
            described["TrainingEndTime"],
            described["LastModifiedTime"],
            *(
                time
                for one in described["SecondaryStatusTransitions"]
                for time in one.values()
                if not isinstance(time, str)
            ),
        ]
        # AWS's times are whole milliseconds.
        allowance = timedelta(milliseconds=1)
        assert begun - allowance <= min(times) <= max(times) <= ended + allowance
        assert described["TrainingTimeInSeconds"] > 60
        created = described["CreationTime"]
        listed = [
            len(sagemaker.list_training_jobs(CreationTimeAfter=moment)["TrainingJobSummaries"])
            for moment in (created - timedelta(seconds=1), created)
        ]
        assert listed == [1, 0]
