"""Loaded models: the classifier behind each artifact, read from S3 once and shared by endpoints."""

from __future__ import annotations

import logging
import threading
from typing import Protocol

from sagemaker_emulator.aws import ClientError, split_s3_uri
from sagemaker_emulator.endpoint_states import Served
from sagemaker_emulator.store import ScopeKey
from sagemaker_emulator.training_work import ALGORITHM, image_name
from sagemaker_emulator.world import World

logger = logging.getLogger(__name__)


class Classifier(Protocol):
    """What answers invocations; the algorithm's `load` gives one."""

    def classify(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]: ...


class LoadError(Exception):
    """A model cannot be loaded; the text is the endpoint's FailureReason."""


class InstantModel:
    """Stands for images that the emulator cannot run: one class, always certain."""

    def classify(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:  # noqa: ARG002
        return b"[1.0]", "application/json"


class ModelCache:
    """Classifiers by artifact and its version; at most `limit` are kept."""

    def __init__(self, world: World, limit: int = 64) -> None:
        self._world = world
        self._limit = limit
        self._lock = threading.Lock()
        self._loaded: dict[tuple[str, str], Classifier] = {}

    def get(self, key: ScopeKey, served: Served, variant: str) -> Classifier:
        """The classifier of a variant.

        Raises:
            LoadError: the artifact is not there, or not one of the algorithm's.

        """
        etag = self._etag(key, served)
        if image_name(served.image) != ALGORITHM or self._world.settings.training.work == "none":
            return InstantModel()
        with self._lock:
            known = self._loaded.get((served.artifact, etag))
        if known is not None:
            return known
        return self._keep((served.artifact, etag), self._load(key, served, variant))

    def clear(self) -> None:
        with self._lock:
            self._loaded.clear()

    def _etag(self, key: ScopeKey, served: Served) -> str:
        if not served.artifact or not self._world.settings.check_model_data:
            return ""
        bucket, name = split_s3_uri(served.artifact)
        try:
            return str(self._s3(key).head_object(Bucket=bucket, Key=name)["ETag"])
        except ClientError:
            raise LoadError(_not_downloaded(served)) from None

    def _load(self, key: ScopeKey, served: Served, variant: str) -> Classifier:
        from sagemaker_emulator import algorithm

        bucket, name = split_s3_uri(served.artifact)
        try:
            artifact = self._s3(key).get_object(Bucket=bucket, Key=name)["Body"].read()
        except ClientError:
            raise LoadError(_not_downloaded(served)) from None
        try:
            classifier: Classifier = algorithm.load(artifact)
        except algorithm.InvalidArtifact as error:
            logger.info("%s is not a model: %s", served.artifact, error)
            raise LoadError(
                f"The primary container for production variant {variant} did not pass the ping health check. "
                "Please check CloudWatch logs for this endpoint."
            ) from error
        return classifier

    def _keep(self, key: tuple[str, str], classifier: Classifier) -> Classifier:
        with self._lock:
            while len(self._loaded) >= self._limit:
                del self._loaded[next(iter(self._loaded))]
            self._loaded[key] = classifier
        return classifier

    def _s3(self, key: ScopeKey):  # type: ignore[no-untyped-def]  # boto3's clients have no static type
        return self._world.moto.client("s3", account=key.account, region=key.region)


def _not_downloaded(served: Served) -> str:
    return (
        f'Failed to download model data for container "container_1" from URL: "{served.artifact}". Please ensure that '
        "there is an object located at the URL and that the role passed to CreateModel has permissions to "
        "download the object."
    )
