"""What kubectl is asked again for, by a kubectl that a test writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from control_plane.errors import KubectlError
from control_plane.kubectl import Kubectl

# As it was printed by kubectl 1.37 for a CRD that had been applied a moment before.
RACE = "error: .status.conditions accessor error: <nil> is of the type <nil>, expected []interface{}"


def kubectl(folder: Path, *answers: tuple[str, int]) -> Kubectl:
    """One that fails with these words and codes in turn, and then succeeds."""
    path, count = folder / "kubectl", folder / "count"
    cases = "\n".join(f"{number}) echo '{words}' >&2; exit {code};;" for number, (words, code) in enumerate(answers))
    path.write_text(f"#!/bin/sh\nn=$(wc -l < {count})\necho >> {count}\ncase $n in\n{cases}\nesac\n")
    path.chmod(0o755)
    count.touch()
    return Kubectl(path, folder / "kubeconfig", folder / "cache")


def test_a_wait_that_was_too_early_is_repeated(tmp_path: Path) -> None:
    done = kubectl(tmp_path, (RACE, 1), (RACE, 1)).run(["wait"], text=None, check=True, timeout=10)
    assert done.returncode == 0
    assert (tmp_path / "count").read_text().count("\n") == 3


def test_another_failure_is_not(tmp_path: Path) -> None:
    with pytest.raises(KubectlError, match="no matches"):
        kubectl(tmp_path, ("error: no matches", 1)).run(["wait"], text=None, check=True, timeout=10)
    assert (tmp_path / "count").read_text().count("\n") == 1
