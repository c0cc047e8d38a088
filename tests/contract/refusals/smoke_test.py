"""What is refused in a ClassifierEndpoint's class labels and smoke test."""

from __future__ import annotations

from typing import Any, Final

from tests.contract.refusals import sentences
from tests.contract.refusals.form import Refusal, endpoint, endpoint_field

SMOKE_TEST: Final = {"image": {"s3Uri": "s3://birds/wren.jpg"}}

_LABELS: Final = "either configMapKeyRef or values must be given"

_IMAGE: Final = "either configMapKeyRef or s3Uri must be given"

_KEY: Final = {"name": "samples", "key": "wren.jpg"}

_PROBABILITY: Final = 'supported values: "a decimal number from 0 to 1, such as 0.3"'


_NO_PROBABILITIES: Final[tuple[object, ...]] = ("50%", "0,5", "half", True, [], {})

_NO_LABELS: Final[tuple[object, ...]] = (True, 0.5, [])


def _smoke_test(name: str, changes: dict[str, Any], field: str, message: str) -> Refusal:
    return endpoint(name, {"spec.smokeTest": {**SMOKE_TEST, **changes}}, f"spec.smokeTest.{field}", message)


REFUSALS: Final = (
    endpoint_field("labels-none", "spec.classLabels", {}, _LABELS),
    endpoint_field("labels-twice", "spec.classLabels", {"configMapKeyRef": _KEY, "values": ["wren"]}, _LABELS),
    endpoint("labels-empty", {"spec.classLabels": {"values": []}}, "spec.classLabels.values", "at least 1 items"),
    endpoint("label-empty", {"spec.classLabels": {"values": [""]}}, "spec.classLabels.values[0]", "at least 1 chars"),
    endpoint(
        "labels-key",
        {"spec.classLabels": {"configMapKeyRef": {"name": "labels", "key": "a/b"}}},
        "spec.classLabels.configMapKeyRef.key",
        sentences.CONFIG_MAP_KEY,
    ),
    endpoint(
        "labels-key-missing",
        {"spec.classLabels": {"configMapKeyRef": {"name": "labels"}}},
        "spec.classLabels.configMapKeyRef.key",
        "Required value",
    ),
    endpoint("test-without-image", {"spec.smokeTest": {}}, "spec.smokeTest.image", "Required value"),
    _smoke_test("image-none", {"image": {}}, "image", _IMAGE),
    _smoke_test("image-twice", {"image": {"configMapKeyRef": _KEY, "s3Uri": "s3://birds/x.jpg"}}, "image", _IMAGE),
    _smoke_test("image-bucket", {"image": {"s3Uri": "s3://birds/"}}, "image.s3Uri", sentences.S3_OBJECT),
    _smoke_test("contentType-empty", {"contentType": ""}, "contentType", sentences.CONTENT_TYPE),
    _smoke_test("warmUps-negative", {"warmUps": -1}, "warmUps", "greater than or equal to 0"),
    _smoke_test("warmUps-101", {"warmUps": 101}, "warmUps", "less than or equal to 100"),
    _smoke_test("onFailure", {"onFailure": "Ignore"}, "onFailure", "supported values"),
    _smoke_test("expect-nothing", {"expect": {}}, "expect", "at least 1 properties"),
    _smoke_test("probability-above-1", {"expect": {"minProbability": "1.5"}}, "expect.minProbability", _PROBABILITY),
    _smoke_test("probability-percent", {"expect": {"minProbability": "30%"}}, "expect.minProbability", _PROBABILITY),
    _smoke_test(
        "probability-number", {"expect": {"minProbability": 1.5}}, "expect.minProbability", "less than or equal"
    ),
    *(
        _smoke_test(
            f"a17-probability-{value!r}", {"expect": {"minProbability": value}}, "expect.minProbability", _PROBABILITY
        )
        for value in _NO_PROBABILITIES
    ),
    endpoint(
        "expected-label-without-labels",
        {"spec.smokeTest": {**SMOKE_TEST, "expect": {"label": "wren"}}},
        "spec.classLabels",
        "smokeTest.expect.label needs classLabels, because the model itself answers by numbers",
    ),
    endpoint(
        "expected-label-unknown",
        {"spec.smokeTest": {**SMOKE_TEST, "expect": {"label": "wren"}}, "spec.classLabels": {"values": ["crow"]}},
        "spec.smokeTest.expect.label",
        "must be one of classLabels.values",
    ),
    *(
        endpoint(
            f"a16-expected-label-{label!r}-unknown",
            {"spec.smokeTest": {**SMOKE_TEST, "expect": {"label": label}}, "spec.classLabels": {"values": values}},
            "spec.smokeTest.expect.label",
            "must be one of classLabels.values",
        )
        for label, values in ((7, [0, 1]), ("07", [7]), (7, ["07"]), ("7", ["a", 77]))
    ),
    *(
        endpoint(
            f"a16-label-{label!r}",
            {"spec.classLabels": {"values": [label]}},
            "spec.classLabels.values[0]",
            "must be of type integer,string",
        )
        for label in _NO_LABELS
    ),
)
