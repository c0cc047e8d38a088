"""Whatever users, AWS and the machine do, in whatever order: in the end it is as the last spec says. Over the fakes.

PROPERTY_EXAMPLES=5000 makes a longer run, of other sequences each time, and shortens what fails.
"""

from __future__ import annotations

import pytest

from tests.properties import faked
from tests.properties.bounds import lived
from tests.properties.endpoints import CountedEndpoint, EndpointLife
from tests.properties.lives import Life
from tests.properties.trainings import CountedTraining, SourcedTraining, TrainingLife


@pytest.mark.timeout(0)
@pytest.mark.parametrize(
    ("life", "examples"),
    [(TrainingLife, 300), (SourcedTraining, 150), (CountedTraining, 200), (EndpointLife, 500), (CountedEndpoint, 250)],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_it_is_as_asked_in_the_end(life: type[Life], examples: int) -> None:
    lived(lambda: life(faked.stage), examples, steps=30)
