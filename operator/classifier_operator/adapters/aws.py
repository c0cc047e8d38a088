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
from urllib.parse import urlsplit

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError
from botocore.session import Session, get_session

from classifier_operator.api.ledger import Place
from classifier_operator.runtime.limits import RateLimits
from classifier_operator.runtime.metrics import Metrics
from classifier_operator.sagemaker.refusals import AwsRefusal, classify

T = TypeVar("T")

THREADS = 16
_CONFIG = Config(
    connect_timeout=10,
    read_timeout=70,
    max_pool_connections=THREADS,
    retries={"mode": "standard", "total_max_attempts": 1},
    # For a checksum of its own botocore copies each part of an upload; ours is sent with it (Content-MD5).
    request_checksum_calculation="when_required",
)


class Aws:
    """SageMaker, SageMaker Runtime and S3, in any account and region."""

    def __init__(self, limits: RateLimits, metrics: Metrics) -> None:
        self._limits = limits
        self._metrics = metrics
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="aws")
        self._clients: dict[tuple[Place, str], Any] = {}
        self._making = threading.Lock()

    def close(self) -> None:
        """Let calls in flight finish, and start no more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def call(self, place: Place, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """One call of SageMaker's API."""

        def send() -> dict[str, Any]:
            method = getattr(self._client(place, "sagemaker"), xform_name(operation))
            answer: dict[str, Any] = method(**params)
            return answer

        return await self._run(place, operation, send)

    async def invoke(self, place: Place, endpoint: str, body: bytes, content_type: str) -> bytes:
        """SageMaker Runtime's InvokeEndpoint."""

        def send() -> bytes:
            client = self._client(place, "sagemaker-runtime")
            answer = client.invoke_endpoint(EndpointName=endpoint, ContentType=content_type, Body=body)
            data: bytes = answer["Body"].read()
            return data

        return await self._run(place, "InvokeEndpoint", send)

    async def read_object(self, place: Place, s3_uri: str, limit: int) -> bytes:
        """An object of S3, at most `limit` bytes of it."""
        url = urlsplit(s3_uri)

        def send() -> bytes:
            answer = self._client(place, "s3").get_object(Bucket=url.netloc, Key=url.path.lstrip("/"))
            data: bytes = answer["Body"].read(limit)
            return data

        return await self._run(place, "GetObject", send)

    async def call_s3(self, place: Place, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """One call of S3's API that returns no body."""

        def send() -> dict[str, Any]:
            answer: dict[str, Any] = getattr(self._client(place, "s3"), xform_name(operation))(**params)
            return answer

        return await self._run(place, operation, send)

    async def _run(self, place: Place, operation: str, send: Callable[[], T]) -> T:
        await self._limits.acquire(place, operation)
        began = time.monotonic()
        outcome = "ok"
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, _explained, operation, send)
        except AwsRefusal as refusal:
            outcome = refusal.kind.value
            raise
        finally:
            self._metrics.aws_calls.labels(operation, outcome).inc()
            self._metrics.aws_seconds.labels(operation).observe(time.monotonic() - began)

    def _client(self, place: Place, service: str) -> Any:
        # Clients are thread-safe, making one is not.
        with self._making:
            key = place, service
            if key not in self._clients:
                session = boto3.Session(botocore_session=_session(place), region_name=place.region)
                self._clients[key] = session.client(service, config=_CONFIG)
            return self._clients[key]


def _session(place: Place) -> Session:
    """The operator's own identity, or the role that it takes on; credentials are renewed before they end."""
    session = get_session()
    if place.assume_role_arn:
        fetcher = AssumeRoleCredentialFetcher(
            client_creator=session.create_client,
            source_credentials=session.get_credentials(),
            role_arn=place.assume_role_arn,
            extra_args={"RoleSessionName": "classifier-operator"},
        )
        session = get_session()
        session._credentials = DeferredRefreshableCredentials(
            method="assume-role", refresh_using=fetcher.fetch_credentials
        )
    return session


def _explained(operation: str, send: Callable[[], T]) -> T:
    """Send, and turn whatever goes wrong into a refusal."""
    try:
        return send()
    except ClientError as error:
        answer = error.response
        status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        details = answer.get("Error", {})
        raise classify(operation, details.get("Code", ""), details.get("Message", ""), status) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise classify(operation, "NoCredentials", str(error)) from error
    except BotoCoreError as error:
        # Parameters that botocore itself refuses never reach AWS, and never will.
        status = 400 if type(error).__name__ == "ParamValidationError" else 0
        raise classify(operation, type(error).__name__, str(error), status) from error
