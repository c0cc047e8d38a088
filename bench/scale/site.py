"""One measurement's parts: an API server, the emulated AWS, and the program that is measured between them."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.apiserver.operator_process import OperatorProcess

from bench.scale.aws import HUNDRED_SECONDS, LISTS, Aws, Stages
from bench.scale.cluster import Cluster
from bench.scale.figures import most_in, percentile
from bench.scale.meter import Usage, usage
from bench.scale.targets import MOST_LISTS

OPERATOR = "classifier_operator"
POLLER = "bench.scale.poller"
# How often the poller asks for an object, and the variable that tells it so.
INTERVAL, POLLER_SECONDS = 30.0, "POLLER_SECONDS"
# What a program still does behind its last status (Events, the end of a sweep) belongs to it.
TRAIL_SECONDS = 5.0
Figures = dict[str, float]
# Told how far a measurement is (0 to 1), and in words.
Progress = Callable[[float, str], None]


class Site:
    """API server and AWS, as a context manager; programs are started between them."""

    def __init__(self, stages: Stages = HUNDRED_SECONDS, *, creating: float = 60.0) -> None:
        self.stages = stages
        self._stack = ExitStack()
        self._aws = Aws(stages, creating=creating)
        self._folder = Path()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            self.aws = stack.enter_context(self._aws)
            self.cluster = stack.enter_context(Cluster())
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @contextmanager
    def running(self, module: str = OPERATOR, *options: str, pace: float = 1.0) -> Iterator[OperatorProcess]:
        """The operator, or another program that takes its arguments, until the end of the block.

        Serves all namespaces, as it does where nothing else is said.
        """
        program = OperatorProcess(
            kubeconfig=self.cluster.kubeconfig,
            aws_url=self.aws.url,
            namespace="",
            log=self._folder / f"{module}.log",
            options=options,
            environment={"PYTHONPATH": "operator:.", POLLER_SECONDS: str(INTERVAL * pace)},
            module=module,
        )
        with program:
            yield program


@dataclass(frozen=True)
class _Mark:
    at: float
    program: Usage
    aws_cpu: float
    calls: int
    writes: int


class Account:
    """What the program and AWS have spent since a moment."""

    def __init__(self, site: Site, program: OperatorProcess) -> None:
        self._site = site
        self._program = program
        self._began = self._mark()

    def figures(self, objects: int) -> Figures:
        """The differences, each for so many objects; and the lists, which none may have more of."""
        began, ended = self._began, self._mark()
        calls = ended.calls - began.calls
        lists = self._site.aws.moments(LISTS)
        recent = [at for at in lists if at >= began.at]
        return {
            "seconds": ended.at - began.at,
            "AWS calls": calls,
            "AWS calls per object": calls / objects,
            "AWS calls a minute": calls / (ended.at - began.at) * 60,
            "List calls": len(recent),
            MOST_LISTS: most_in(recent, 1.0),
            "List calls a second, most over 10 s": most_in(recent, 10.0) / 10,
            "Kubernetes writes per object": (ended.writes - began.writes) / objects,
            "CPU ms per object": (ended.program.cpu_seconds - began.program.cpu_seconds) / objects * 1000,
            "CPU seconds": ended.program.cpu_seconds - began.program.cpu_seconds,
            "peak memory MB": ended.program.peak_megabytes,
            "memory MB before": began.program.resident_megabytes,
            "memory KB per object": (ended.program.resident_megabytes - began.program.resident_megabytes)
            * 1024
            / objects,
            "memory MB": ended.program.resident_megabytes,
            "open files": ended.program.open_files,
            "threads": ended.program.threads,
            "load average": os.getloadavg()[0],
            "emulator CPU ms per call": (ended.aws_cpu - began.aws_cpu) / max(1, calls) * 1000,
        }

    def _mark(self) -> _Mark:
        return _Mark(
            at=time.time(),
            program=usage(self._program.pid),
            aws_cpu=self._site.aws.cpu_seconds,
            calls=sum(self._site.aws.control.counts().values()),
            writes=self._site.cluster.writes(),
        )


def end_with_signals() -> None:
    """Let SIGTERM end this program as Ctrl-C does: with what it has started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def stats(name: str, values: Sequence[float]) -> Figures:
    """Median, 99th percentile and worst of some seconds."""
    return {f"{name} s, {what}": percentile(values, share) for what, share in _SHARES.items()}


_SHARES = {"median": 0.5, "99th percentile": 0.99, "worst": 1.0}
