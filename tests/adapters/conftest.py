"""The emulated AWS, boto3's environment, and a clock that a test can put forward."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from classifier_operator.adapters.aws import Aws
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.runtime.pacing.limits import RateLimits
from sagemaker_emulator.control import Control
from sagemaker_emulator.server import EmulatorProcess

ROLE = "arn:aws:iam::222222222222:role/Classifiers"


class Clock:
    """The real time, and what a test adds to it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def monotonic(self) -> float:
        return self.now().timestamp()


@pytest.fixture(scope="module")
def emulator() -> Iterator[EmulatorProcess]:
    with EmulatorProcess() as process:
        yield process


@pytest.fixture
def control(emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> Control:
    for name, value in {
        "AWS_ENDPOINT_URL": emulator.url,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    emulator.control.reset()
    emulator.control.clear_calls()
    emulator.control.clear_faults()
    return emulator.control


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def aws(control: Control, clock: Clock) -> Iterator[Aws]:
    aws = Aws(RateLimits(clock.monotonic, {"": (1000.0, 1000.0)}), Metrics(), clock)
    yield aws
    aws.close()
