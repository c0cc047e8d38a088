"""Child processes end when told to, and when their parent is gone in whatever way; tried on cheap commands."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from control_plane import ControlPlaneError
from control_plane import processes as product
from control_plane.processes import ChildProcess
from tests.control_plane.processes import eventually, mentioning

SOURCE_ROOT = Path(product.__file__).parents[1]
PARENT = """
import sys, pathlib
from control_plane.processes import ChildProcess
folder = pathlib.Path(sys.argv[1])
child = ChildProcess("sleep", ["sh", "-c", "sleep 300 # " + str(folder)], folder / "log", remove=folder / "state")
print("started", flush=True)
{then}
"""


def start(folder: Path, script: str = "sleep 300") -> ChildProcess:
    return ChildProcess("child", ["sh", "-c", f"{script} # {folder}"], folder / "log")


@pytest.fixture
def child(tmp_path: Path) -> Iterator[ChildProcess]:
    child = start(tmp_path)
    assert eventually(lambda: len(mentioning(tmp_path)) == 2)
    yield child
    child.kill()


@pytest.mark.parametrize("end", [ChildProcess.stop, ChildProcess.kill], ids=["stop", "kill"])
def test_ends_when_told_to(child: ChildProcess, tmp_path: Path, end):
    end(child)
    assert not child.is_running()
    assert mentioning(tmp_path) == []


def test_a_stubborn_process_is_killed(tmp_path: Path):
    child = start(tmp_path, "trap '' TERM; while true; do sleep 0.1; done")
    assert eventually(lambda: len(mentioning(tmp_path)) == 2)
    child.stop(grace=0.2)
    assert mentioning(tmp_path) == []


def test_dies_with_its_guardian(child: ChildProcess, tmp_path: Path):
    os.kill(min(mentioning(tmp_path)), signal.SIGKILL)
    assert eventually(lambda: mentioning(tmp_path) == [])


def test_outlives_the_thread_that_started_it(tmp_path: Path):
    children: list[ChildProcess] = []
    thread = threading.Thread(target=lambda: children.append(start(tmp_path)))
    thread.start()
    thread.join()
    assert eventually(lambda: len(mentioning(tmp_path)) == 2)
    assert children[0].is_running()
    children[0].kill()


def test_is_deaf_to_a_ctrl_c_meant_for_its_parent(child: ChildProcess, tmp_path: Path):
    assert {os.getsid(pid) for pid in mentioning(tmp_path)} == {min(mentioning(tmp_path))}


def run_parent(folder: Path, then: str) -> subprocess.Popen[str]:
    (folder / "state").mkdir()
    environ = {**os.environ, "PYTHONPATH": str(SOURCE_ROOT)}
    command = [sys.executable, "-c", PARENT.format(then=then), str(folder)]
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


@pytest.mark.parametrize(
    "then",
    [
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
        "import os; os._exit(0)",
        "import ctypes; ctypes.string_at(0)",
        "raise SystemExit",
    ],
    ids=["SIGKILL", "SIGTERM", "exit without clean-up", "segmentation fault", "exit"],
)
def test_ends_and_tidies_up_when_its_parent_is_gone(tmp_path: Path, then: str):
    with run_parent(tmp_path, then) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "started\n"
    assert eventually(lambda: mentioning(tmp_path) == [])
    assert not (tmp_path / "state").exists()


def test_one_that_ends_at_its_start_shows_the_end_of_its_log(tmp_path: Path):
    child = start(tmp_path, "echo no such flag; exit 2")
    with pytest.raises(ControlPlaneError, match=r"(?s)child ended at its start.*log:\nno such flag"):
        child.wait_until(lambda: False, timeout=10)
    child.kill()


def test_one_that_is_never_ready_shows_the_end_of_its_log(child: ChildProcess):
    times = iter(range(100))
    with pytest.raises(ControlPlaneError, match="was not ready within 5 s"):
        child.wait_until(lambda: False, timeout=5, clock=lambda: next(times), sleep=lambda _: None)
