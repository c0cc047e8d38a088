"""The measurements run: with a few objects whose jobs take seconds, which says nothing of the figures' sizes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from control_plane.catalog import REPOSITORY


def run(module: str, *arguments: str) -> str:
    done = started(module, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def started(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *arguments]
    environment = {**os.environ, "PYTHONPATH": "operator:."}
    return subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=250, check=False
    )


@pytest.mark.usefixtures("cluster")  # its tools are found, or built, before the time counts
@pytest.mark.parametrize("program", ["", "-poller"], ids=["operator", "poller"])
def test_trainings_and_endpoints(program: str, tmp_path: Path) -> None:
    names = [f"trainings{program}", f"endpoints{program}"]
    run("bench.scale", "--only", ",".join(names), "--scale", "0.01", "--pace", "0.02", "--results", str(tmp_path))
    found = json.loads((tmp_path / "scale.json").read_text())
    assert [name for name in found["sections"] if name != "lists"] == names
    assert list(found["origins"]) == names
    assert all(found["sections"][name]["AWS calls per object"] >= 2 for name in names)
    assert found["missed"] == []  # nothing is judged
    page = (tmp_path / "scale.md").read_text()
    assert page.startswith("| what | must reach |")
    run("bench.scale", "--render", "--scale", "0.01", "--pace", "0.02", "--results", str(tmp_path))
    assert ((tmp_path / "scale.md").read_text(), json.loads((tmp_path / "scale.json").read_text())) == (page, found)


@pytest.mark.usefixtures("cluster")
def test_the_population(tmp_path: Path) -> None:
    run(
        "bench.scale", "--only", "emulator,population", "--scale", "0.002", "--pace", "0.02", "--results", str(tmp_path)
    )
    found = json.loads((tmp_path / "scale.json").read_text())["sections"]
    assert found["growth-10000"]["objects"] == 20
    assert found["restart"]["AWS writes"] == 0
    assert found["change"]["changes"] == 10
    assert found["among-many"]["others"] == 20
    assert found["lists"]["List calls a second, most"] >= found["restart"]["List calls a second, most"]


def test_the_soak(tmp_path: Path) -> None:
    run("bench.scale.soak", "--minutes", "0.15", "--population", "3", "--results", str(tmp_path))
    found = json.loads((tmp_path / "soak.json").read_text())
    assert found["unforeseen errors"] == 0
    assert found["left over"] == []
    assert "all of them settled, and nothing left over at AWS." in (tmp_path / "soak.md").read_text()
    assert set(found["verdicts"]) == {"memory MB", "file handles", "tasks", "threads"}
    drawn = (tmp_path / "soak.svg").read_text()
    run("bench.scale.soak", "--render", "--results", str(tmp_path))
    assert ((tmp_path / "soak.svg").read_text(), json.loads((tmp_path / "soak.json").read_text())) == (drawn, found)


def test_a_measurement_that_there_is_not() -> None:
    done = started("bench.scale", "--only", "dreams")
    assert (done.returncode, "there is no dreams" in done.stderr) == (2, True)
