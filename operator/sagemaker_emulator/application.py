"""The emulator's parts put together, as a function from a request to an answer; no sockets here.

Every AWS call passes the same gate: who calls, which faults apply, then the service, then the call log.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, unquote

from sagemaker_emulator import autoscaling, long_polls, permissions, wire
from sagemaker_emulator.access import TOKEN_HEADER, Access, Decision, denied
from sagemaker_emulator.aws import Headers
from sagemaker_emulator.calls import Call
from sagemaker_emulator.clock import Clock
from sagemaker_emulator.context import Context
from sagemaker_emulator.deployments import Deployments
from sagemaker_emulator.errors import INTERNAL_FAILURE, AwsError
from sagemaker_emulator.events import StateChangeEvents
from sagemaker_emulator.faults import Failure, Verdict
from sagemaker_emulator.identity import Caller, caller_of
from sagemaker_emulator.inference import ModelCache
from sagemaker_emulator.permissions import Needs
from sagemaker_emulator.policies import Need
from sagemaker_emulator.protocols import error_answer
from sagemaker_emulator.runtime import ATTRIBUTES_HEADER, Invocation, Runtime
from sagemaker_emulator.service import SageMaker, resource_of
from sagemaker_emulator.settings import Settings
from sagemaker_emulator.training_work import TrainingWork
from sagemaker_emulator.world import World

_INVOCATION = re.compile(r"/endpoints/([^/]+)/invocations")
_CBOR_OPERATION = re.compile(r"/service/[^/]+/operation/(\w+)")


@dataclass(frozen=True)
class Request:
    """An HTTP request; `target` is the raw path with query, header names match in any case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    header_items: Headers = ()

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


@dataclass
class Response:
    """An HTTP answer, or a cut connection."""

    status: int = 200
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    reset: bool = False


@dataclass(frozen=True)
class Delayed:
    """An answer that is made, or put off again, after `seconds` real seconds, which no thread should spend waiting."""

    seconds: float
    answer: Callable[[], Response | Delayed]


@dataclass(frozen=True)
class Route:
    """One AWS call, understood: whose it is, what it is called, and how to carry it out."""

    caller: Caller
    service: str
    operation: str
    resource: str
    perform: Callable[[], Response]
    params: dict[str, Any] | None = None
    needs: Needs = list
    # What the caller needs to be told that something does not exist, where that is forbidden to others.
    absence: Need | None = None
    token: str = ""
    # Real seconds for which an answer that says nothing is put off.
    patience: float = 0.0


