"""AWS by boto3: blocking calls in threads that are shared fairly, by clients that all identities share.

botocore's own retries are off: the work queue retries, where it can be seen, counted and bounded for each object.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import partial
from typing import Any, TypeVar

from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from classifier_operator.adapters.accounts import Accounts
from classifier_operator.adapters.answers import Answered, call_in, own_arn, read_some, within
from classifier_operator.adapters.aws_errors import NO_CREDENTIALS, metadata_of, refusal_of
from classifier_operator.adapters.clients import Clients
from classifier_operator.adapters.clock import SystemClock
from classifier_operator.adapters.daemon_threads import DaemonThreads
from classifier_operator.adapters.exchange import Exchange
from classifier_operator.adapters.identities import Actor, Identities
from classifier_operator.adapters.own_identity import own_identity
from classifier_operator.adapters.requests import check_request
from classifier_operator.adapters.role_sessions import NAMES_ONLY, RoleSessions
from classifier_operator.adapters.secrets import hide_those_of, known_secrets
from classifier_operator.api.ledger import Place
from classifier_operator.api.redaction import redacted
from classifier_operator.runtime.monitoring.logs import fields_of, topic
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.runtime.pacing.admission import Admission
from classifier_operator.runtime.pacing.limits import Caller, RateLimits
from classifier_operator.runtime.pacing.shares import Share, ThreadShares
from classifier_operator.runtime.ports import Clock
from classifier_operator.runtime.start import OwnIdentity
from classifier_operator.runtime.workqueue import Priority
from classifier_operator.sagemaker.refusal_table import classify
from classifier_operator.sagemaker.refusals import EXPIRED_CODES, UNREADABLE_CODE, AwsRefusal, RefusalKind
from classifier_operator.sagemaker.s3_address import bucket_and_key
from classifier_operator.sagemaker.words import names_in

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Connections that one client keeps.
CONNECTIONS = 16
# A call that has not ended after so many seconds is given up; its thread is held until it ends. boto3's own timeouts
# are about each piece that is read or written: an answer that comes in drops would never end. Large bodies take longer.
CALL_SECONDS = 180.0
BODY_SECONDS = 900.0
# So long calls that are under way may finish when the process ends.
CLOSE_SECONDS = 10.0
_AUTOSCALING = frozenset(
    {"RegisterScalableTarget", "PutScalingPolicy", "DeregisterScalableTarget", "DescribeScalableTargets"}
)
CONFIG = Config(
    connect_timeout=10,
    read_timeout=70,
    max_pool_connections=CONNECTIONS,
    retries={"mode": "standard", "total_max_attempts": 1},
    # For a checksum of its own botocore copies each part of an upload; ours is sent with it (Content-MD5).
    request_checksum_calculation="when_required",
    # Sessions of directory buckets are kept by bucket in the client, which all identities share: whoever came first
    # would act for all.
    s3={"disable_s3_express_session_auth": True},
)


class Aws:
    """SageMaker, SageMaker Runtime and S3, in any account and region.

    holds: whether this process may act at this very moment; nothing goes out while it may not.
    sessions: how roles are assumed.
    regions: names of regions beside those that the AWS SDK knows.
    """

    def __init__(
        self,
        limits: RateLimits,
        metrics: Metrics,
        clock: Clock | None = None,
        holds: Callable[[], bool] = lambda: True,
        sessions: RoleSessions = NAMES_ONLY,
        regions: Iterable[str] = (),
    ) -> None:
        self._limits = limits
        self._metrics = metrics
        clock = clock or SystemClock()
        self._shares = ThreadShares(clock.monotonic)
        self._admission = Admission(limits, self._shares)
        metrics.aws_waiting.set_function(self._admission.waiting)
        self._threads = DaemonThreads("aws")
        # Long polls, for which nothing else waits.
        self._apart = DaemonThreads("sqs")
        self._clients = Clients(CONFIG, holds, regions, self._observe)
        self._accounts = Accounts(self._clients.use, self._apart.submit, clock.monotonic)
        self._identities = Identities(
            lambda region: self._clients.use("sts", region), clock.now, self._asked_sts, sessions.request
        )
        hide_those_of(self._identities)

    def close(self) -> None:
        """Let calls in flight finish, for some seconds; of those that hang, whoever works next finds what they did."""
        hanging = self._threads.finish(CLOSE_SECONDS)
        if hanging:
            logger.warning("%d calls to AWS have not ended after %.0f s, and are left", hanging, CLOSE_SECONDS)

    async def call(
        self, place: Place, operation: str, params: Mapping[str, Any], *, turn: Caller | Priority = Priority.NORMAL
    ) -> dict[str, Any]:
        """One call of SageMaker's or Application Auto Scaling's API."""
        service = "application-autoscaling" if operation in _AUTOSCALING else "sagemaker"
        send = partial(self._answer, service, place, operation, params)
        exchange = _exchange(service, operation, place, params)
        # What a job's environment says may be secret, and AWS repeats what it refuses.
        answer = await self._run(place, exchange, send, frozenset((params.get("Environment") or {}).values()), turn)
        if arn := next((value for name, value in answer.items() if name.endswith("Arn")), ""):
            self._limits.told(place, arn)
        return answer

    async def account(self, region: str) -> str:
        """The account of the operator's own credentials, asked for in that region; "" where nobody can tell."""

        def find() -> str:
            with self._identities.acting(Place(region)) as actor:
                return self._accounts.of(region, actor.credentials)

        try:
            return await within(CALL_SECONDS, self._threads.submit(find), "GetCallerIdentity")
        except (AwsRefusal, BotoCoreError, OSError) as error:
            logger.info("the operator's own account is not known: %r", error)
            return ""

    async def own_identity(self, region: str) -> OwnIdentity:
        """Who the operator is, as STS says in that region."""
        submit, use = self._apart.submit, self._clients.use
        return await asyncio.wrap_future(submit(own_identity, self._identities, use, submit, region))

    def withdraw(self, name: Hashable) -> None:
        """The Caller of that name wants nothing any more."""
        self._admission.withdraw(name)

    async def invoke(
        self,
        place: Place,
        endpoint: str,
        body: bytes,
        content_type: str,
        *,
        limit: int,
        variant: str = "",
        sent: Callable[[], None] = lambda: None,
    ) -> bytes:
        """SageMaker Runtime's InvokeEndpoint: at most `limit` bytes of what the variant of that name answers.

        sent: called when it is sent; before that it may have waited for others.
        """
        target = {"TargetVariant": variant} if variant else {}
        params = {"EndpointName": endpoint, "ContentType": content_type, "Body": body, **target}

        def send() -> Answered[bytes]:
            with self._clients.use("sagemaker-runtime", place.region) as client:
                answer = client.invoke_endpoint(**params)
                return Answered(read_some(answer["Body"], limit), answer["ResponseMetadata"])

        exchange = _exchange("sagemaker-runtime", "InvokeEndpoint", place, params)
        return await self._run(place, exchange, send, begun=sent)

    async def read_object(self, place: Place, s3_uri: str, limit: int) -> bytes:
        """An object of S3, at most `limit` bytes of it."""
        bucket, key = bucket_and_key(s3_uri)
        params = {"Bucket": bucket, "Key": key}

        def send() -> Answered[bytes]:
            with self._clients.use("s3", place.region) as client:
                answer = client.get_object(**params)
                return Answered(read_some(answer["Body"], limit), answer["ResponseMetadata"])

        return await self._run(place, _exchange("s3", "GetObject", place, params), send)

    async def call_s3(self, place: Place, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """One call of S3's API that returns no body."""

        def send() -> Answered[dict[str, Any]]:
            return self._answer("s3", place, operation, params)

        return await self._run(place, _exchange("s3", operation, place, params), send)

    async def call_sqs(self, place: Place, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """One call of SQS's API, which has no limits of its own and may wait: so nothing else waits for it."""

        def send() -> Answered[dict[str, Any]]:
            return self._answer("sqs", place, operation, params)

        exchange = _exchange("sqs", operation, place, params)
        return await self._exchanged(self._apart, place, exchange, send)

    async def _run(
        self,
        place: Place,
        exchange: Exchange,
        send: Callable[[], Answered[T]],
        secrets: frozenset[str] = frozenset(),
        turn: Caller | Priority = Priority.NORMAL,
        begun: Callable[[], None] = lambda: None,
    ) -> T:
        share = Share(exchange.service, place, _namespace(place))
        given = await self._admission.enter(share, exchange.operation, turn)
        exchange.opens_in(given.opens_in)
        self._metrics.aws_limit_wait.labels(exchange.service).observe(given.waited)
        begun()

        def ended() -> None:
            self._shares.give_back(share)
            self._limits.ended(place, exchange.operation, exchange.over_for)

        try:
            with self._metrics.aws_in_flight.track_inprogress():
                value = await self._exchanged(self._threads, place, exchange, send, secrets, ended)
        except AwsRefusal as refusal:
            self._take_note(place, refusal)
            raise
        else:
            self._limits.went_well(place, exchange.operation)
            return value
        finally:
            self._metrics.paced(exchange.operation, place.region, self._limits.rate(place, exchange.operation))

    async def _exchanged(
        self,
        threads: DaemonThreads,
        place: Place,
        exchange: Exchange,
        send: Callable[[], Answered[T]],
        secrets: frozenset[str] = frozenset(),
        ended: Callable[[], None] = lambda: None,
    ) -> T:
        """Send in a thread; `ended` is called when that is free again, which may be after the call was given up."""
        # What botocore logs there is about the same object.
        context = contextvars.copy_context()
        exchange.begin()
        future = threads.submit(context.run, self._sent, place, exchange, send, secrets)
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: call_in(loop, ended))
        seconds = BODY_SECONDS if exchange.service == "s3" else CALL_SECONDS
        try:
            value: T = await within(seconds, future, exchange.operation)
            exchange.succeeded()
        except AwsRefusal as refusal:
            exchange.refused(refusal)
            raise
        finally:
            exchange.conclude(self._metrics)
        return value

    def _take_note(self, place: Place, refusal: AwsRefusal) -> None:
        """Slower, where AWS has had too many; of no answer at all nothing is learned."""
        if refusal.kind is RefusalKind.THROTTLED:
            self._limits.throttled(place, refusal.operation)
        elif refusal.kind not in (RefusalKind.UNAVAILABLE, RefusalKind.UNREADABLE):
            self._limits.went_well(place, refusal.operation)

    def _sent(self, place: Place, exchange: Exchange, send: Callable[[], Answered[T]], secrets: frozenset[str]) -> T:
        """Send; once more with new credentials where AWS says that these have expired, before anybody is asked."""
        exchange.wait()
        actors: list[Actor] = []

        def hidden(text: str) -> str:
            return redacted(text, secrets | known_secrets())

        def send_as_actor() -> Answered[T]:
            with self._identities.acting(place) as actor:
                actors.append(actor)
                with self._accounts.acting(place, exchange.operation, actor.credentials) as access_key:
                    answered = send()
                self._accounts.learn(access_key, own_arn(answered.value))
                return answered

        try:
            return self._explained(exchange, send_as_actor, hidden)
        except AwsRefusal as refusal:
            if refusal.code not in EXPIRED_CODES:
                raise
        self._identities.renew(place, actors[-1])
        return self._explained(exchange, send_as_actor, hidden)

    def _explained(self, exchange: Exchange, send: Callable[[], Answered[T]], hidden: Callable[[str], str]) -> T:
        """Send, and turn whatever goes wrong into a refusal, in AWS's words without what must be hidden."""
        try:
            answered = send()
        except (ClientError, FileNotFoundError, PermissionError, BotoCoreError, ResponseParserError) as error:
            exchange.answered(metadata_of(error))
            refusal = refusal_of(exchange.operation, error, hidden, names_in(exchange.params))
            if refusal.kind is RefusalKind.UNKNOWN:
                logger.warning("unknown answer of AWS: %s", refusal, extra=fields_of(refusal))
            if refusal.code == NO_CREDENTIALS:
                self._metrics.aws_credential_failures.labels("chain", refusal.kind.value).inc()
            raise refusal from error
        except AwsRefusal:
            # It was not sent: the credentials are not of the account that it is for.
            exchange.answered({})
            raise
        except Exception as error:
            # botocore has met something in the answer that it has no error for: it is no matter of other calls.
            exchange.answered({})
            logger.warning("%s: an answer that cannot be read", exchange.operation, exc_info=error)
            raise classify(exchange.operation, UNREADABLE_CODE, f"{type(error).__name__} in botocore") from error
        exchange.answered(answered.metadata)
        return answered.value

    def _asked_sts(self, operation: str, region: str, refusal: AwsRefusal | None) -> None:
        """STS has been asked for credentials, in some thread."""
        outcome = refusal.kind.value if refusal is not None else "ok"
        self._metrics.called("sts", operation, region, outcome)
        if refusal is not None:
            self._metrics.aws_credential_failures.labels(operation, outcome).inc()
            logger.info("sts: %s", refusal, extra={"service": "sts", **fields_of(refusal)})

    def _answer(
        self, service: str, place: Place, operation: str, params: Mapping[str, Any]
    ) -> Answered[dict[str, Any]]:
        """Send a call whose answer has no stream in it, as whoever acts in this thread."""
        with self._clients.use(service, place.region) as client:
            answer: dict[str, Any] = getattr(client, xform_name(operation))(**params)
        return Answered(answer, answer.get("ResponseMetadata", {}))

    def _observe(self, session: Any) -> None:
        """The clients' session has been made, and it is known which regions there are."""
        self._identities.observe(session)
        self._metrics.know_regions(self._clients.regions)


def _exchange(service: str, operation: str, place: Place, params: Mapping[str, Any]) -> Exchange:
    """A call that is about to be sent, if it is one that may be. Raises AwsRefusal."""
    check_request(place, operation, params)
    return Exchange(service, operation, place.region, params)


def _namespace(place: Place) -> str:
    """Return the namespace that a call is made for; "" for polls by the operator's own identity, which are for all."""
    known = topic()
    if place.namespace:
        return place.namespace
    return known.key.namespace if known is not None else ""
