"""What the answer of an endpoint means: numpy's argmax over the array of probabilities."""

from __future__ import annotations

import pytest
from msgspec import structs

from classifier_operator.api.ledger import Place, Resource, ResourceType
from classifier_operator.endpoint.smoke_test import Answered, AnswerError, SmokeTestCall, judge, predict, test_hash
from classifier_operator.endpoint.spec import ClassLabels, Expectation, SmokeTest, TestImage

test_hash.__test__ = False  # type: ignore[attr-defined]
TestImage.__test__ = False  # type: ignore[attr-defined]
LABELS = ("cat", "dog")
TEST = SmokeTest(image=TestImage(s3_uri="s3://bucket/image.png"))


def call(expect: Expectation | None = None) -> SmokeTestCall:
    test = SmokeTest(image=TEST.image, expect=expect)
    endpoint = Resource(Place("us-east-1"), ResourceType.ENDPOINT, "e")
    return SmokeTestCall(resource=endpoint, config_name="c", namespace="vision", test=test)


def answered(body: bytes) -> Answered:
    return Answered(body=body, first_milliseconds=900, milliseconds=20)


@pytest.mark.parametrize(
    ("body", "index", "label"),
    [
        (b"[0.1, 0.9]", 1, "dog"),
        (b"[1, 0]", 0, "cat"),
        (b'{"prediction": [0.2, 0.8]}', 1, "dog"),
        (b"[0.0, 0.1, 0.9]", 2, "2"),
        (b"[0.5, 0.5]", 0, "cat"),
    ],
    ids=["array", "integers", "json lines", "more classes than labels", "a tie"],
)
def test_the_most_probable_class(body: bytes, index: int, label: str) -> None:
    prediction = predict(body, LABELS)
    assert (prediction.index, prediction.label) == (index, label)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"not json", b'["a"]', b"[[0.1]]", b"{}", b"null", b"0.5", b"[NaN, 0.1]", b"[0.1, null]", b"\xff"],
    ids=repr,
)
def test_anything_else_is_no_answer(body: bytes) -> None:
    with pytest.raises(AnswerError, match="the answer is not an array of probabilities"):
        predict(body, LABELS)
    outcome = judge(call(), [answered(body)], LABELS, "now")
    assert (outcome.outcome, outcome.has_passed) == ("Failed", False)


EXPECTATIONS = {
    "none": (None, ""),
    "the label": (Expectation(label="dog"), ""),
    "label and probability": (Expectation(label="dog", min_probability="0.9"), ""),
    "another label": (Expectation(label="cat"), "the answer is dog with probability 0.9; expected cat"),
    "more certain": (
        Expectation(min_probability="0.95"),
        "the answer is dog with probability 0.9; expected at least 0.95",
    ),
}


@pytest.mark.parametrize(("expect", "problem"), EXPECTATIONS.values(), ids=EXPECTATIONS.keys())
def test_the_expectation(expect: Expectation | None, problem: str) -> None:
    outcome = judge(call(expect), [answered(b"[0.1, 0.9]")], LABELS, "now")
    assert (outcome.message, outcome.has_passed) == (problem, not problem)
    assert (outcome.label, outcome.probability) == ("dog", "0.9")
    assert (outcome.first_latency_milliseconds, outcome.latency_milliseconds) == (900, 20)


def test_another_test_or_other_labels_have_another_hash() -> None:
    hashes = {
        test_hash(TEST, None),
        test_hash(call(Expectation(label="cat")).test, None),
        test_hash(TEST, ClassLabels(values=LABELS)),
    }
    assert len(hashes) == 3


def test_of_several_variants_the_first_bad_answer_counts() -> None:
    good, bad = answered(b"[0.1, 0.9]"), structs.replace(answered(b"[0.9, 0.1]"), variant="challenger")
    outcome = judge(call(Expectation(label="dog")), [good, bad], LABELS, "now")
    assert outcome.message.startswith("variant challenger: the answer is cat")
    assert judge(call(Expectation(label="dog")), [good, good], LABELS, "now").has_passed
