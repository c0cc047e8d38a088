"""The package's README: its programs run, its tables are complete."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import sagemaker_emulator
from sagemaker_emulator.control_api import ControlApi
from sagemaker_emulator.server import Emulator

README = (Path(sagemaker_emulator.__path__[0]) / "README.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("program", PROGRAMS, ids=["in-process", "own-process"])
def test_program_runs(program: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr


def test_control_api_is_documented(running_emulator: Emulator) -> None:
    documented = set(re.findall(r"`(GET|POST|PATCH|DELETE) (/[^`]*)`", README))
    routes: Any = ControlApi(running_emulator.application).routes
    assert documented == {(method, without_groups(path.pattern)) for method, path, _ in routes}


def without_groups(pattern: str) -> str:
    """A route's expression as the README writes it."""
    path = pattern.removeprefix("/_emulator").removesuffix("?")
    named = path.replace("([^/]+)", "{kind}", 1) if path.count("([^/]+)") == 2 else path
    return named.replace("([^/]+)", "{name}")


def test_settings_named_are_there(running_emulator: Emulator) -> None:
    settings = running_emulator.application.world.settings.to_dict()
    for name in re.findall(r"^\| `([a-z_.]+)`", README, re.MULTILINE):
        section, _, member = name.partition(".")
        assert section in settings
        assert not member or member in settings[section]
