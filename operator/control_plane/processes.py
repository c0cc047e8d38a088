"""Owns the child processes of a control plane: each under a guardian, with a log file, ended for certain.

What the processes are, and in which order they run, is the matter of `plane`.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from control_plane.errors import ControlPlaneError

_GUARDIAN: Final = Path(__file__).with_name("guardian.py")
_TAIL_LINES: Final = 20
# A killed process ends at once, unless the machine is very busy.
_GONE_SECONDS: Final = 10.0


class ChildProcess:
    """A server that runs until `stop` or `kill`, and never longer than this process."""

    def __init__(self, name: str, command: Sequence[str], log: Path, *, remove: Path | None = None) -> None:
        """Start it. `remove` is a folder to delete should this process vanish without stopping the child."""
        self.name = name
        self.log = log
        removal = ["--remove", str(remove)] if remove is not None else []
        # -I and -S: neither the environment nor site-packages, so that a guardian is up in 20 ms.
        guardian = [sys.executable, "-I", "-S", str(_GUARDIAN), *removal]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*guardian, *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def is_running(self) -> bool:
        """Tell whether the process has not ended."""
        return self._process.poll() is None

    def stop(self, grace: float = 3.0) -> None:
        """End it gently; kill it if that takes longer than `grace` seconds."""
        self._end(f"stop {grace}\n".encode(), grace + _GONE_SECONDS)

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(b"kill\n", _GONE_SECONDS)

    def wait_until(
        self,
        is_ready: Callable[[], bool],
        *,
        timeout: float,
        poll: float = 0.05,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Return once ready; raises ControlPlaneError with the log's end if it ended or took too long."""
        deadline = clock() + timeout
        while not is_ready():
            if not self.is_running():
                raise ControlPlaneError(f"{self.name} ended at its start; {self.tail()}")
            if clock() > deadline:
                raise ControlPlaneError(f"{self.name} was not ready within {timeout:.0f} s; {self.tail()}")
            sleep(poll)

    def tail(self) -> str:
        """Return the last lines of the log, with the log's path above them."""
        lines = self.log.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
        return "\n".join([f"the end of {self.log}:", *lines])

    def _end(self, order: bytes, timeout: float) -> None:
        stdin = self._process.stdin
        if stdin is not None and not stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                stdin.write(order)
                stdin.flush()
        try:
            self._process.wait(timeout)
        finally:
            if stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    stdin.close()
