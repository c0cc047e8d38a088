"""Annotations that the operator does not know are logged, and not again and again."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit import builders
from tests.unit.world import World as Fakes

from classifier_operator.api.kinds import ADOPT_ANNOTATION, GROUP, RETRAIN_ANNOTATION
from classifier_operator.runtime.annotations import OF_NAMESPACES, UnknownAnnotations

ADOTP = f"{GROUP}/adotp"


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if "unknown annotations" in one.getMessage()]


def annotated(body: dict[str, Any], *names: str) -> dict[str, Any]:
    body["metadata"]["annotations"] = dict.fromkeys(names, "x")
    return body


async def test_a_misspelt_annotation_of_an_object_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    fakes = Fakes()
    key = fakes.cluster.create(annotated(builders.endpoint(), ADOTP, "example.com/adotp"))
    await fakes.run(4)
    words = f"{key}: unknown annotations, which are ignored: {ADOTP!r} (is adopt meant?)"
    assert logged(caplog) == [words]
    fakes.cluster.edit(key, lambda body: body["spec"].update(instanceCount=2))
    await fakes.run(4)
    assert logged(caplog) == [words] * 2
    fakes.cluster.edit(key, lambda body: body["metadata"]["annotations"].update({f"{GROUP}/other": "x"}))
    await fakes.run(2)
    assert logged(caplog)[2:] == [f"{words}, {GROUP + '/other'!r}"]


async def test_what_only_the_other_kind_knows_is_unknown(caplog: pytest.LogCaptureFixture) -> None:
    fakes = Fakes()
    training = fakes.cluster.create(annotated(builders.training(), RETRAIN_ANNOTATION, ADOPT_ANNOTATION))
    await fakes.run()
    assert logged(caplog) == [f"{training}: unknown annotations, which are ignored: {ADOPT_ANNOTATION!r}"]


async def test_a_misspelt_annotation_of_a_namespace_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    fakes = Fakes()
    fakes.cluster.namespaces["vision"] = dict.fromkeys((*OF_NAMESPACES, f"{GROUP}/enforced"), "")
    fakes.cluster.create(builders.training())
    await fakes.run(2)
    for _ in range(3):
        await fakes.operator.defaults.refresh({"vision"})
    assert logged(caplog) == [
        f"namespace vision: unknown annotations, which are ignored: {GROUP + '/enforced'!r} (is enforce meant?)"
    ]


def test_many_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    names = [f"{GROUP}/{number:02}" for number in range(40)]
    body = {"metadata": {"annotations": dict.fromkeys(names, "x")}}
    UnknownAnnotations().note("one", body, frozenset())
    (words,) = logged(caplog)
    assert words.endswith(f"{names[4]!r} and 35 more")


@pytest.mark.parametrize("body", [{}, {"metadata": None}, {"metadata": {"annotations": "text"}}])
def test_what_has_no_annotations_has_no_unknown_ones(caplog: pytest.LogCaptureFixture, body: dict[str, Any]) -> None:
    UnknownAnnotations().note("one", body, frozenset())
    assert logged(caplog) == []
