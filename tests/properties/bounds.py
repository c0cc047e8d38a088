"""How long the machines run."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, cast

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.lives import Life


def lived(make: Callable[[], Life], examples: int, *, steps: int) -> None:
    """Live so many lives."""
    run_state_machine_as_test(cast(Any, make), settings=bounded(examples, steps=steps))


def bounded(examples: int, *, steps: int) -> settings:
    """So many examples, the same each time; or as many as the environment says, others each time."""
    asked = os.environ.get("PROPERTY_EXAMPLES")
    return settings(
        max_examples=int(asked or examples),
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=asked is None,
        phases=[Phase.generate, Phase.shrink] if asked else [Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
