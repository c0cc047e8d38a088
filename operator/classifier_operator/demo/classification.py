"""Owns the classification of held-out images through the endpoint, and how good it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from classifier_operator.demo.errors import DemoError
from classifier_operator.endpoint.smoke_test import Prediction, predict
from image_recordio.datasets import LabelledImage

CONTENT_TYPE: Final = "image/png"
REQUIRED_ACCURACY: Final = 0.9
REQUIRED_IMAGES: Final = 200


@dataclass(frozen=True)
class Classified:
    """An image, and what the endpoint took it for."""

    image: LabelledImage
    prediction: Prediction

    @property
    def is_right(self) -> bool:
        """Whether the predicted class is the true one."""
        return self.prediction.index == self.image.label


def classify(
    images: Iterable[LabelledImage], invoke: Callable[[bytes], bytes], labels: Sequence[str]
) -> list[Classified]:
    """Classify each image; raises AnswerError if an answer is not one of probabilities."""
    return [Classified(image, predict(invoke(image.image), labels)) for image in images]


def invoker(runtime: Any, endpoint_name: str) -> Callable[[bytes], bytes]:
    """InvokeEndpoint as a function of an image."""

    def invoke(image: bytes) -> bytes:
        answer = runtime.invoke_endpoint(EndpointName=endpoint_name, ContentType=CONTENT_TYPE, Body=image)
        body: bytes = answer["Body"].read()
        return body

    return invoke


def accuracy(classified: Sequence[Classified]) -> float:
    """The share of right answers, from 0 to 1."""
    return sum(one.is_right for one in classified) / len(classified)


def require_accuracy(classified: Sequence[Classified]) -> None:
    """Raise DemoError if too few were right, or too few were asked to tell."""
    if len(classified) < REQUIRED_IMAGES:
        raise DemoError(f"{len(classified)} images were classified; {REQUIRED_IMAGES} are needed to judge by")
    if accuracy(classified) < REQUIRED_ACCURACY:
        raise DemoError(f"the accuracy is {accuracy(classified):.1%}, and must be at least {REQUIRED_ACCURACY:.0%}")


def handful(classified: Sequence[Classified], *, classes: int = 5, mistakes: int = 1) -> list[Classified]:
    """Some to show: the first of a few classes, then mistakes, because there are some."""
    first: dict[int, Classified] = {}
    for one in classified:
        if one.is_right:
            first.setdefault(one.image.label, one)
    wrong = [one for one in classified if not one.is_right]
    return [*list(first.values())[:classes], *wrong[:mistakes]]
