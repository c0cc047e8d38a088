"""The tables of what the API server refuses, constraint by constraint, with its words."""

from __future__ import annotations

from typing import Final

from tests.contract.refusals import hyperparameters, inputs, machines, paths, rollout, serving, smoke_test, variants
from tests.contract.refusals.form import Refusal

REFUSALS: Final[dict[str, tuple[Refusal, ...]]] = {
    "ClassifierTraining": (
        *machines.REFUSALS,
        *hyperparameters.REFUSALS,
        *inputs.REFUSALS,
        *paths.TRAININGS,
    ),
    "ClassifierEndpoint": (
        *serving.REFUSALS,
        *variants.REFUSALS,
        *rollout.REFUSALS,
        *smoke_test.REFUSALS,
        *paths.ENDPOINTS,
    ),
}

__all__ = ["REFUSALS", "Refusal"]
