"""Owns a control plane that outlives the command that started it: `make cluster` and `make cluster-down`.

One process, in a session of its own, holds the control plane and the lock of its state folder. It ends when
told to, when a server dies, or when the folder is removed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from control_plane.binaries import Finder, find_tools
from control_plane.errors import ControlPlaneError
from control_plane.locks import exclusive
from control_plane.plane import CONTROLLER_MANAGER, TOOLS, ControlPlane
from control_plane.state import is_taken, record_file

_LOG: Final = "control-plane.log"
_START_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Running:
    """What is known of a control plane in the background."""

    pid: int
    url: str
    kubeconfig: str
    controllers: bool


def up(state: Path, *, controllers: bool | None) -> Running:
    """Start a control plane in the background, or return the one that runs; raises ControlPlaneError.

    controllers: None has them where kube-controller-manager need not be built, and asks nothing of one that runs.
    """
    state = state.absolute()
    is_needed = bool(controllers)
    controllers = Finder().has(CONTROLLER_MANAGER) if controllers is None else controllers
    # The build, if there is one, is shown by this process and not by the one without a terminal.
    tools = find_tools(*TOOLS, *([CONTROLLER_MANAGER] if controllers else []))
    with _one_command_at_a_time(state):
        running = status(state)
        if running is not None and not _is_serving(running, tools["kubectl"]):
            _end(state, running)
            running = None
        running = running or _spawn(state, controllers=controllers)
    if is_needed and not running.controllers:
        raise ControlPlaneError(f"the control plane in {state} runs without controllers: stop it (`down`) first")
    return running


def down(state: Path) -> bool:
    """Stop the control plane in the background and wait for its end; False if there was none."""
    state = state.absolute()
    with _one_command_at_a_time(state):
        running = status(state)
        if running is not None:
            _end(state, running)
    return running is not None


def status(state: Path) -> Running | None:
    """Return what runs in a state folder, or None.

    The record of a process that died is not believed: who holds the lock is alive and wrote the record, so
    that its process id cannot be someone else's by now. Raises ControlPlaneError if the folder is in use by a
    control plane that is not in the background.
    """
    if not is_taken(state):
        return None
    try:
        return _read_record(state)
    except (FileNotFoundError, ValueError, TypeError):
        raise ControlPlaneError(f"{state} is in use by a control plane that was not started with `up`") from None


def serve(state: Path, *, controllers: bool) -> int:
    """Run a control plane in this process until it is told to end; return the exit code."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with ControlPlane.start(state, controllers=controllers) as plane:
        _write_record(record_file(state), Running(os.getpid(), plane.url, str(plane.kubeconfig), controllers))
        while not ended.wait(1.0) and plane.is_in_place():
            if (name := plane.dead_process()) is not None:
                sys.stderr.write(f"{name} ended unasked; see {state / 'control-plane' / 'logs' / name}.log\n")
                return 1
    return 0


def _end(state: Path, running: Running) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(running.pid, number)
        if _wait_until(lambda: not (is_taken(state) or _is_running(running.pid)), _STOP_SECONDS):
            return
    raise ControlPlaneError(f"process {running.pid} could not be ended; see {state / _LOG}")


def _is_running(pid: int) -> bool:
    """Whether the process is there; one that nobody has waited for yet has no command line any more."""
    try:
        os.kill(pid, 0)
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except (ProcessLookupError, PermissionError):
        return False
    except FileNotFoundError:
        # Gone meanwhile; or there is no /proc here, and the lock alone tells.
        return False


def _is_serving(running: Running, kubectl: Path) -> bool:
    command = [
        str(kubectl),
        f"--kubeconfig={running.kubeconfig}",
        "--request-timeout=5s",
        "get",
        "--raw=/readyz",
    ]
    return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0


def _spawn(state: Path, *, controllers: bool) -> Running:
    command = [sys.executable, "-m", "control_plane", "serve", "--state", str(state)]
    source_root = Path(__file__).parents[1]
    environ = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(source_root), os.environ.get("PYTHONPATH", "")]),
    }
    with (state / _LOG).open("wb") as log:
        process = subprocess.Popen(
            [*command, *(["--controllers"] if controllers else [])],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        return _wait_for_record(state, process)
    except BaseException:
        process.terminate()
        raise


def _wait_for_record(state: Path, process: subprocess.Popen[bytes]) -> Running:
    def is_decided() -> bool:
        # Until the new process has taken the folder, the record of one that was killed may still lie there.
        return process.poll() is not None or _recorded_pid(state) == process.pid

    if _wait_until(is_decided, _START_SECONDS) and process.poll() is None:
        # It lives on after this process: nobody will ask for its exit code.
        process.returncode = 0
        return _read_record(state)
    log = (state / _LOG).read_text(errors="replace").strip()
    raise ControlPlaneError(f"the control plane did not start; {state / _LOG} says:\n{log}")


def _recorded_pid(state: Path) -> int | None:
    with suppress(FileNotFoundError, ValueError, TypeError):
        return _read_record(state).pid
    return None


def _read_record(state: Path) -> Running:
    return Running(**json.loads(record_file(state).read_text()))


def _write_record(path: Path, running: Running) -> None:
    partial = path.with_name(f".{path.name}")
    partial.write_text(json.dumps(asdict(running), indent=2) + "\n")
    partial.replace(path)


@contextmanager
def _one_command_at_a_time(state: Path) -> Iterator[None]:
    state.mkdir(parents=True, exist_ok=True)
    with (state / "control-plane.command.lock").open("w") as handle, exclusive(handle):
        yield


def _wait_until(is_done: Callable[[], bool], seconds: float, poll: float = 0.05) -> bool:
    deadline = time.monotonic() + seconds
    while not (done := is_done()) and time.monotonic() < deadline:
        time.sleep(poll)
    return done
