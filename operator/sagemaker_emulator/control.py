"""The control API's client: what tests and users drive an emulator with.

It speaks plain HTTP and needs nothing else of this package, so it also works against an emulator in another process.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote, urlencode, urlsplit

Json = dict[str, Any]
Use = Literal["training job", "spot training job", "endpoint"]


class ControlError(Exception):
    """The control API refused; the text says why."""


class Control:
    """Drives the emulator at `url`.

    Operations are named `CreateTrainingJob`, `InvokeEndpoint`, `sts.AssumeRole`, `s3.GET`; patterns (`*`, `?`)
    are allowed where a fault is planned. Errors of the emulator raise `ControlError`.
    """

    def __init__(self, url: str, timeout: float = 330.0) -> None:
        self.url = url
        self._timeout = timeout

    # Settings and time

    def settings(self) -> Json:
        return dict(self._call("GET", "/settings"))

    def change_settings(self, **sections: Any) -> Json:
        """Change some settings, for example `change_settings(training={"training_seconds": 5})`."""
        return dict(self._call("PATCH", "/settings", sections))

    def now(self) -> float:
        """Emulated epoch seconds."""
        return float(self._call("GET", "/clock")["now"])

    def set_speed(self, speed: float) -> None:
        """Emulated seconds per real second; 0 stops the clock, which then only `advance` moves."""
        self._call("POST", "/clock", {"speed": speed})

    def advance(self, seconds: float) -> float:
        """Move the clock, doing on the way all that falls due; returns the new time."""
        return float(self._call("POST", "/clock/advance", {"seconds": seconds})["now"])

    # What happened, and what is there

    def counts(self) -> dict[str, int]:
        """Calls by operation."""
        return dict(self._call("GET", "/calls/counts")["counts"])

    def outcome_counts(self) -> dict[str, int]:
        """Calls by operation and how they ended, for example `CreateModel:200`, `CreateModel:ThrottlingException`."""
        return dict(self._call("GET", "/calls/counts")["outcomes"])

    def calls(self, operation: str = "", since: int = 0) -> list[Json]:
        """The log of calls, oldest first; see `calls.Call` for the members."""
        return list(self._call("GET", f"/calls?{urlencode({'operation': operation, 'since': since})}")["calls"])

    def last_call(self) -> int:
        """The number of the latest call, for `since`."""
        return int(self._call("GET", "/calls/counts")["last"])

    def denials(self) -> list[Json]:
        """The permissions that callers lacked since the last reset: action, resource, context, principal."""
        return list(self._call("GET", "/calls/denials")["denials"])

    def clear_calls(self) -> None:
        self._call("DELETE", "/calls")

    def resources(self, *, s3: bool = False) -> list[Json]:
        """All that exists: kind, name, arn, account, region, status, tags; with `s3` its objects too.

        Scalable targets are among it, named like `endpoint/x/variant/y`, with `minimum`, `maximum` and `policies`.
        """
        return list(self._call("GET", f"/resources?s3={int(s3)}"))

    def timelines(self, kind: Literal["training-jobs", "endpoints"]) -> list[Json]:
        """The states that each of them has had: name, account, region, created, phases (at, status, secondary)."""
        return list(self._call("GET", f"/timelines/{quote(kind)}")["timelines"])

    def remove(self, kind: str, name: str, **scope: str) -> None:
        """Delete out of band; kind is training-jobs, models, endpoint-configs or endpoints."""
        self._call("DELETE", f"/resources/{kind}/{quote(name)}", scope)

    def set_endpoint_status(self, name: str, status: str, reason: str = "", **scope: str) -> None:
        """Any status, also one that AWS has yet to invent, until set again."""
        self._call("PATCH", f"/resources/endpoints/{quote(name)}", {"status": status, "reason": reason, **scope})

    def autoscale(self, endpoint: str, variant: str, count: int, **scope: str) -> None:
        """Let Application Auto Scaling set a registered variant's count, within its bounds."""
        self._call("POST", "/autoscaling", {"endpoint": endpoint, "variant": variant, "count": count, **scope})

    def end_training(self, name: str, result: str, reason: str = "", **scope: str) -> None:
        """End a running job now; results as in `order`."""
        self._call("PATCH", f"/resources/training-jobs/{quote(name)}", {"result": result, "reason": reason, **scope})

    # Faults

    def faults(self) -> Json:
        return dict(self._call("GET", "/faults"))

    def clear_faults(self) -> None:
        self._call("DELETE", "/faults")

    def throttle(self, operation: str, rate: float, burst: float = 1.0) -> None:
        """Allow `rate` calls per real second, `burst` at once; a burst of 0 lifts the throttle."""
        self._call("POST", "/faults/throttle", {"operation": operation, "rate": rate, "burst": burst})

    def throttle_randomly(self, fraction: float) -> None:
        """Throttle this fraction of all calls."""
        self._call("POST", "/faults/random-throttle", {"fraction": fraction})

    def fail_next(
        self,
        operation: str,
        count: int | None = 1,
        *,
        when: Literal["before", "after"] = "before",
        code: str = "InternalFailure",
        message: str = "",
        status: int = 500,
        reset: bool = False,
        resource: str = "*",
    ) -> None:
        """Let the next `count` calls fail (None: all until the faults are cleared), before or after they take effect.

        `reset` cuts the connection instead of answering.
        """
        fault: Json = {"operation": operation, "count": count, "when": when, "code": code, "status": status}
        if message:
            fault["message"] = message
        self._call("POST", "/faults/fail", {**fault, "reset": reset, "resource": resource})

    def latency(self, operation: str, seconds: float) -> None:
        """Answer later by this many real seconds; 0 lifts it."""
        self._call("POST", "/faults/latency", {"operation": operation, "seconds": seconds})

    def outage(self, kind: Literal["", "error", "unavailable", "reset"] = "error") -> None:
        """Fail every AWS call: with 500, with 503, or by a cut connection; "" ends the outage."""
        self._call("POST", "/faults/outage", {"kind": kind})

    # How things end

    def order(
        self,
        kind: Literal["training", "creation", "update"],
        result: str,
        reason: str = "",
        *,
        after_seconds: float | None = None,
        name: str = "*",
        count: int = 1,
    ) -> None:
        """Order the ending of the next trainings, endpoint creations or endpoint updates.

        Results: training: fail, stop, max_runtime, max_wait, interrupt, capacity; creation: fail; update: roll_back,
        rollback_fails.
        """
        outcome = {"kind": kind, "result": result, "reason": reason, "after_seconds": after_seconds, "name": name}
        self._call("POST", "/outcomes", {**outcome, "count": count})

    def set_quota(self, instance_type: str, use: Use, limit: int | None) -> None:
        """Allow this many instances; None lifts the quota."""
        self._call("POST", "/capacity/quota", {"instance_type": instance_type, "use": use, "limit": limit})

    def set_shortage(self, instance_type: str, use: Use, *, short: bool = True) -> None:
        """Let AWS run out of an instance type; trainings wait for it, deployments fail."""
        self._call("POST", "/capacity/shortage", {"instance_type": instance_type, "use": use, "short": short})

    def reset(self) -> None:
        """Forget all resources, faults, orders and calls, those of S3 and the other services too.

        An emulator that was started with `iam.enforce` keeps IAM's users and roles, as callers keep their access keys.
        """
        self._call("POST", "/reset")

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        address = urlsplit(self.url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=self._timeout)
        try:
            connection.request(method, f"/_emulator{path}", json.dumps(body) if body is not None else None)
            response = connection.getresponse()
            content = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise ControlError(content["error"])
        return content
