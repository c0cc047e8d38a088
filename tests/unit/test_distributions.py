"""The content of the two wheels; the operator runs from its own with nothing beside its requirements."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest

from classifier_operator.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
OPERATOR, EMULATOR = ROOT, ROOT / "operator" / "sagemaker_emulator"
SECONDS = 120


def project(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    return found


def build(source: Path, folder: Path) -> Path:
    """The wheel of a project."""
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--no-index"]
    command = [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(folder), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Path]:
    """The wheels by the folder of their project."""
    return {source: build(source, tmp_path_factory.mktemp("wheel")) for source in (OPERATOR, EMULATOR)}


def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as file:
        return [name for name in file.namelist() if ".dist-info/" not in name]


def test_the_operators_wheel_has_the_operator_alone(wheels: Mapping[Path, Path]) -> None:
    found = names(wheels[OPERATOR])
    assert {name.split("/")[0] for name in found} == {"classifier_operator"}
    modules = {
        str(path.relative_to(ROOT / "operator")) for path in (ROOT / "operator/classifier_operator").rglob("*.py")
    }
    assert modules - set(found) == {name for name in modules if name.startswith("classifier_operator/demo/")}


def test_the_emulators_wheel_has_no_names_that_others_would_use(wheels: Mapping[Path, Path]) -> None:
    """`control_plane` is what anybody's package could be called: it is in neither."""
    found = names(wheels[EMULATOR])
    assert {name.split("/")[0] for name in found} == {"sagemaker_emulator", "image_recordio"}
    for package in ("sagemaker_emulator", "image_recordio"):
        modules = {str(path.relative_to(ROOT / "operator")) for path in (ROOT / "operator" / package).rglob("*.py")}
        assert modules - set(found) == set()


def test_no_wheel_has_what_was_compiled_here(wheels: Mapping[Path, Path]) -> None:
    assert [name for wheel in wheels.values() for name in names(wheel) if "__pycache__" in name or ".pyc" in name] == []


def test_the_extra_is_the_emulators_distribution_of_the_same_version() -> None:
    ours, theirs = project(OPERATOR), project(EMULATOR)
    assert ours["optional-dependencies"]["emulator"] == [f"{theirs['name']}=={theirs['version']}"]
    assert ours["version"] == theirs["version"]


def test_the_operator_requires_nothing_that_only_the_emulator_needs() -> None:
    ours = {re.split(r"[\[>=<]", one)[0] for one in project(OPERATOR)["dependencies"]}
    assert not ours & {"numpy", "pillow", "scikit-learn", "flask", "moto", "rich", "cryptography"}


class Installation:
    """An environment with the distributions of a requirements file, linked from this one, and with wheels."""

    def __init__(self, folder: Path, requirements: Path, *wheels: Path) -> None:
        venv.create(folder, with_pip=False, symlinks=True)
        self.folder = folder
        (self._site,) = folder.glob("lib/python3*/site-packages")
        for name in re.findall(r"^([a-z0-9._-]+)(?:\[.*\])?==", requirements.read_text(), re.MULTILINE):
            try:
                self._link(distribution(name))
            except PackageNotFoundError:
                # Another system's, or another version of Python's.
                continue
        for wheel in wheels:
            self._install(wheel)

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment, elsewhere, knowing nothing of this checkout."""
        variables = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "AWS_", "KUBE"))
        }
        return subprocess.run(
            [str(self.folder / "bin" / arguments[0]), *arguments[1:]],
            cwd=self.folder,
            env={**variables, "HOME": str(self.folder), **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )

    def _link(self, found: Distribution) -> None:
        for name in {file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "__pycache__")}:
            target = Path(str(found.locate_file(name)))
            if target.exists() and not (self._site / name).exists():
                (self._site / name).symlink_to(target)

    def _install(self, wheel: Path) -> None:
        python = str(self.folder / "bin" / "python")
        options = ["--quiet", "--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check"]
        command = [sys.executable, "-m", "pip", "--python", python, "install", *options, str(wheel)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def alone(wheels: Mapping[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The operator with its requirements, as the image has them."""
    return Installation(tmp_path_factory.mktemp("alone"), ROOT / "requirements.txt", wheels[OPERATOR])


