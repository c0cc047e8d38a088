"""The console script as a whole."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from classifier_operator import __version__
from classifier_operator.cli import COMMANDS, main
from tests.cli.demos import ROOT


def test_help_names_every_command() -> None:
    output = CliRunner().invoke(main, ["--help"]).output
    assert [name for name in COMMANDS if f"\n  {name} " not in output] == []


def test_the_version_is_the_package_s() -> None:
    assert CliRunner().invoke(main, ["--version"]).output.split()[-1] == __version__


@pytest.mark.parametrize("command", COMMANDS)
def test_help_loads_nothing_heavy(command: str) -> None:
    heavy = ["boto3", "kubernetes", "moto", "numpy", "rich", "sklearn", "PIL", "kopf"]
    program = (
        "import sys; from classifier_operator.cli import main\n"
        f"try: main(['{command}', '--help'])\n"
        f"except SystemExit: print('loaded:', [name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(ROOT / "operator")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "loaded: []"


@pytest.mark.parametrize(
    ("arguments", "package"),
    [
        (["demo"], "rich"),
        (["emulator"], "flask"),
        (["dataset", "a", "b"], "PIL"),
        (["dataset", "--digits", "out"], "sklearn"),
        (["demo"], "sklearn"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_a_missing_extra_says_what_to_install(arguments: list[str], package: str) -> None:
    # A process of its own: this one has the packages loaded.
    program = (
        "import sys, importlib.abc\n"
        "class Missing(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        f"        if name.split('.')[0] == '{package}': raise ModuleNotFoundError(name=name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "from classifier_operator.cli import main\n"
        f"main({arguments!r})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(ROOT / "operator")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"needs the package {package}" in done.stderr
    assert "pip install 'classifier-operator[emulator]'" in done.stderr
