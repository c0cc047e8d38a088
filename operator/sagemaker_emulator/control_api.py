"""The control API under `/_emulator/`: JSON over HTTP, for tests and for users.

It is no part of AWS: its calls meet no faults and appear in no call log. `control` is its client.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote

from sagemaker_emulator import autoscaling, endpoint_states, endpoints, inventory, training_jobs, training_states
from sagemaker_emulator.application import Application, Request, Response
from sagemaker_emulator.capacity import USES
from sagemaker_emulator.context import Context
from sagemaker_emulator.faults import OUTAGES, Failure, Planned
from sagemaker_emulator.outcomes import Outcome
from sagemaker_emulator.settings import patched
from sagemaker_emulator.store import ScopeKey
from sagemaker_emulator.world import Scope

Body = dict[str, Any]
Handler = Callable[..., object]
FIXED = frozenset({"account", "call_log_size", "work_threads"})


class NotThereError(Exception):
    """The control API has no such path, or there is no such resource."""


class ControlApi:
    """Answers control requests."""

    def __init__(self, application: Application) -> None:
        self._app = application
        self._world = application.world
        self.routes: list[tuple[str, re.Pattern[str], Handler]] = [
            (method, re.compile(f"/_emulator{path}"), handler)
            for method, path, handler in (
                ("GET", "/?", self.health),
                ("GET", "/settings", self.settings),
                ("PATCH", "/settings", self.patch_settings),
                ("GET", "/clock", self.clock),
                ("POST", "/clock", self.set_clock),
                ("POST", "/clock/advance", self.advance),
                ("GET", "/calls", self.calls),
                ("GET", "/calls/counts", self.counts),
                ("GET", "/calls/denials", self.denials),
                ("DELETE", "/calls", self.clear_calls),
                ("GET", "/faults", self.faults),
                ("DELETE", "/faults", self.clear_faults),
                ("POST", "/faults/throttle", self.throttle),
                ("POST", "/faults/random-throttle", self.random_throttle),
                ("POST", "/faults/fail", self.fail),
                ("POST", "/faults/latency", self.latency),
                ("POST", "/faults/outage", self.outage),
                ("GET", "/outcomes", self.outcomes),
                ("POST", "/outcomes", self.order),
                ("GET", "/capacity", self.capacity),
                ("POST", "/capacity/quota", self.quota),
                ("POST", "/capacity/shortage", self.shortage),
                ("POST", "/autoscaling", self.autoscale),
                ("GET", "/resources", self.resources),
                ("GET", "/timelines/([^/]+)", self.timelines),
                ("PATCH", "/resources/endpoints/([^/]+)", self.change_endpoint),
                ("PATCH", "/resources/training-jobs/([^/]+)", self.change_job),
                ("DELETE", "/resources/([^/]+)/([^/]+)", self.remove),
                ("POST", "/reset", self.reset),
            )
        ]

    def answer(self, request: Request) -> Response:
        """The answer to a control request; mistakes are explained with status 400 or 404."""
        try:
            return _json(200, self._handle(request))
        except NotThereError as error:
            return _json(404, {"error": str(error)})
        except (ValueError, TypeError, KeyError) as error:
            text = f"missing member {error}" if isinstance(error, KeyError) else str(error)
            return _json(400, {"error": text})

    def health(self, _body: Body) -> object:
        return {"service": "sagemaker-emulator", "account": self._world.settings.account, **self._clock()}

    def settings(self, _body: Body) -> object:
        return self._world.settings.to_dict()

    def patch_settings(self, body: Body) -> object:
        if fixed := FIXED & set(body):
            raise ValueError(f"settings.{min(fixed)} is fixed when the emulator starts")
        self._world.settings = patched(self._world.settings, body)
        return self._world.settings.to_dict()

    def clock(self, _body: Body) -> object:
        return self._clock()

    def set_clock(self, body: Body) -> object:
        self._world.scheduler.set_speed(float(body["speed"]))
        return self._clock()

    def advance(self, body: Body) -> object:
        self._world.scheduler.advance(float(body["seconds"]))
        return self._clock()

    def calls(self, body: Body) -> object:
        found = self._world.calls.entries(operation=str(body.get("operation", "")), since=int(body.get("since", 0)))
        return {"calls": found}

    def counts(self, _body: Body) -> object:
        calls = self._world.calls
        return {"counts": calls.counts(), "outcomes": calls.outcomes(), "last": calls.last()}

    def denials(self, _body: Body) -> object:
        return {"denials": self._world.calls.denials()}

    def clear_calls(self, _body: Body) -> object:
        self._world.calls.clear()
        return {}

    def faults(self, _body: Body) -> object:
        return self._world.faults.describe()

    def clear_faults(self, _body: Body) -> object:
        self._world.faults.clear()
        return {}

    def throttle(self, body: Body) -> object:
        self._world.faults.throttle(str(body["operation"]), float(body["rate"]), float(body["burst"]))
        return self._world.faults.describe()

    def random_throttle(self, body: Body) -> object:
        fraction = float(body["fraction"])
        if not 0 <= fraction <= 1:
            raise ValueError(f"fraction must be between 0 and 1, not {fraction}")
        self._world.faults.throttled_fraction = fraction
        return self._world.faults.describe()

    def fail(self, body: Body) -> object:
        """Let the next calls of an operation fail; a count of null means all until the faults are cleared."""
        self._world.faults.plan(planned_failure(body))
        return self._world.faults.describe()

    def latency(self, body: Body) -> object:
        operation, seconds = str(body["operation"]), float(body["seconds"])
        if seconds:
            self._world.faults.latencies[operation] = seconds
        else:
            self._world.faults.latencies.pop(operation, None)
        return self._world.faults.describe()

    def outage(self, body: Body) -> object:
        kind = str(body.get("kind", ""))
        if kind and kind not in OUTAGES:
            raise ValueError(f"kind must be empty or one of {', '.join(OUTAGES)}, not {kind!r}")
        self._world.faults.outage = kind
        return self._world.faults.describe()

    def outcomes(self, _body: Body) -> object:
        return {"outcomes": self._world.outcomes.describe()}

    def order(self, body: Body) -> object:
        count = int(body.pop("count", 1))
        self._world.outcomes.order(Outcome(**body), count)
        return {"outcomes": self._world.outcomes.describe()}

    def capacity(self, _body: Body) -> object:
        return self._world.capacity.describe()

    def quota(self, body: Body) -> object:
        limit = body.get("limit")
        self._world.capacity.set_quota(str(body["instance_type"]), _use(body), None if limit is None else int(limit))
        return self._world.capacity.describe()

    def shortage(self, body: Body) -> object:
        instance_type, use, short = str(body["instance_type"]), _use(body), bool(body.get("short", True))
        self._world.capacity.set_shortage(instance_type, use, short=short)
        if use != endpoints.USE and not short:
            for scope in self._world.scopes():
                training_jobs.replan_waiting(self._context(scope), instance_type)
        return self._world.capacity.describe()

    def resources(self, body: Body) -> object:
        return inventory.left(self._world, with_s3=body.get("s3") in ("1", "true"))

    def timelines(self, _body: Body, kind: str) -> object:
        return {"timelines": inventory.timelines(self._world, kind)}

    def autoscale(self, body: Body) -> object:
        """Let the autoscaler set a variant's count."""
        context = self._context(self._scope(body))
        autoscaling.act(context, str(body["endpoint"]), str(body["variant"]), int(body["count"]))
        return {}

    def change_endpoint(self, body: Body, name: str) -> object:
        """Set an endpoint's state by hand, also to one that nobody has heard of."""
        scope, status = self._scope(body), str(body["status"])
        if not status.isalpha() or status == endpoint_states.GONE:
            raise ValueError(f"status must be a word like InService, not {status!r}")
        with scope.lock:
            now = self._world.clock.now()
            endpoint = _there(scope.endpoints.get(name, now), name)
            endpoint.deployment += 1
            endpoint.phases = endpoint_states.set_by_hand(endpoint.phases, now, status, str(body.get("reason", "")))
        self._world.follow(scope, endpoint)
        return {"status": status}

    def change_job(self, body: Body, name: str) -> object:
        """End a running training job now, with an outcome."""
        scope = self._scope(body)
        outcome = Outcome("training", str(body["result"]), str(body.get("reason", "")))
        with scope.lock:
            now = self._world.clock.now()
            job = _there(scope.jobs.get(name, now), name)
            if job.phase(now).status not in ("InProgress", "Stopping"):
                raise ValueError(f"training job {name} has ended")
            job.phases = training_states.forced(job.phases, now, outcome)
        self._world.follow(scope, job)
        return {"status": job.phases[-1].status}

    def remove(self, body: Body, kind: str, name: str) -> object:
        """Take a resource away at once, as if somebody else had deleted it."""
        scope = self._scope(body)
        table = inventory.tables(scope).get(kind)
        if table is None:
            raise NotThereError(f"no kind {kind!r}; there are {', '.join(inventory.tables(scope))}")
        with scope.lock:
            table.remove(_there(table.get(name, self._world.clock.now()), name))
            if kind == "endpoints" and self._world.settings.deregister_with_endpoint:
                scope.forget_targets(name)
        return {}

    def reset(self, _body: Body) -> object:
        self._app.reset()
        return {}

    def _handle(self, request: Request) -> object:
        body = _body_of(request)
        for method, path, handler in self.routes:
            if method == request.method and (found := path.fullmatch(request.path)):
                return handler(body, *map(unquote, found.groups()))
        raise NotThereError(f"no {request.method} {request.path}")

    def _clock(self) -> Body:
        return {"now": self._world.clock.now(), "speed": self._world.clock.speed}

    def _scope(self, body: Body) -> Scope:
        settings = self._world.settings
        key = ScopeKey(body.get("account", settings.account), body.get("region", settings.region))
        return self._world.scope(key)

    def _context(self, scope: Scope) -> Context:
        return Context(self._world, scope, self._world.clock.now())


