"""One emulator in this process with a clock that only tests move, emptied for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sagemaker_emulator.control import Control
from sagemaker_emulator.server import Emulator
from tests.emulator import builders


@pytest.fixture(scope="session")
def running_emulator() -> Iterator[Emulator]:
    with Emulator(speed=0) as emulator:
        yield emulator


@pytest.fixture
def emulator(running_emulator: Emulator) -> Emulator:
    running_emulator.control.set_speed(0)
    running_emulator.control.reset()
    return running_emulator


@pytest.fixture
def control(emulator: Emulator) -> Control:
    return emulator.control


@pytest.fixture(scope="session")
def clients(running_emulator: Emulator) -> Callable[[str], Any]:
    """Clients by service, made once: it takes longer than most tests."""
    made: dict[str, Any] = {}

    def get(service: str) -> Any:
        if service not in made:
            made[service] = builders.client(service, running_emulator.url)
        return made[service]

    return get


@pytest.fixture
def sagemaker(emulator: Emulator, clients: Callable[[str], Any]) -> Any:
    return clients("sagemaker")


@pytest.fixture
def runtime(emulator: Emulator, clients: Callable[[str], Any]) -> Any:
    return clients("sagemaker-runtime")


@pytest.fixture
def s3(emulator: Emulator, clients: Callable[[str], Any]) -> Any:
    """S3 with the bucket that the builders name."""
    made = clients("s3")
    made.create_bucket(Bucket=builders.BUCKET)
    return made


@pytest.fixture
def endpoint(sagemaker: Any, control: Control) -> str:
    """An endpoint in service, with model `model` and configuration `config`."""
    builders.create_model(sagemaker)
    builders.create_config(sagemaker)
    sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
    control.advance(301)
    return "endpoint"
