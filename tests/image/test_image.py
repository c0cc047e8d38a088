"""What is in the image, and that it is the same each time."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from control_plane.catalog import REPOSITORY
from tests.image.conftest import TAG
from tests.image.workshop import BASE_IMAGE, Container, Release, Workshop

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


def test_the_same_source_gives_the_same_image(workshop: Workshop, released: Release, tmp_path: Path) -> None:
    """So whoever has the record of a release can see that it is what it says."""
    elsewhere = tmp_path / "checkout"
    elsewhere.mkdir()
    for name in ("Dockerfile", "LICENSE", "README.md", "pyproject.toml", "requirements.txt", "requirements-build.txt"):
        shutil.copy(REPOSITORY / name, elsewhere)
    # Other modification times than the checkout's, and none of what has been compiled there.
    operator = Path("operator", "classifier_operator")
    shutil.copytree(REPOSITORY / operator, elsewhere / operator, copy_function=shutil.copyfile)
    arguments = [
        f"BASE_IMAGE={pinned(released)}",
        f"BASE_NAME={released['base']['name']}",
        f"BASE_DIGEST={released['base']['digest']}",
        f"VERSION={released['version']}",
        f"REVISION={released['revision']}",
    ]
    again = workshop.build("localhost/classifier-operator:again", elsewhere, arguments)
    assert again == workshop.inspect(TAG)["FromImageID"]


def pinned(released: Release) -> str:
    """The base by its digest."""
    return f"{BASE_IMAGE.rpartition(':')[0]}@{released['base']['digest']}"


def test_the_base_is_recorded_by_its_digest(
    workshop: Workshop, released: Release, config: dict[str, Any], container: Container
) -> None:
    digest = workshop.inspect(BASE_IMAGE)["FromImageDigest"]
    assert released["base"] == {"name": BASE_IMAGE, "digest": digest}
    names = ("org.opencontainers.image.base.name", "org.opencontainers.image.base.digest")
    assert [config["Labels"][name] for name in names] == [BASE_IMAGE, digest]
    properties = {one["name"]: one["value"] for one in _bill(container)["metadata"]["properties"]}
    assert [properties[name] for name in names] == [BASE_IMAGE, digest]
    assert workshop.inspect(pinned(released))["FromImageID"] == workshop.inspect(BASE_IMAGE)["FromImageID"]


def test_it_is_not_root_and_starts_the_operator(config: dict[str, Any]) -> None:
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["classifier-operator"]
    assert config["Cmd"] == ["run"]
    assert list(config["ExposedPorts"]) == ["8080/tcp"]


def test_it_says_what_it_is(config: dict[str, Any], container: Container) -> None:
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert labels["title"] == "classifier-operator"
    assert labels["licenses"] == "Apache-2.0"
    assert labels["revision"] == "test"
    assert labels["version"] in container.output("classifier-operator", "--version")


def test_its_requirements_are_the_locked_ones(container: Container) -> None:
    lines = re.findall(r"^([a-z0-9._-]+==[^ \\]+)", (REPOSITORY / "requirements.txt").read_text(), re.MULTILINE)
    installed = {f"{name}=={version}" for name, version in _components(container).items()}
    assert installed <= set(lines)
    assert {"boto3", "kopf", "kubernetes", "pyyaml"} <= _components(container).keys()


def test_the_bill_of_materials_lists_what_is_installed(container: Container) -> None:
    folders = (container.root / HOME).glob("lib/python3*/site-packages/*.dist-info")
    installed = {_canonical(folder.name.split("-")[0]) for folder in folders}
    assert installed - {"classifier-operator"} == _components(container).keys() - {"classifier-operator"}
    assert _bill(container)["metadata"]["component"]["name"] == "classifier-operator"


def test_it_has_nothing_to_build_or_install_with(container: Container) -> None:
    assert not _components(container).keys() & {"pip", "setuptools", "hatchling", "pytest", "moto", "numpy"}


def test_the_operator_is_alone(container: Container) -> None:
    """Neither the stand-in for AWS, the control plane of the tests nor the demo: nothing of them runs in a cluster."""
    (site,) = (container.root / HOME).glob("lib/python3*/site-packages")
    (record,) = site.glob("classifier_operator-*.dist-info/RECORD")
    installed = {Path(line.split(",")[0]).parts[0] for line in record.read_text().splitlines()}
    assert installed == {"classifier_operator", record.parent.name, ".."}
    for name in ("sagemaker_emulator", "control_plane", "image_recordio", "classifier_operator/demo"):
        assert not (site / name).exists()
    owned = {part for path in site.glob("*.dist-info/RECORD") for part in _tops(path)}
    assert {path.name for path in site.iterdir()} <= owned | {"__pycache__"}


def _tops(record: Path) -> set[str]:
    """The names at the top of site-packages that a distribution has, and its own metadata."""
    return {Path(line.split(",")[0]).parts[0] for line in record.read_text().splitlines()} | {record.parent.name}


def test_nothing_gives_more_rights_than_its_user_has(container: Container) -> None:
    paths = [Path(folder, name) for folder, _, names in os.walk(container.root) for name in names]
    wrong = [path for path in paths if not path.is_symlink() and path.is_file() and path.stat().st_mode & 0o6000]
    assert wrong == []


def test_no_cache_and_nothing_of_the_build_is_left(container: Container) -> None:
    left = [name for name in ("build", "root/.cache", "tmp/pip") if (container.root / name).exists()]
    assert left == []
    # The settings of pip that the test lends to the build; buildah may leave an empty file where they were mounted.
    settings = container.root / "etc" / "pip.conf"
    assert not settings.exists() or settings.read_bytes() == b""
    assert [path.name for path in (container.root / "opt").iterdir()] == ["classifier-operator"]


def test_it_runs_as_any_user_of_the_group_root(container: Container) -> None:
    """As OpenShift starts it: no entry in /etc/passwd, and no home."""
    user = "1000660000:0"
    assert container.output("id", "-u", user=user).strip() == "1000660000"
    assert "1000660000" not in (container.root / "etc" / "passwd").read_text()
    assert "classifier-operator, version" in container.output("classifier-operator", "--version", user=user)
    assert "--leader-elect" in container.output("classifier-operator", "run", "--help", user=user)


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
