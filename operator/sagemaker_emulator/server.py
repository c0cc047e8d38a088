"""Starting and stopping an emulator: in this process, as a process of its own, or from the command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from sagemaker_emulator.application import Application
from sagemaker_emulator.clock import Clock
from sagemaker_emulator.control import Control
from sagemaker_emulator.control_api import ControlApi
from sagemaker_emulator.http_server import HttpServer
from sagemaker_emulator.settings import Settings

LOOPBACK = "127.0.0.1"
READY = "emulator ready at "


class Emulator:
    """An emulator in this process, as a context manager.

    moto keeps its state per process, so only one may run at a time, and starting one empties S3 and the rest.

    Args:
        settings: see `Settings`.
        port: 0 for any free one.
        speed: emulated seconds per real second; 0 is manual mode (see `Control.advance`).

    """

    def __init__(
        self, settings: Settings | None = None, port: int = 0, *, speed: float = 1.0, host: str = LOOPBACK
    ) -> None:
        self.application = Application(settings or Settings(), Clock(speed))
        api = ControlApi(self.application)
        self._server = HttpServer(self.application, api.answer, host=host, port=port)
        self._host = host

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self._server.port}"

    @property
    def control(self) -> Control:
        return Control(self.url)

    def start(self) -> None:
        self.application.start()
        try:
            self._server.start()
        except OSError:
            self.application.close()
            raise

    def close(self) -> None:
        self._server.close()
        self.application.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def serve(
    settings: Settings,
    *,
    host: str = LOOPBACK,
    port: int = 0,
    speed: float = 1.0,
    announce: Callable[[str], None] = print,
) -> None:
    """Run an emulator until SIGINT or SIGTERM; its URL is announced once it listens.

    Raises:
        OSError: the port is taken.

    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with Emulator(settings, port, speed=speed, host=host) as emulator:
        announce(emulator.url)
        stop.wait()


class EmulatorProcess:
    """An emulator in a process of its own, which ends with this one.

    Args:
        arguments: of the command line (`python -m sagemaker_emulator --help`).
        environment: variables on top of this process's own.

    """

    def __init__(self, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        self._arguments = arguments
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    @property
    def control(self) -> Control:
        return Control(self.url)

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def start(self) -> None:
        command = [sys.executable, "-m", "sagemaker_emulator", "--exit-with-stdin", *self._arguments]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=self._full_environment()
        )
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line.startswith(READY):
            self.close()
            raise RuntimeError(f"the emulator did not start: {line.strip() or 'see its error output'}")
        self.url = line.removeprefix(READY).strip()

    def close(self) -> None:
        """Ask the process to end, and end it if it does not within 10 s."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _full_environment(self) -> dict[str, str]:
        """The source root goes on the path, so that a checkout works without installation."""
        root = str(Path(__file__).resolve().parent.parent)
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
        return {**os.environ, "PYTHONPATH": path, **self._environment}
