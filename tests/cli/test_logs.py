"""Following a log: each line once, the last ones after the job's end."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from classifier_operator.cli.logs import GROUP, JobLog
from sagemaker_emulator.server import EmulatorProcess


@pytest.fixture(scope="module")
def aws() -> Iterator[EmulatorProcess]:
    with EmulatorProcess() as aws:
        yield aws


@pytest.fixture
def logs(aws: EmulatorProcess) -> Any:
    return _client(aws, "us-east-1")


def _client(aws: EmulatorProcess, region: str) -> Any:
    keys = {"aws_access_key_id": "demo", "aws_secret_access_key": "demo"}
    return boto3.client("logs", region_name=region, endpoint_url=aws.url, **keys)


class Writer:
    """A job that writes to two streams, as one on two instances does."""

    def __init__(self, logs: Any, job: str, now: int) -> None:
        self._logs, self._job, self._at = logs, job, now
        with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=GROUP)
        for number in (1, 2):
            logs.create_log_stream(logGroupName=GROUP, logStreamName=f"{job}/algo-{number}-1")

    def write(self, *lines: str) -> None:
        for number, line in enumerate(lines):
            self._at += 1
            event = {"timestamp": self._at, "message": line}
            stream = f"{self._job}/algo-{number % 2 + 1}-1"
            self._logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=[event])


@pytest.fixture
def now() -> int:
    return int(time.time() * 1000)


def test_a_group_that_does_not_exist_yet_is_no_error(aws: EmulatorProcess) -> None:
    log = JobLog(_client(aws, "eu-west-1"), "digits-1")
    assert list(log.read()) == []
    assert not log.is_found


def test_each_line_is_read_once(logs: Any, now: int) -> None:
    writer, log = Writer(logs, "once", now), JobLog(logs, "once")
    writer.write("a", "b")
    first = [event["message"] for event in log.read()]
    writer.write("c")
    assert (first, [event["message"] for event in log.read()]) == (["a", "b"], ["c"])


def test_other_jobs_are_left_out(logs: Any, now: int) -> None:
    Writer(logs, "job-1", now).write("mine")
    Writer(logs, "job-12", now).write("another's")
    assert [event["message"] for event in JobLog(logs, "job-1").read()] == ["mine"]


def test_following_ends_with_the_job_s_last_words(logs: Any, now: int) -> None:
    writer, log = Writer(logs, "followed", now), JobLog(logs, "followed")
    writer.write("begin")
    states = iter([False, False, True])

    def is_over() -> bool:
        if over := next(states):
            writer.write("end")
        return over

    lines = [event["message"] for event in log.follow(is_over, sleep=lambda _: writer.write("more"))]
    assert lines == ["begin", "more", "more", "end"]