IMPORT_ALL = """
import importlib, pkgutil, sys, classifier_operator
for module in pkgutil.walk_packages(classifier_operator.__path__, "classifier_operator."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
        print(module.name)
others = {"control_plane", "image_recordio", "sagemaker_emulator", "numpy", "PIL", "moto", "sklearn", "rich"}
sys.exit(", ".join(others & sys.modules.keys()) or 0)
"""


def test_every_module_is_imported_without_the_others(alone: Installation) -> None:
    done = alone.run("python", "-c", IMPORT_ALL)
    assert done.returncode == 0, done.stderr
    assert {"classifier_operator.app", "classifier_operator.cli.demo"} <= set(done.stdout.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_there(alone: Installation, command: str) -> None:
    done = alone.run("classifier-operator", command, "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Usage: classifier-operator {command}")


def test_both_scripts_are_there(alone: Installation) -> None:
    version = project(OPERATOR)["version"]
    for script in ("classifier-operator", "kubectl-classifier"):
        assert alone.run(script, "--version").stdout.split()[-1] == version


@pytest.mark.parametrize(
    "arguments",
    [
        ("check",),
        ("predict", "digits", "x.png"),
        ("logs", "digits"),
        ("run", "--health-port", "0", "--log-format", "text"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_commands_get_as_far_as_the_cluster(alone: Installation, arguments: tuple[str, ...]) -> None:
    """There is none: they say so, and miss no package."""
    (alone.folder / "x.png").write_bytes(b"\x89PNG\r\n\x1a\nx")
    (alone.folder / "kubeconfig").write_text("{}")
    done = alone.run("classifier-operator", *arguments, environment={"KUBECONFIG": str(alone.folder / "kubeconfig")})
    assert done.returncode != 0
    assert "ModuleNotFoundError" not in done.stderr
    assert "kube" in done.stderr.lower()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("demo",), "run `make demo` in a checkout"),
        (("emulator",), "pip install 'classifier-operator[emulator]'"),
        (("dataset", "folder", "out"), "pip install 'classifier-operator[emulator]'"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_what_is_not_installed_is_said_to_be_elsewhere(
    alone: Installation, arguments: tuple[str, ...], words: str
) -> None:
    done = alone.run("classifier-operator", *arguments)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


EMULATE = """
import sys
from classifier_operator.cli import emulator
from sagemaker_emulator.server import Emulator
with Emulator(speed=0) as stand_in:
    print(emulator.usage(stand_in.url))
"""


def test_the_extra_brings_the_emulator_and_data(wheels: Mapping[Path, Path], tmp_path: Path) -> None:
    both = Installation(tmp_path / "both", ROOT / "requirements-dev.txt", wheels[OPERATOR], wheels[EMULATOR])
    done = both.run("python", "-c", EMULATE)
    assert done.returncode == 0, done.stderr
    assert "The stand-in for AWS listens at http://127.0.0.1:" in done.stdout
    done = both.run("classifier-operator", "dataset", "--digits", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "train" / "train.rec").is_file()
    done = both.run("classifier-operator", "demo")
    assert "run `make demo` in a checkout" in done.stderr


def test_the_scripts_are_the_operators_alone(wheels: Mapping[Path, Path]) -> None:
    with zipfile.ZipFile(wheels[EMULATOR]) as file:
        assert [name for name in file.namelist() if name.endswith("entry_points.txt")] == []
    with zipfile.ZipFile(wheels[OPERATOR]) as file:
        (name,) = [name for name in file.namelist() if name.endswith("entry_points.txt")]
        parsed = configparser.ConfigParser()
        parsed.read_string(file.read(name).decode())
    assert dict(parsed["console_scripts"]) == project(OPERATOR)["scripts"]
