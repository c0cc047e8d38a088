"""What is left over once nobody changes anything is found, each kind of it."""

from __future__ import annotations

from typing import Any

import pytest
from bench.scale.settlement import left_over

from classifier_operator.api.kinds import UID_TAG

Json = dict[str, Any]
SETTLED: Json = {
    "kind": "ClassifierEndpoint",
    "metadata": {"name": "e", "uid": "1", "generation": 3},
    "spec": {},
    "status": {
        "observedGeneration": 3,
        "conditions": [{"type": "Ready", "status": "True"}, {"type": "Stalled", "status": "False"}],
        "resources": [{"name": "e-1"}, {"name": "endpoint/e-1/variant/a"}],
    },
}


def changed(*, spec: Json | None = None, **parts: Any) -> Json:
    """The settled object with other metadata, or another status."""
    sections = {name: {**SETTLED[name], **parts} for name in ("metadata", "status")}
    return {**SETTLED, **sections, "spec": spec or {}}


def resource(kind: str, name: str = "e-1", uid: str = "1", status: str = "") -> Json:
    tags = {UID_TAG: uid} if uid else {}
    return {"kind": kind, "name": name, "status": status, "tags": tags}


ALL = [resource(kind) for kind in ("endpoints", "models", "endpoint-configs")]
TARGET = resource("scalable-targets", "endpoint/e-1/variant/a", "")


def test_nothing_is_left_over_of_what_is_settled() -> None:
    assert left_over([SETTLED], [*ALL, TARGET]) == []


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (changed(observedGeneration=2), "is seen at generation 2 of 3"),
        ({**SETTLED, "status": {}}, "is seen at generation None of 3"),
        (changed(deletionTimestamp="2026-01-01T00:00:00Z"), "is still being deleted"),
        (
            changed(conditions=[{"type": "Reconciling", "status": "True", "reason": "Updating"}]),
            "is Reconciling (Updating)",
        ),
        (
            changed(conditions=[{"type": "Stalled", "status": "True", "reason": "RolledBack"}]),
            "is Stalled (RolledBack)",
        ),
    ],
    ids=["edited", "never seen", "deleted", "reconciling", "stalled"],
)
def test_an_object_on_which_something_is_to_be_done(found: Json, words: str) -> None:
    assert left_over([found], []) == [f"ClassifierEndpoint e {words}"]


@pytest.mark.parametrize("kind", ["endpoints", "models", "endpoint-configs"])
def test_what_belongs_to_no_object(kind: str) -> None:
    assert left_over([SETTLED], [*ALL, resource(kind, "x", "2")]) == [f"{kind} x belongs to no object"]


def test_what_bears_no_tag() -> None:
    assert left_over([SETTLED], [*ALL, resource("models", "x", "")]) == ["models x bears no owner's tag"]


def test_what_the_owner_does_not_name() -> None:
    assert left_over([SETTLED], [*ALL, resource("models", "old")]) == [
        "models old is not in the ledger of ClassifierEndpoint e"
    ]


def test_what_a_suspended_object_keeps() -> None:
    assert left_over([changed(spec={"suspend": True})], [ALL[0]]) == [
        "endpoints e-1 belongs to ClassifierEndpoint e, which is suspended"
    ]
    assert left_over([changed(spec={"suspend": False})], [ALL[0]]) == []


def test_a_target_that_has_outlived_its_endpoint() -> None:
    assert left_over([SETTLED], [TARGET]) == ["scalable-targets endpoint/e-1/variant/a bears no owner's tag"]


def test_a_target_of_an_endpoint_that_belongs_to_no_object() -> None:
    assert left_over([], [ALL[0], TARGET]) == [
        "endpoints e-1 belongs to no object",
        "scalable-targets endpoint/e-1/variant/a belongs to no object",
    ]


@pytest.mark.parametrize("status", ["InProgress", "Stopping"])
def test_a_job_that_still_moves_and_belongs_to_none(status: str) -> None:
    assert left_over([], [resource("training-jobs", "j", "2", status)]) == ["training-jobs j belongs to no object"]


@pytest.mark.parametrize("status", ["Completed", "Failed", "Stopped"])
def test_a_job_that_is_over_stays_as_a_record(status: str) -> None:
    assert left_over([], [resource("training-jobs", "j", "2", status)]) == []
