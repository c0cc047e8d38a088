"""The same lives, shorter, with the emulator's AWS: over HTTP, by the adapter that goes to AWS, in real states."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from botocore.credentials import Credentials
from botocore.session import get_session

from classifier_operator.adapters import identities
from classifier_operator.adapters.aws import Aws
from classifier_operator.adapters.clock import SystemClock
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.runtime.pacing.limits import RateLimits
from sagemaker_emulator.server import Emulator
from tests.properties import emulated
from tests.properties.bounds import lived
from tests.properties.endpoints import CountedEndpoint, EndpointLife
from tests.properties.lives import Life
from tests.properties.trainings import CountedTraining, TrainingLife

NO_LIMIT = {"": (1e9, 1e9)}


@pytest.fixture(scope="module")
def emulator() -> Iterator[tuple[Emulator, Aws, Credentials]]:
    session = get_session()
    session.set_credentials(*emulated.OWN_CREDENTIALS)
    with pytest.MonkeyPatch.context() as environment, Emulator(emulated.SETTINGS, speed=0) as emulator:
        environment.setenv("AWS_ENDPOINT_URL", emulator.url)
        environment.setattr(identities, "get_session", lambda: session)
        aws = Aws(RateLimits(time.monotonic, NO_LIMIT), Metrics(), SystemClock())
        yield emulator, aws, session.get_credentials()
        aws.close()


@pytest.mark.timeout(0)
@pytest.mark.parametrize(
    ("life", "examples"),
    [(TrainingLife, 60), (CountedTraining, 40), (EndpointLife, 60), (CountedEndpoint, 25)],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_it_is_as_asked_in_the_end(
    emulator: tuple[Emulator, Aws, Credentials], life: type[Life], examples: int
) -> None:
    lived(lambda: life(lambda: emulated.stage(*emulator)), examples, steps=30)
