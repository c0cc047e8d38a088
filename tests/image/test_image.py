"""What is in the image, and that it is the same each time."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from control_plane.catalog import REPOSITORY
from tests.image.conftest import TAG
from tests.image.workshop import BASE_IMAGE, Container, Workshop

# Of the first test in a process: it builds the image, and once on a machine its base.
pytestmark = pytest.mark.timeout(900)

HOME = "opt/classifier-operator"


@pytest.fixture(scope="module")
def container(workshop: Workshop) -> Iterator[Container]:
    """A container of the image."""
    with workshop.container(TAG) as container:
        yield container


@pytest.fixture(scope="module")
def config(workshop: Workshop) -> dict[str, Any]:
    """The image's own settings."""
    found: dict[str, Any] = workshop.inspect(TAG)["OCIv1"]["config"]
    return found


def test_the_same_source_gives_the_same_image(workshop: Workshop, tmp_path: Path) -> None:
    elsewhere = tmp_path / "checkout"
    elsewhere.mkdir()
    for name in ("Dockerfile", "LICENSE", "README.md", "pyproject.toml", "requirements.txt", "requirements-build.txt"):
        shutil.copy(REPOSITORY / name, elsewhere)
    # Other modification times than the checkout's, and none of what has been compiled there.
    shutil.copytree(REPOSITORY / "operator", elsewhere / "operator", copy_function=shutil.copyfile)
    again = workshop.build("localhost/classifier-operator:again", elsewhere)
    assert again == workshop.inspect(TAG)["FromImageID"]


def test_it_is_not_root_and_starts_the_operator(config: dict[str, Any]) -> None:
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["classifier-operator"]
    assert config["Cmd"] == ["run"]
    assert list(config["ExposedPorts"]) == ["8080/tcp"]


def test_it_says_what_it_is(config: dict[str, Any], container: Container) -> None:
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert labels["title"] == "classifier-operator"
    assert labels["licenses"] == "Apache-2.0"
    assert labels["base.name"] == BASE_IMAGE
    assert labels["version"] in container.output("classifier-operator", "--version")


def test_its_requirements_are_the_locked_ones(container: Container) -> None:
    lines = re.findall(r"^([a-z0-9._-]+==[^ \\]+)", (REPOSITORY / "requirements.txt").read_text(), re.MULTILINE)
    installed = {f"{name}=={version}" for name, version in _components(container).items()}
    assert installed <= set(lines)
    assert {"boto3", "kopf", "kubernetes", "numpy", "pyyaml"} <= _components(container).keys()


def test_the_bill_of_materials_lists_what_is_installed(container: Container) -> None:
    folders = (container.root / HOME).glob("lib/python3*/site-packages/*.dist-info")
    installed = {_canonical(folder.name.split("-")[0]) for folder in folders}
    assert installed - {"classifier-operator"} == _components(container).keys() - {"classifier-operator"}
    assert _bill(container)["metadata"]["component"]["name"] == "classifier-operator"


def test_it_has_nothing_to_build_or_install_with(container: Container) -> None:
    assert not _components(container).keys() & {"pip", "setuptools", "hatchling", "pytest", "moto"}


def test_everything_belongs_to_root_and_nothing_is_writable_by_others(container: Container) -> None:
    paths = [container.root / HOME, *(container.root / HOME).rglob("*")]
    wrong = [path for path in paths if not path.is_symlink() and (path.stat().st_uid or path.stat().st_mode & 0o6022)]
    assert wrong == []


def test_what_is_imported_is_compiled_already(container: Container) -> None:
    seen = container.output("python3", "-v", "-c", "import classifier_operator.app").splitlines()
    assert not [line for line in seen if "code object from" in line and "site-packages" in line and ".py'" in line]


def _bill(container: Container) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((container.root / HOME / "sbom.cdx.json").read_text())
    return found


def _components(container: Container) -> dict[str, str]:
    return {_canonical(one["name"]): one["version"] for one in _bill(container)["components"]}


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