def planned_failure(body: Body) -> Planned:
    """The fault that a request to `/faults/fail` describes."""
    default = Failure()
    when = body.get("when", "before")
    if when not in ("before", "after"):
        raise ValueError(f"when must be before or after, not {when!r}")
    failure = Failure(
        code=str(body.get("code", default.code)),
        message=str(body.get("message", default.message)),
        status=int(body.get("status", default.status)),
        reset=bool(body.get("reset", False)),
    )
    count = body.get("count", 1)
    return Planned(
        operation=str(body["operation"]),
        failure=failure,
        when=when,
        count=None if count is None else int(count),
        resource=str(body.get("resource", "*")),
    )


def _use(body: Body) -> Any:
    use = body.get("use")
    if use not in USES:
        raise ValueError(f"use must be one of {', '.join(USES)}, not {use!r}")
    return use


def _there(record: Any, name: str) -> Any:
    if record is None:
        raise NotThereError(f"there is no {name!r}")
    return record


def _body_of(request: Request) -> Body:
    """The JSON body together with the query's parameters."""
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        raise ValueError("the body is not JSON") from None
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    return {**{name: values[-1] for name, values in parse_qs(request.query).items()}, **body}


def _json(status: int, content: object) -> Response:
    return Response(status, json.dumps(content).encode(), [("Content-Type", "application/json")])
