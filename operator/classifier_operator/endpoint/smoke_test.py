"""The smoke test as values: what to send, and what the answer means: the class with the largest probability."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, to_builtins

from classifier_operator.api.cut import NAME_LIMIT, cut
from classifier_operator.api.ledger import Resource
from classifier_operator.api.redaction import redacted
from classifier_operator.endpoint.answer import AnswerError, probabilities_in
from classifier_operator.endpoint.record import SmokeTestStatus
from classifier_operator.endpoint.spec import ClassLabels, Expectation, SmokeTest
from classifier_operator.sagemaker.names import content_hash


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
    """The most probable class of so many; of equals the first."""

    index: int
    probability: float
    label: str
    classes: int


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
    """The prediction in an answer of the endpoint; a class without a label is called by its number.

    Raises:
        AnswerError: the answer is no array of probabilities.

    """
    probabilities = probabilities_in(body)
    index = max(range(len(probabilities)), key=probabilities.__getitem__)
    label = labels[index] if index < len(labels) else str(index)
    return Prediction(index=index, probability=probabilities[index], label=label, classes=len(probabilities))


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
    problem = _miscounted(prediction, labels) or _unmet(call.test.expect, prediction)
    return SmokeTestStatus(
        endpoint_config_name=call.config_name,
        test_hash=call.test_hash,
        time=time,
        outcome="Failed" if problem else "Passed",
        label=cut(prediction.label, NAME_LIMIT),
        probability=f"{prediction.probability:.4g}",
        latency_milliseconds=answered.milliseconds,
        first_latency_milliseconds=answered.first_milliseconds,
        message=cut(f"{prefix}{problem}") if problem else "",
    )


def failed(call: SmokeTestCall, message: str, time: str) -> SmokeTestStatus:
    """The outcome of a smoke test that got no usable answer."""
    return SmokeTestStatus(
        endpoint_config_name=call.config_name,
        test_hash=call.test_hash,
        time=time,
        outcome="Failed",
        message=cut(redacted(message)),
    )


def _miscounted(prediction: Prediction, labels: Sequence[str]) -> str:
    """What is wrong with the number of classes, where their names are known."""
    if not labels or len(labels) == prediction.classes:
        return ""
    return f"the answer has {prediction.classes} probabilities, and there are {len(labels)} class labels"


def _unmet(expected: Expectation | None, prediction: Prediction) -> str:
    if expected is None:
        return ""
    got = f"the answer is {cut(prediction.label, NAME_LIMIT)} with probability {prediction.probability:.4g}"
    if expected.label and expected.label != prediction.label:
        return f"{got}; expected {cut(expected.label, NAME_LIMIT)}"
    if expected.min_probability and prediction.probability < float(expected.min_probability):
        return f"{got}; expected at least {expected.min_probability}"
    return ""
