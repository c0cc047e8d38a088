"""The smoke test as values: what to send, and what the answer means: the class with the largest probability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct, to_builtins

from classifier_operator.api.cut import NAME_LIMIT, cut
from classifier_operator.api.ledger import Resource
from classifier_operator.api.redaction import redacted
from classifier_operator.endpoint.answer import AnswerError, probabilities_in
from classifier_operator.endpoint.record import SmokeTestStatus
from classifier_operator.endpoint.spec import ClassLabels, Expectation, SmokeTest
from classifier_operator.sagemaker.names import content_hash

# Bytes of a request. AWS answers above it: "HTTP content length exceeded 5246976 bytes." (sagemaker-python-sdk#171).
# The API's model says 6 MiB: what is below the smaller one is surely taken.
INSTANCE_LIMIT = 5_246_976
# SageMaker's developer guide, "Invoke a serverless endpoint": 4 MB.
SERVERLESS_LIMIT = 4 * 1024 * 1024


class SmokeTestKey(NamedTuple):
    """What tells a smoke test from another one of the same object: what it tests, and how.

    Endpoints in two regions or accounts may serve configurations of the same name. On whose behalf the endpoint is
    called makes no difference.
    """

    region: str
    assume_role_arn: str
    endpoint_name: str
    config_name: str
    test_hash: str

    @classmethod
    def of(cls, endpoint: Resource, config_name: str, test_hash: str) -> SmokeTestKey:
        """Return the key of the test of an endpoint that serves a configuration."""
        return cls(endpoint.place.region, endpoint.place.assume_role_arn, endpoint.name, config_name, test_hash)


class SmokeTestState(Struct, frozen=True, kw_only=True):
    """What is known of a smoke test in the background: it is under way, or this has come of it.

    is_again: it was refused before, and the status says so.
    """

    test: SmokeTestKey
    is_again: bool = False
    outcome: SmokeTestStatus | None = None


class _AboutTest(Struct, frozen=True, kw_only=True):
    """A smoke test of a configuration of an endpoint."""

    resource: Resource
    config_name: str
    namespace: str
    test: SmokeTest
    labels: ClassLabels | None = None
    is_serverless: bool = False

    creates = False

    @property
    def image_limit(self) -> int:
        """The bytes that the image may have."""
        return SERVERLESS_LIMIT if self.is_serverless else INSTANCE_LIMIT

    @property
    def test_hash(self) -> str:
        """What tells this test from an edited one."""
        return test_hash(self.test, self.labels)

    @property
    def key(self) -> SmokeTestKey:
        """What tells this test from the object's others."""
        return SmokeTestKey.of(self.resource, self.config_name, self.test_hash)


class InputsCall(_AboutTest, frozen=True, kw_only=True):
    """Look whether what a smoke test needs is there and fits, before anything is made or moved for it."""

    operation = "ReadSmokeTestInputs"
    is_announced = False


class SmokeTestCall(_AboutTest, frozen=True, kw_only=True):
    """Start a smoke test, in the background, against an endpoint that serves a configuration."""

    # Each is asked by name; none where there is only one, which needs no name.
    variants: tuple[str, ...] = ()

    operation = "InvokeEndpoint"
    # It may take minutes, and the status says so meanwhile.
    is_announced = True


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


def flaw_of_image(call: InputsCall | SmokeTestCall, size: int) -> str:
    """Why an image of so many bytes cannot be sent, whatever serves; "" where it can."""
    if not size:
        return "spec.smokeTest.image: it is empty; name a picture"
    if size <= call.image_limit:
        return ""
    kind = "a serverless endpoint" if call.is_serverless else "an endpoint"
    return (
        f"spec.smokeTest.image: it has {size:,} bytes, and {kind} takes at most {call.image_limit:,}: "
        "name a smaller picture, such as one of 224 x 224 pixels"
    )


def flaw_of_labels(call: InputsCall | SmokeTestCall, labels: Sequence[str]) -> str:
    """Why no answer can be what is expected; "" where one can."""
    expected = call.test.expect.name if call.test.expect is not None else ""
    if call.labels is None or not expected or expected in labels:
        return ""
    return (
        f"spec.smokeTest.expect.label: {cut(expected, NAME_LIMIT)} is none of the {len(labels)} names of "
        "spec.classLabels: write one of them as it stands there"
    )


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
    if expected.name and expected.name != prediction.label:
        return f"{got}; expected {cut(expected.name, NAME_LIMIT)}"
    if expected.least and prediction.probability < float(expected.least):
        return f"{got}; expected at least {expected.least}"
    return ""
