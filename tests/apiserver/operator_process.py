"""The operator as a process of its own, as it runs in a pod: started, stopped, killed."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

PREFIX = "classifier_operator_"
START_SECONDS = 60.0
STOP_SECONDS = 30.0


@contextmanager
def killed_in_the_end() -> Iterator[Callable[[OperatorProcess], OperatorProcess]]:
    """Yield a function that starts an operator; all that it has started are killed when the block ends."""
    started: list[OperatorProcess] = []

    def start(process: OperatorProcess) -> OperatorProcess:
        started.append(process)
        process.start()
        return process

    try:
        yield start
    finally:
        for process in started:
            process.kill()


class OperatorProcess:
    """`classifier-operator run` for one namespace, or for all with none, against an API server and an emulator."""

    def __init__(
        self,
        *,
        kubeconfig: Path,
        aws_url: str,
        namespace: str,
        log: Path,
        options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        module: str = "classifier_operator",
    ) -> None:
        self.log = log
        self.port = _free_port()
        self._command = [sys.executable, "-m", module, "run"]
        self._command += ["--health-host", "127.0.0.1", "--health-port", str(self.port), "--log-format", "text"]
        # Whoever is killed leaves a Lease that the next one would wait for; tests of replicas ask for it themselves.
        self._command += ["--no-leader-elect", *(("--namespace", namespace) if namespace else ()), *options]
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "PYTHONPATH": "operator",
            "PYTHONWARNINGS": "default",
            "KUBECONFIG": str(kubeconfig),
            "AWS_ENDPOINT_URL": aws_url,
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",  # the emulator checks none
            **(environment or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> OperatorProcess:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """The number of the process, once it has been started."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it is healthy."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._command, env=self._environment, stdout=log, stderr=log)
        end = time.monotonic() + START_SECONDS
        while self.get("/healthz") != "ok":
            if time.monotonic() > end or self._process.poll() is not None:
                raise AssertionError(f"the operator did not start:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.1)

    def get(self, path: str) -> str:
        """What it answers over HTTP; nothing while it does not."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    def metric(self, name: str) -> float:
        """The value of one of its metrics, without the prefix; 0 while it has none."""
        return value_of(self.get("/metrics"), name) or 0.0

    def wait_for_more(self, name: str, count: int = 1) -> None:
        """Wait until a metric has grown by that much."""
        end = time.monotonic() + START_SECONDS
        wanted = self.metric(name) + count
        while self.metric(name) < wanted:
            assert time.monotonic() < end, f"{name} does not grow"
            time.sleep(0.1)

    def pause(self) -> None:
        """Stop it as it stands, in the middle of whatever it does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def ended(self, seconds: float = STOP_SECONDS) -> int:
        """Its exit code, once it has ended by itself."""
        assert self._process is not None
        return self._process.wait(seconds)

    def stop(self) -> int:
        """Ask it to end, as the kubelet does; its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """End it as a node's failure does."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(STOP_SECONDS)


def value_of(text: str, name: str) -> float | None:
    """The value of a metric without labels, in what `/metrics` has answered; None if it is not there."""
    found = re.search(rf"^{PREFIX}{name} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
