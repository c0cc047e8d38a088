"""Owns the operator of the demo: `classifier-operator run` as a process of its own, with a log file."""

from __future__ import annotations

import http.client
import os
import socket
import sys
from pathlib import Path
from typing import Final, Self

from classifier_operator.demo.environment import LOOPBACK, emulated_aws, isolated
from control_plane.processes import ChildProcess

_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 10.0


class OperatorProcess:
    """A running operator that serves one namespace."""

    def __init__(self, process: ChildProcess) -> None:
        self._process = process

    @classmethod
    def start(cls, folder: Path, kubeconfig: Path, namespace: str, aws_url: str, *, keeps_proxies: bool) -> Self:
        """Start it and return once it is healthy.

        Raises:
            ControlPlaneError: it did not start; the log's end says why.

        """
        port = _free_port()
        # The Kubernetes client writes certificates into temporary files, which a killed process leaves behind.
        settings = {"KUBECONFIG": str(kubeconfig), "TMPDIR": str(folder), **emulated_aws(aws_url)}
        command = isolated(_command(namespace, port), settings, os.environ, keeps_proxies=keeps_proxies)
        process = ChildProcess("the operator", command, folder / "operator.log")
        try:
            process.wait_until(lambda: _is_healthy(port), timeout=_START_SECONDS)
        except BaseException:
            process.kill()
            raise
        return cls(process)

    def is_running(self) -> bool:
        """Tell whether it has not ended."""
        return self._process.is_running()

    def tail(self) -> str:
        """The last lines of its log."""
        return self._process.tail()

    def close(self) -> None:
        """End it gently."""
        self._process.stop(_STOP_SECONDS)


def _command(namespace: str, port: int) -> list[str]:
    program = [sys.executable, "-P", "-m", "classifier_operator", "run", f"--namespace={namespace}"]
    # The emulator's time is fast, so the operator looks more often than it would at AWS.
    pace = ["--sweep-interval=0.5", "--wait-interval=2"]
    return [*program, *pace, f"--health-host={LOOPBACK}", f"--health-port={port}", "--log-format=text"]


def _free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
