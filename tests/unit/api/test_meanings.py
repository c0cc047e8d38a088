from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from tests.contract.manifests import CRDS

from classifier_operator.api.conditions import Reason
from classifier_operator.api.kinds import Kind
from classifier_operator.api.meanings import MEANINGS, Course


def test_every_reason_has_a_meaning_and_in_the_same_order() -> None:
    assert list(MEANINGS) == list(Reason)


@pytest.mark.parametrize("reason", list(Reason))
def test_whoever_has_to_act_is_told_how(reason: Reason) -> None:
    meaning = MEANINGS[reason]
    assert meaning.kinds
    assert meaning.text.endswith(".")
    if meaning.course in (Course.WAITS, Course.STOPS):
        assert meaning.advice.endswith(".")


@pytest.mark.parametrize("kind", list(Kind))
def test_kubectl_explain_names_the_same_reasons(kind: Kind) -> None:
    definition: dict[str, Any] = yaml.safe_load((CRDS / f"{kind.plural}.yaml").read_text())
    status = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
    text = status["properties"]["conditions"]["items"]["properties"]["reason"]["description"]
    named = {word for word in re.findall(r"[A-Z][A-Za-z]+", text) if word in set(Reason)}
    # Superseded is said of earlier runs, in the history, ProbableMistake by an Event, and neither by a condition.
    never = {Reason.SUPERSEDED.value, Reason.PROBABLE_MISTAKE.value}
    assert named == {one.value for one in Reason if kind in MEANINGS[one].kinds} - never