class Application:
    """One emulator without its server."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.world = World(settings, clock)
        self.models = ModelCache(self.world)
        self.runtime = Runtime(self.world, self.models)
        self.sagemaker = SageMaker(self.world, Deployments(self.world, self.models))
        self.autoscaling = autoscaling.AutoScaling(self.world)
        self.access = Access(self.world)
        self._work = TrainingWork(self.world)
        self._events = StateChangeEvents(self.world)

    def start(self) -> None:
        self.world.start()

    def close(self) -> None:
        self._events.close()
        self.world.close()

    def reset(self) -> None:
        self.world.reset()
        self.models.clear()
        self.runtime.clear()
        self.access.clear()

    def begin(self, request: Request) -> Response | Delayed:
        """Answer a call, or say how long the client is to wait for its answer."""
        route = self._route(request)
        verdict = self.world.faults.judge(
            route.operation,
            account=route.caller.key.account,
            region=route.caller.key.region,
            resource=route.resource,
        )
        if verdict.delay:
            return Delayed(verdict.delay, lambda: self._answer(route, verdict))
        return self._answer(route, verdict)

    def _answer(self, route: Route, verdict: Verdict, asked: float | None = None) -> Response | Delayed:
        """Carry out a call, with the fault it meets, and write it down; `asked` is when it was first tried."""
        began = time.monotonic() if asked is None else asked
        failure, effect = verdict.failure, False
        decisions: list[Decision] = []
        if failure is None or verdict.when == "after":
            response, code = self._performed(route, decisions)
            effect = response.status < 400
            if time.monotonic() - began < route.patience and long_polls.has_nothing(response.body, code):
                return Delayed(long_polls.INTERVAL, lambda: self._answer(route, verdict, began))
        if failure is not None:
            response, code = _failed(failure, route.service), "ConnectionReset" if failure.reset else failure.code
        seconds = time.monotonic() - began + verdict.delay
        self._note(route, response, code, decisions, effect=effect, seconds=seconds)
        return response

    def _performed(self, route: Route, decisions: list[Decision]) -> tuple[Response, str]:
        """Carry out a call that is allowed; what was decided about it is added to `decisions`."""
        try:
            if not self.access.is_checked(route.caller, route.operation):
                response = route.perform()
                self.access.note_session(route.caller, route.operation, response.body)
            else:
                self._require(route, route.needs(), decisions)
                response = route.perform()
                if response.status == 404 and route.absence is not None:
                    self._require(route, [route.absence], decisions)
        except AwsError as error:
            return error_answer_response(error, route.service), error.code or str(error.status)
        return response, "" if response.status < 400 else str(response.status)

    def _require(self, route: Route, needs: list[Need], decisions: list[Decision]) -> None:
        decided = self.access.decide(route.caller, route.token, route.service, needs)
        decisions += decided
        if not all(one["allowed"] for one in decided):
            raise denied(route.service, decided[-1])

    def _note(
        self,
        route: Route,
        response: Response,
        code: str,
        decisions: list[Decision],
        *,
        effect: bool,
        seconds: float,
    ) -> None:
        self.world.calls.add(
            Call(
                time=self.world.clock.now(),
                real_seconds=round(seconds, 6),
                service=route.service,
                operation=route.operation,
                account=route.caller.key.account,
                region=route.caller.key.region,
                access_key=route.caller.access_key,
                resource=route.resource,
                status=0 if response.reset else response.status,
                code=code,
                effect=effect,
                request=route.params,
                permissions=tuple(decisions),
            )
        )

    def _route(self, request: Request) -> Route:
        return replace(self._understood(request), token=request.headers.get(TOKEN_HEADER, ""))

    def _understood(self, request: Request) -> Route:
        caller = caller_of(
            request.headers,
            request.query,
            region=self.world.settings.region,
            account_of=self.world.moto.account_of,
        )
        target = request.headers.get("X-Amz-Target", "")
        if target.startswith("SageMaker."):
            return self._sagemaker(caller, target.removeprefix("SageMaker."), request.body)
        unsigned = not caller.access_key
        if unsigned and _operation_of(request) in _UNSIGNED_STS:
            return self._other(replace(caller, service="sts"), request)
        if (invocation := _INVOCATION.fullmatch(request.path)) and (unsigned or caller.service == "sagemaker"):
            return self._invocation(caller, unquote(invocation[1]), request)
        if caller.service == autoscaling.SERVICE:
            return self._autoscaling(caller, _operation_of(request), request)
        return self._other(caller, request)

    def _autoscaling(self, caller: Caller, operation: str, request: Request) -> Route:
        """SageMaker's scalable targets are the emulator's own, the others moto's."""
        name = f"{caller.service}.{operation}"
        try:
            params = self.autoscaling.parse(operation, request.body)
        except AwsError as error:
            return Route(caller, caller.service, name, "", _raising(error))
        if params is None:
            return self._other(caller, request)

        def perform() -> Response:
            answered = self.autoscaling.perform(operation, params, caller.key)
            return Response(200, answered, [("Content-Type", wire.JSON)])

        def needs() -> list[Need]:
            context = self._context(caller)
            has_role = bool(context.scope.targets)
            return permissions.of_scaling(context, operation, params, has_role=has_role)

        return Route(caller, caller.service, name, str(params.get("ResourceId", "")), perform, params, needs)

    def _sagemaker(self, caller: Caller, operation: str, body: bytes) -> Route:
        """The body is read before faults are judged, since faults can name a resource; bad input fails later."""
        try:
            params = self.sagemaker.parse(operation, body)
        except AwsError as error:
            return Route(caller, "sagemaker", operation, "", _raising(error))
        key = caller.key

        def perform() -> Response:
            answered = self.sagemaker.perform(operation, params, key)
            return Response(200, answered, [("Content-Type", wire.JSON)])

        def needs() -> list[Need]:
            return permissions.of_sagemaker(self._context(caller), operation, params)

        return Route(caller, "sagemaker", operation, resource_of(params), perform, params, needs)

    def _invocation(self, caller: Caller, endpoint: str, request: Request) -> Route:
        def perform() -> Response:
            invocation = Invocation.from_http(endpoint, request.headers, request.body)
            prediction = self.runtime.invoke(caller.key, invocation)
            headers = [
                ("Content-Type", prediction.content_type),
                ("x-Amzn-Invoked-Production-Variant", prediction.variant),
            ]
            if attributes := request.headers.get(ATTRIBUTES_HEADER):
                headers.append((ATTRIBUTES_HEADER, attributes))
            return Response(200, prediction.body, headers)

        def needs() -> list[Need]:
            return permissions.of_invocation(caller.key, endpoint)

        return Route(caller, "sagemaker-runtime", "InvokeEndpoint", endpoint, perform, needs=needs)

    def _other(self, caller: Caller, request: Request) -> Route:
        name = _operation_of(request)
        sent, patience = long_polls.without_wait(caller.service, name, request.body)

        def perform() -> Response:
            status, headers, body = self.world.moto.answer(
                request.method,
                request.target,
                request.header_items,
                sent,
                account=caller.key.account,
            )
            return Response(status, body, headers)

        def needs() -> list[Need]:
            return permissions.of_others(caller, name, request.method, request.target, request.body)

        absence = permissions.to_learn_of_absence(caller, request.method, request.path)
        operation = f"{caller.service}.{name}"
        route = Route(caller, caller.service, operation, request.path, perform, needs=needs, absence=absence)
        return replace(route, patience=patience)

    def _context(self, caller: Caller) -> Context:
        return Context(self.world, self.world.scope(caller.key), self.world.clock.now())


# How credentials are got by somebody who has none yet.
_UNSIGNED_STS = ("AssumeRoleWithWebIdentity", "AssumeRoleWithSAML")


def _operation_of(request: Request) -> str:
    """The operation's name as far as the request tells; S3 has only the method."""
    if target := request.headers.get("X-Amz-Target"):
        return target.rpartition(".")[2]
    if cbor := _CBOR_OPERATION.fullmatch(request.path):
        return cbor[1]
    if request.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        return parse_qs(request.body.decode("latin-1")).get("Action", [request.method])[0]
    return request.method


def _failed(failure: Failure, service: str) -> Response:
    if failure.reset:
        return Response(reset=True)
    return error_answer_response(failure.as_error(), service)


def error_answer_response(error: AwsError, service: str) -> Response:
    body, headers = error_answer(error, service)
    return Response(error.status, body, headers)


def _raising(error: AwsError) -> Callable[[], Response]:
    def perform() -> Response:
        raise error

    return perform


INTERNAL = AwsError("InternalFailure", INTERNAL_FAILURE, 500)
