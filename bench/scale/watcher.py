"""Sees objects as a client sees them: one watch per kind, and the moment at which each change arrived."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from types import TracebackType
from typing import Self

import msgspec
import requests

from bench.scale.cluster import Cluster
from bench.scale.figures import Change

# The most that is read of a chunk of the answer at once; a shorter one does not wait for the next.
CHUNK = 1 << 16


class _Metadata(msgspec.Struct):
    name: str = ""
    resourceVersion: str = ""  # noqa: N815 - Kubernetes' own name


class _Condition(msgspec.Struct):
    type: str
    status: str
    reason: str = ""


class _Status(msgspec.Struct, rename="camel"):
    job_name: str = ""
    job_status: str = ""
    secondary_status: str = ""
    endpoint_name: str = ""
    endpoint_status: str = ""
    endpoint_config_name: str = ""
    conditions: tuple[_Condition, ...] = ()

    @property
    def resource(self) -> str:
        return self.job_name or self.endpoint_name

    @property
    def state(self) -> str:
        return self.secondary_status or self.endpoint_status

    @property
    def is_ready(self) -> bool:
        return any(one.type == "Ready" and one.status == "True" for one in self.conditions)


class _Object(msgspec.Struct):
    metadata: _Metadata
    status: _Status = msgspec.field(default_factory=_Status)


class _Event(msgspec.Struct):
    type: str
    object: _Object


class Watcher:
    """Follows the objects of one kind in a thread.

    created: when each object was first seen, by its name.
    seen: the states of each AWS resource that an object's status has named, as they were first seen.
    """

    def __init__(self, cluster: Cluster, plural: str) -> None:
        self.created: dict[str, float] = {}
        self.resources: dict[str, str] = {}
        self.seen: dict[str, list[Change]] = defaultdict(list)
        self._states: dict[str, _Status] = {}
        self._cluster = cluster
        self._plural = plural
        self._decoder = msgspec.json.Decoder(_Event)
        self._news = threading.Condition()
        self._ended = threading.Event()
        self._stream: requests.Response | None = None
        self._failure: Exception | None = None
        self._version = ""
        self._thread = threading.Thread(target=self._run, name=f"watch-{plural}", daemon=True)

    def __enter__(self) -> Self:
        for item in self._cluster.listed(self._plural):
            self._note("ADDED", msgspec.convert(item, _Object), time.time())
        self._stream = self._cluster.watch(self._plural, self._version or "0")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._stream is not None:
            self._stream.raw.shutdown()
        self._thread.join(10)

    def counts(self) -> Counter[str]:
        """How many objects are in each state; those whose Ready is true are in `Ready` as well."""
        with self._news:
            states = list(self._states.values())
        return Counter(one.state for one in states) + Counter("Ready" for one in states if one.is_ready)

    def wait(self, reached: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait until something is reached that the objects' states tell; it is asked a few times a second.

        Raises:
            TimeoutError: it was not.

        """
        end = time.monotonic() + seconds
        while not reached():
            if self._failure is not None:
                raise self._failure
            if time.monotonic() > end:
                raise TimeoutError(f"waited {seconds:.0f} s for {what}; there are {dict(self.counts())}")
            time.sleep(0.25)

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                assert self._stream is not None
                for line in self._stream.iter_lines(chunk_size=CHUNK):
                    self._take(line)
                if not self._ended.is_set():
                    self._stream = self._cluster.watch(self._plural, self._version)
        except Exception as error:  # whatever ends the watch is told where it is waited for
            if not self._ended.is_set():
                self._failure = error

    def _take(self, line: bytes) -> None:
        now = time.time()
        if not line:
            return
        event = self._decoder.decode(line)
        if event.type == "ERROR":
            raise RuntimeError(f"the watch of {self._plural} was ended: {line.decode()}")
        self._note(event.type, event.object, now)

    def _note(self, kind: str, found: _Object, now: float) -> None:
        self._version = found.metadata.resourceVersion
        if kind == "BOOKMARK":
            return
        name, status = found.metadata.name, found.status
        with self._news:
            if kind == "DELETED":
                self._states.pop(name, None)
                return
            self.created.setdefault(name, now)
            if status.resource:
                self.resources[name] = status.resource
            known = self.seen[status.resource]
            if status.state and (not known or known[-1].state != status.state):
                known.append(Change(now, status.state))
            self._states[name] = status
