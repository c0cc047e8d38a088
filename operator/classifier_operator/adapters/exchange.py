"""One call to AWS as it is counted and logged."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from classifier_operator.runtime.monitoring.logs import topic
from classifier_operator.runtime.monitoring.metrics import INTERRUPTED, Metrics
from classifier_operator.sagemaker.refusals import AwsRefusal

logger = logging.getLogger(__name__)

# These change nothing that anybody has; of the parts of an upload, which may be ten thousand, its beginning and its end
# tell.
_QUIET = ("Describe", "List", "Get", "Head", "InvokeEndpoint", "UploadPart", "ReceiveMessage", "DeleteMessage")
# The parameters that say what a call is about. Parameters are logged one by one, never as they come: environments,
# hyperparameters and bodies may be secrets.
_SUBJECTS = (
    "TrainingJobName",
    "EndpointName",
    "EndpointConfigName",
    "ModelName",
    "ResourceArn",
    "ResourceId",
    "Bucket",
    "QueueUrl",
)


class Exchange:
    """What is known of a call so far."""

    def __init__(self, service: str, operation: str, region: str, params: Mapping[str, Any]) -> None:
        self.service = service
        self.operation = operation
        self._region = region
        # What AWS may quote of the request; needed only where it refuses.
        self.params = params
        self._subject = str(next((params[name] for name in _SUBJECTS if name in params), ""))
        self._not_before = 0.0
        self._began = 0.0
        self._answered_at: float | None = None
        self._attempts = 0
        self._status = 0
        self._request_id = ""
        self._code = ""
        self._outcome = INTERRUPTED

    def begin(self) -> None:
        """It is sent now, as soon as there is a thread for it."""
        self._began = time.monotonic()

    def opens_in(self, seconds: float) -> None:
        """It may be sent in so many seconds."""
        self._not_before = time.monotonic() + seconds

    def wait(self) -> None:
        """Wait, in the thread that is to send it, until it may be sent; it takes no longer because of that."""
        seconds = max(0.0, self._not_before - time.monotonic())
        time.sleep(seconds)
        self._began += seconds

    def answered(self, metadata: Mapping[str, Any]) -> None:
        """AWS has answered, with this ResponseMetadata; or has not, with none."""
        self._answered_at = time.monotonic()
        self._attempts += 1 + int(metadata.get("RetryAttempts", 0))
        self._status = int(metadata.get("HTTPStatusCode", 0))
        self._request_id = str(metadata.get("RequestId", ""))

    @property
    def over_for(self) -> float:
        """For how many seconds AWS has answered; 0, if it has not."""
        return time.monotonic() - self._answered_at if self._answered_at is not None else 0.0

    def succeeded(self) -> None:
        """AWS did what was asked."""
        self._outcome = "ok"

    def refused(self, refusal: AwsRefusal) -> None:
        """AWS did not."""
        self._outcome = refusal.kind.value
        self._code = refusal.code

    def conclude(self, metrics: Metrics) -> None:
        """Count it and log it, whatever came of it."""
        seconds = time.monotonic() - self._began
        metrics.called(self.service, self.operation, self._region, self._outcome)
        metrics.aws_seconds.labels(self.service, self.operation).observe(seconds)
        if self._attempts > 1:
            metrics.aws_retries.labels(self.service, self.operation).inc(self._attempts - 1)
        level = logging.DEBUG if self.operation.startswith(_QUIET) else logging.INFO
        if logger.isEnabledFor(level):
            logger.log(level, "%s", self._text(seconds), extra=self._fields(seconds))

    def _text(self, seconds: float) -> str:
        known = topic()
        prefix = f"{known.key}: " if known is not None else ""
        subject = f" of {self._subject}" if self._subject else ""
        answer = f", request {self._request_id}" if self._request_id else ""
        code = f" ({self._code})" if self._code else ""
        return f"{prefix}{self.operation}{subject}: {self._outcome}{code} in {seconds:.2f} s{answer}"

    def _fields(self, seconds: float) -> dict[str, Any]:
        fields = {
            "service": self.service,
            "operation": self.operation,
            "region": self._region,
            "resource": self._subject,
            "outcome": self._outcome,
            "code": self._code,
            "requestId": self._request_id,
            "httpStatus": self._status,
            "attempts": self._attempts,
            "durationSeconds": round(seconds, 3),
        }
        return {name: value for name, value in fields.items() if value not in ("", 0)}
