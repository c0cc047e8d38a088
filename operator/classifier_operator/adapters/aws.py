"""AWS by boto3: blocking calls in a bounded pool of threads, one client for each account, region and service.

botocore's own retries are off: the work queue retries, where it can be seen, counted and bounded for each object.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from classifier_operator.adapters.clock import SystemClock
from classifier_operator.adapters.identities import Identities
from classifier_operator.adapters.secrets import given_secrets
from classifier_operator.api.ledger import Place
from classifier_operator.api.redaction import redacted
from classifier_operator.runtime.limits import RateLimits
from classifier_operator.runtime.metrics import Metrics
from classifier_operator.runtime.ports import Clock
from classifier_operator.sagemaker.refusals import EXPIRED_CODES, AwsRefusal, classify
from classifier_operator.sagemaker.s3_address import bucket_and_key

T = TypeVar("T")

THREADS = 16
_AUTOSCALING = frozenset({"RegisterScalableTarget", "PutScalingPolicy", "DeregisterScalableTarget"})
_CONFIG = Config(
    connect_timeout=10,
    read_timeout=70,
    max_pool_connections=THREADS,
    retries={"mode": "standard", "total_max_attempts": 1},
    # For a checksum of its own botocore copies each part of an upload; ours is sent with it (Content-MD5).
    request_checksum_calculation="when_required",
)
# What botocore raises before it asks AWS. Such parameters and regions never reach AWS, and never will; credentials may
# come, or come back.
_NEVER_SENT = ("ParamValidationError", "InvalidRegionError", "NoRegionError", "EndpointResolutionError")
_NO_CREDENTIALS = (
    "NoCredentialsError",
    "PartialCredentialsError",
    "CredentialRetrievalError",
    "TokenRetrievalError",
    "SSOTokenLoadError",
    "UnauthorizedSSOTokenError",
    "ProfileNotFound",
)


class Aws:
    """SageMaker, SageMaker Runtime and S3, in any account and region."""

    def __init__(self, limits: RateLimits, metrics: Metrics, clock: Clock | None = None) -> None:
        self._limits = limits
        self._metrics = metrics
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="aws")
        self._identities = Identities(_CONFIG, (clock or SystemClock()).now)
        self._clients: dict[tuple[Place, str], Any] = {}
        self._making = threading.Lock()

    def close(self) -> None:
        """Let calls in flight finish, and start no more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def call(self, place: Place, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """One call of SageMaker's or Application Auto Scaling's API."""
        service = "application-autoscaling" if operation in _AUTOSCALING else "sagemaker"

        def send() -> dict[str, Any]:
            method = getattr(self._client(place, service), xform_name(operation))
            answer: dict[str, Any] = method(**params)
            return answer

        # What a job's environment says may be secret, and AWS repeats what it refuses.
        return await self._run(place, operation, send, _texts(params.get("Environment")))

    async def invoke(self, place: Place, endpoint: str, body: bytes, content_type: str, *, variant: str = "") -> bytes:
        """SageMaker Runtime's InvokeEndpoint; `variant` names the variant that is to answer."""
        target = {"TargetVariant": variant} if variant else {}

        def send() -> bytes:
            client = self._client(place, "sagemaker-runtime")
            answer = client.invoke_endpoint(EndpointName=endpoint, ContentType=content_type, Body=body, **target)
            data: bytes = answer["Body"].read()
            return data

        return await self._run(place, "InvokeEndpoint", send)

    async def read_object(self, place: Place, s3_uri: str, limit: int) -> bytes:
        """An object of S3, at most `limit` bytes of it."""
        bucket, key = bucket_and_key(s3_uri)

        def send() -> bytes:
            answer = self._client(place, "s3").get_object(Bucket=bucket, Key=key)
            data: bytes = answer["Body"].read(limit)
            return data

        return await self._run(place, "GetObject", send)

    async def call_s3(self, place: Place, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """One call of S3's API that returns no body."""

        def send() -> dict[str, Any]:
            answer: dict[str, Any] = getattr(self._client(place, "s3"), xform_name(operation))(**params)
            return answer

        return await self._run(place, operation, send)

    async def _run(
        self, place: Place, operation: str, send: Callable[[], T], secrets: frozenset[str] = frozenset()
    ) -> T:
        await self._limits.acquire(place, operation)
        began = time.monotonic()
        outcome = "ok"
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, self._sent, place, operation, send, secrets)
        except AwsRefusal as refusal:
            outcome = refusal.kind.value
            raise
        finally:
            self._metrics.aws_calls.labels(operation, outcome).inc()
            self._metrics.aws_seconds.labels(operation).observe(time.monotonic() - began)

    def _sent(self, place: Place, operation: str, send: Callable[[], T], secrets: frozenset[str]) -> T:
        """Send; once more with new credentials where AWS says that these have expired, before anybody is asked."""
        clients = self._clients

        def hidden(text: str) -> str:
            return redacted(text, secrets | given_secrets() | self._identities.secrets())

        try:
            return _explained(operation, send, hidden)
        except AwsRefusal as refusal:
            if refusal.code not in EXPIRED_CODES:
                raise
        self._renew(place, clients)
        return _explained(operation, send, hidden)

    def _renew(self, place: Place, clients: dict[tuple[Place, str], Any]) -> None:
        """Make new clients for the identity, unless another thread has done so since."""
        with self._making:
            if self._clients is clients:
                self._identities.renew(place.region, place.assume_role_arn)
                self._clients = {
                    (at, service): one for (at, service), one in clients.items() if at.assume_role_arn and at != place
                }

    def _client(self, place: Place, service: str) -> Any:
        # Clients are thread-safe, making one is not.
        with self._making:
            key = place, service
            if key not in self._clients:
                self._clients[key] = self._identities.client(service, place.region, place.assume_role_arn)
            return self._clients[key]


def _texts(values: Mapping[str, str] | None) -> frozenset[str]:
    return frozenset((values or {}).values())


def _explained(operation: str, send: Callable[[], T], hidden: Callable[[str], str]) -> T:
    """Send, and turn whatever goes wrong into a refusal, in AWS's words without what must be hidden."""
    try:
        return send()
    except ClientError as error:
        answer = error.response
        status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        details = answer.get("Error", {})
        raise classify(
            operation, hidden(details.get("Code", "")), hidden(details.get("Message", "")), status
        ) from error
    except (FileNotFoundError, PermissionError) as error:
        # A web identity's or a pod identity's token is a file, which botocore opens as it is.
        raise classify(operation, "NoCredentials", hidden(str(error))) from error
    except BotoCoreError as error:
        name = type(error).__name__
        if name in _NO_CREDENTIALS:
            raise classify(operation, "NoCredentials", hidden(str(error))) from error
        raise classify(operation, name, hidden(str(error)), 400 if name in _NEVER_SENT else 0) from error
