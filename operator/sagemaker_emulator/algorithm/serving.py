"""The serving container's work: an image in, the probabilities of all classes out."""

import json

from sagemaker_emulator.algorithm.artifact import Model, read_artifact
from sagemaker_emulator.algorithm.errors import InvalidImage, UnsupportedContentType
from sagemaker_emulator.algorithm.images import decode, to_input

CONTENT_TYPES = frozenset({"application/x-image", "image/jpeg", "image/png"})

_JSON = "application/json"
_JSON_LINES = "application/jsonlines"


class Classifier:
    """A loaded model. Calls do not change it, so threads may share it."""

    def __init__(self, model: Model) -> None:
        self._model = model

    @property
    def num_classes(self) -> int:
        """How many probabilities an answer has."""
        return self._model.num_classes

    def probabilities(self, body: bytes) -> list[float]:
        """Classify an encoded image of any size: a probability for each class. Raises InvalidImage."""
        try:
            pixels = to_input(decode(body), self._model.image_shape)
        except InvalidImage as error:
            raise InvalidImage(f"unable to evaluate payload provided: {error}") from error
        return [float(value) for value in self._model.network.probabilities(pixels[None])[0]]

    def classify(self, body: bytes, content_type: str, accept: str = "") -> tuple[bytes, str]:
        """Answer an invocation: the body, and its content type.

        A JSON array, or {"prediction": [...]} where `accept` is application/jsonlines. Raises
        UnsupportedContentType and InvalidImage. The image's own format counts, not the one that the content
        type says.
        """
        if _media_type(content_type) not in CONTENT_TYPES:
            raise UnsupportedContentType(
                f"content type {content_type!r} is not supported; use {', '.join(sorted(CONTENT_TYPES))}"
            )
        answer = self.probabilities(body)
        if _JSON_LINES in map(_media_type, accept.split(",")):
            return json.dumps({"prediction": answer}).encode(), _JSON_LINES
        return json.dumps(answer).encode(), _JSON


def load(artifact: bytes) -> Classifier:
    """Load a model.tar.gz made by `train`. Raises InvalidArtifact."""
    return Classifier(read_artifact(artifact))


def _media_type(value: str) -> str:
    return value.partition(";")[0].strip().lower()
