"""Owns demos that run as processes of their own, in an environment that would lead them astray, and what they leave."""

from __future__ import annotations

import fcntl
import os
import pickle
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Whoever sends anything there gets no answer.
NOWHERE = "http://127.0.0.1:9"
MARK = "DEMO_OF_THE_TESTS"


@dataclass(frozen=True)
class Played:
    """A demo that is over: how it ended, what it wrote, and the processes and temporary files that it left.

    `cluster` is what it left in the user's cluster, if it was given one; `said` what commands said that were run
    while it was kept running.
    """

    code: int
    text: str
    processes: list[str]
    files: list[str]
    cluster: list[str] = field(default_factory=list)
    said: dict[str, subprocess.CompletedProcess[str]] = field(default_factory=dict)


class Demo:
    """A `classifier-operator demo` from its start on; all that it writes goes to one file."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        self._mark = uuid.uuid4().hex
        self._output = folder / "output.txt"
        self._began = time.monotonic()
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "classifier_operator", "demo", *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=self._environment(),
                cwd=ROOT,
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        """What it has written so far."""
        return self._output.read_text()

    def wait(self, seconds: float = 120) -> int:
        """Its exit code."""
        return self._process.wait(seconds)

    def wait_for(self, words: str, seconds: float = 90) -> None:
        """Return once it has written the words."""
        deadline = time.monotonic() + seconds
        while words not in self.text:
            assert self._process.poll() is None, self.text
            assert time.monotonic() < deadline, self.text
            time.sleep(0.1)

    def interrupt(self) -> None:
        """As Ctrl-C in its terminal, which reaches the whole foreground process group."""
        os.killpg(self._process.pid, signal.SIGINT)

    def kill(self) -> None:
        """As the kernel does when memory is short."""
        self._process.kill()

    def close(self) -> None:
        """End it, whatever it is doing."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def processes(self) -> list[str]:
        """The command lines of it and of all that it has started, by what they have inherited."""
        return [line for folder in Path("/proc").glob("[0-9]*") if (line := _command_line(folder, self._mark))]

    def _environment(self) -> dict[str, str]:
        astray = {"AWS_PROFILE": "nobody", "AWS_ENDPOINT_URL": NOWHERE, "KUBECONFIG": str(self.temporary / "none")}
        proxies = {"HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE, "CLASSIFIER_OPERATOR_RUN_REGION": "nowhere"}
        return {
            **os.environ,
            **astray,
            **proxies,
            "PYTHONPATH": str(ROOT / "operator"),
            "TMPDIR": str(self.temporary),
            MARK: self._mark,
        }


def _command_line(folder: Path, mark: str) -> str:
    """That of a process which has the mark in its environment."""
    try:
        if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes():
            return (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (OSError, UnicodeDecodeError):
        return ""
    return ""


def finish(demo: Demo, seconds: float = 120) -> Played:
    """Wait for a demo's end, and a little for that of all it has started."""
    code = demo.wait(seconds)
    deadline = time.monotonic() + 15
    while True:
        processes, files = demo.processes(), sorted(path.name for path in demo.temporary.iterdir())
        if not (processes or files) or time.monotonic() > deadline:
            return Played(code, demo.text, processes, files)
        time.sleep(0.1)


def play_once(folder: Path, play: Callable[[], Played]) -> Played:
    """What `play` gives, called by the first of the test run's processes that asks; the others wait for its answer."""
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = folder / "played.pickle"
        if not known.exists():
            known.write_bytes(pickle.dumps(play()))
        played: Played = pickle.loads(known.read_bytes())  # noqa: S301 - written by this test run
        return played
