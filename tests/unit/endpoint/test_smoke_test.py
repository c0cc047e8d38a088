"""What the answer of an endpoint means: the class with the largest of the probabilities."""

from __future__ import annotations

import pytest
from msgspec import structs

from classifier_operator.api.ledger import Place, Resource, ResourceType
from classifier_operator.endpoint.answer import ANSWER_LIMIT, AnswerError
from classifier_operator.endpoint.smoke_test import Answered, SmokeTestCall, judge, predict, test_hash
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


NO_ANSWERS = {
    "nothing": (b"", "truncated"),
    "no numbers": (b"[]", "it is empty"),
    "no json": (b"not json", "malformed"),
    "texts": (b'["a"]', "Expected `float`, got `str`"),
    "booleans": (b"[true, false]", "Expected `float`, got `bool`"),
    "a matrix": (b"[[0.1]]", "Expected `float`, got `array`"),
    "another object": (b"{}", "missing required field `prediction`"),
    "null": (b"null", "got `null`"),
    "a number": (b"0.5", "got `float`"),
    "a null among numbers": (b"[0.1, null]", "got `null`"),
    "nan": (b"[NaN, 0.1]", "malformed"),
    "infinity": (b"[Infinity]", "malformed"),
    "too large a number": (b"[1e999]", "Number out of range"),
    "four hundred digits": (b"[" + b"9" * 400 + b"]", "Number out of range"),
    "a million digits": (b"[" + b"9" * 1_000_000 + b"]", "Number out of range"),
    "negative": (b"[0.5, -0.5]", "number 1 is -0.5, which is no probability"),
    "more than one": (b"[0.5, 12345678]", "number 1 is 1.235e+07, which is no probability"),
    "brackets": (b"[" * 500_000, "got `array`"),
    "objects in each other": (b'{"a":' * 100_000, "it is nested too deeply"),
    "brackets beside the answer": (b'{"prediction":[0.1],"x":' + b"[" * 100_000, "it is nested too deeply"),
    "no utf-8": (b"\xff\xfe", "malformed"),
    "utf-16": ("[0.5]".encode("utf-16"), "malformed"),
    "something after it": (b"[0.5] [0.5]", "trailing characters"),
    "too long": (b"[0.5" + b" " * ANSWER_LIMIT + b"]", f"it has more than {ANSWER_LIMIT} bytes"),
}


@pytest.mark.parametrize(("body", "why"), NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
def test_anything_else_is_no_answer(body: bytes, why: str) -> None:
    with pytest.raises(AnswerError, match="the answer is not an array of probabilities"):
        predict(body, LABELS)
    outcome = judge(call(), [answered(body)], LABELS, "now")
    assert (outcome.outcome, outcome.has_passed) == ("Failed", False)
    assert why in outcome.message
    assert len(outcome.message) < 1000


@pytest.mark.parametrize("body", [b"[1.0]", b"[0.2, 0.3, 0.5]"], ids=["too few", "too many"])
def test_as_many_probabilities_as_labels(body: bytes) -> None:
    outcome = judge(call(), [answered(body)], LABELS, "now")
    count = body.count(b".")
    assert outcome.outcome == "Failed"
    assert outcome.message == f"the answer has {count} probabilities, and there are 2 class labels"
    assert judge(call(), [answered(body)], (), "now").has_passed


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
