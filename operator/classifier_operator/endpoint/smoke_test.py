"""The smoke test as values: what to send, and what the answer means.

The algorithm answers with a JSON array of one probability for each class (SageMaker's guide to the built-in image
classifier); the class with the largest is the prediction.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from msgspec import Struct, to_builtins

from classifier_operator.api.ledger import Resource
from classifier_operator.api.redaction import redacted
from classifier_operator.endpoint.record import SmokeTestStatus
from classifier_operator.endpoint.spec import ClassLabels, Expectation, SmokeTest
from classifier_operator.sagemaker.names import content_hash


class AnswerError(ValueError):
    """The endpoint's answer is not an array of probabilities."""


class SmokeTestCall(Struct, frozen=True, kw_only=True):
    """A smoke test to run against an endpoint that serves a configuration."""

    resource: Resource
    config_name: str
    namespace: str
    test: SmokeTest
    labels: ClassLabels | None = None
    # Each is asked by name; none where there is only one, which needs no name.
    variants: tuple[str, ...] = ()

    operation = "InvokeEndpoint"
    creates = False
    # It may take minutes, and the status says so meanwhile.
    is_announced = True

    @property
    def test_hash(self) -> str:
        """What tells this test from an edited one."""
        return test_hash(self.test, self.labels)


class Prediction(Struct, frozen=True):
    """The most probable class."""

    index: int
    probability: float
    label: str


class Answered(Struct, frozen=True, kw_only=True):
    """What came back: the last answer, and how long the first and the last invocation took, in milliseconds."""

    variant: str = ""
    body: bytes
    first_milliseconds: int
    milliseconds: int


def test_hash(test: SmokeTest, labels: ClassLabels | None) -> str:
    """A hash of everything that the test's outcome depends on."""
    return content_hash(to_builtins(test), to_builtins(labels) or {})


def predict(body: bytes, labels: Sequence[str]) -> Prediction:
    """The prediction in an answer of the endpoint.

    Raises:
        AnswerError: the answer is not a JSON array of numbers, or not `{"prediction": [...]}`.

    """
    try:
        answer = json.loads(body)
        values = answer["prediction"] if isinstance(answer, dict) else answer
        probabilities = np.asarray(values, dtype=np.float64)
    except (ValueError, KeyError, TypeError) as error:
        raise AnswerError(f"the answer is not an array of probabilities: {body[:200]!r}") from error
    if probabilities.ndim != 1 or not probabilities.size or not np.isfinite(probabilities).all():
        raise AnswerError(f"the answer is not an array of probabilities: {body[:200]!r}")
    index = int(np.argmax(probabilities))
    label = labels[index] if index < len(labels) else str(index)
    return Prediction(index=index, probability=float(probabilities[index]), label=label)


def judge(call: SmokeTestCall, answers: Sequence[Answered], labels: Sequence[str], time: str) -> SmokeTestStatus:
    """The outcome of a smoke test that got its answers: the first bad one, else the first."""
    outcomes = [_judged(call, answered, labels, time) for answered in answers]
    return next((one for one in outcomes if not one.has_passed), outcomes[0])


def _judged(call: SmokeTestCall, answered: Answered, labels: Sequence[str], time: str) -> SmokeTestStatus:
    prefix = f"variant {answered.variant}: " if answered.variant else ""
    try:
        prediction = predict(answered.body, labels)
    except AnswerError as error:
        return failed(call, f"{prefix}{error}", time)
    problem = _unmet(call.test.expect, prediction)
    return SmokeTestStatus(
        endpoint_config_name=call.config_name,
        test_hash=call.test_hash,
        time=time,
        outcome="Failed" if problem else "Passed",
        label=prediction.label,
        probability=f"{prediction.probability:.4g}",
        latency_milliseconds=answered.milliseconds,
        first_latency_milliseconds=answered.first_milliseconds,
        message=f"{prefix}{problem}" if problem else "",
    )


def failed(call: SmokeTestCall, message: str, time: str) -> SmokeTestStatus:
    """The outcome of a smoke test that got no usable answer."""
    return SmokeTestStatus(
        endpoint_config_name=call.config_name,
        test_hash=call.test_hash,
        time=time,
        outcome="Failed",
        message=redacted(message),
    )


def _unmet(expected: Expectation | None, prediction: Prediction) -> str:
    if expected is None:
        return ""
    got = f"the answer is {prediction.label} with probability {prediction.probability:.4g}"
    if expected.label and expected.label != prediction.label:
        return f"{got}; expected {expected.label}"
    if expected.min_probability and prediction.probability < float(expected.min_probability):
        return f"{got}; expected at least {expected.min_probability}"
    return ""
