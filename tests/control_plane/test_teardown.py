"""A control plane leaves neither a process nor a folder behind, however the program that runs it ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import control_plane
from control_plane import ControlPlane, ControlPlaneError, guardian
from tests.control_plane.processes import mentioning

PROGRAM = """
import time
from control_plane import ControlPlane
with ControlPlane.start() as plane:
    print(plane.folder, flush=True)
    time.sleep(300)
"""


def run_program(temporary: Path) -> subprocess.Popen[str]:
    source_root = Path(control_plane.__file__).parents[1]
    environ = {**os.environ, "PYTHONPATH": str(source_root), "TMPDIR": str(temporary)}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def test_nothing_is_left_after_a_ctrl_c(tmp_path: Path):
    with run_program(tmp_path) as program:
        assert program.stdout is not None
        folder = program.stdout.readline().strip()
        assert len(mentioning(folder)) == 4  # etcd, kube-apiserver, and the guardian of each
        program.send_signal(signal.SIGINT)
    assert mentioning(folder) == []
    assert list(tmp_path.iterdir()) == []


def test_a_start_that_fails_shows_the_log_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assets = tmp_path / "assets"
    assets.mkdir()
    for name in ("etcd", "kube-apiserver", "kubectl"):
        (assets / name).write_text("#!/bin/sh\necho this is not a server\nexit 1\n")
        (assets / name).chmod(0o755)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    with pytest.raises(ControlPlaneError, match=r"(?s)etcd ended at its start.*this is not a server"):
        ControlPlane.start(tmp_path / "state")
    assert mentioning(tmp_path / "state") == []
    assert not (tmp_path / "state" / "control-plane" / "pki").exists()


def test_a_folder_that_others_still_write_to_is_removed_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who writes there has lost the same parent, and ends a little later on a busy machine."""
    folder = tmp_path / "folder"
    folder.mkdir()
    late = [folder / "operator.log", folder / "audit.log"]
    remove = shutil.rmtree

    def remove_and_lose(path: str, *, ignore_errors: bool) -> None:
        remove(path, ignore_errors=ignore_errors)
        if late:
            folder.mkdir()
            late.pop().touch()

    monkeypatch.setattr("control_plane.guardian.shutil.rmtree", remove_and_lose)
    guardian._remove(str(folder))
    assert not folder.exists()
