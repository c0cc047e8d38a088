"""Owns the prebuilt tools that controller-runtime's envtest uses: the index, the download, its checksum.

All of it may be unreachable: each way to fail is a PrebuiltError, within seconds where nothing answers.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import tarfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import requests
import yaml

from control_plane.catalog import parse_version
from control_plane.errors import ToolError

INDEX_VARIABLE: Final = "CLASSIFIER_OPERATOR_ENVTEST_INDEX"
PUBLIC_INDEX: Final = "https://raw.githubusercontent.com/kubernetes-sigs/controller-tools/HEAD/envtest-releases.yaml"

_CONNECT_SECONDS: Final = 3.0
_READ_SECONDS: Final = 30.0
# Name look-ups have no time-out of their own, and each address of a host gets the connect time-out anew.
_ANSWER_SECONDS: Final = 6.0
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}


_T = TypeVar("_T")


class PrebuiltError(ToolError):
    """The prebuilt tools cannot be had: not reachable, not listed, or not what the index promises."""


@dataclass(frozen=True)
class Archive:
    """One archive of the index: Kubernetes version, address, and the SHA-512 it must have."""

    version: str
    address: str
    sha512: str


def index_address(environ: Mapping[str, str]) -> str:
    """Return the address of the index: the setting if given (empty: do not ask), else the public one."""
    return environ.get(INDEX_VARIABLE, PUBLIC_INDEX)


def fetch(index: str, version: str, names: Iterable[str], into: Path) -> dict[str, Path]:
    """Download the archive for a Kubernetes version and unpack the named tools into a folder.

    Takes the same patch version if the index lists it, else the newest of that minor version.
    Returns the path of each tool found in the archive; raises PrebuiltError.
    """
    if not index:
        raise PrebuiltError(f"{INDEX_VARIABLE} is empty")
    archive = choose(_read_index(index), version)
    packed = into / "envtest.tar.gz"
    _download(archive, packed)
    try:
        return _unpack(packed, frozenset(names), into)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise PrebuiltError(f"{archive.address} cannot be unpacked: {error}") from error


def choose(index: object, version: str, system: str | None = None) -> Archive:
    """Return the archive to take from an index for a version like `v1.37.2`; raises PrebuiltError."""
    wanted = parse_version(version)
    listed = [item for item in _archives(index, system or _platform()) if _minor(item) == wanted[:2]]
    if not listed:
        raise PrebuiltError(f"the index lists no Kubernetes {wanted[0]}.{wanted[1]} for {system or _platform()}")
    return max(listed, key=lambda item: (item.version == version, parse_version(item.version)))


def _minor(archive: Archive) -> tuple[int, ...]:
    return parse_version(archive.version)[:2]


def _platform() -> str:
    machine = platform.machine().lower()
    return f"{platform.system().lower()}-{_ARCHITECTURES.get(machine, machine)}"


def _archives(index: object, system: str) -> Iterator[Archive]:
    releases = index.get("releases") if isinstance(index, dict) else None
    if not isinstance(releases, dict):
        raise PrebuiltError("the index has no releases")
    for version, files in releases.items():
        file = files.get(f"envtest-{version}-{system}.tar.gz") if isinstance(files, dict) else None
        if isinstance(file, dict) and "selfLink" in file and "hash" in file:
            yield Archive(str(version), str(file["selfLink"]), str(file["hash"]))


def _read_index(address: str) -> object:
    def read() -> str:
        response = requests.get(address, timeout=(_CONNECT_SECONDS, _CONNECT_SECONDS))
        response.raise_for_status()
        return response.text

    try:
        return yaml.safe_load(_answer(address, read))
    except yaml.YAMLError as error:
        raise PrebuiltError(f"{address} is not YAML: {error}") from error


def _download(archive: Archive, target: Path) -> None:
    def connect() -> requests.Response:
        return requests.get(archive.address, timeout=(_CONNECT_SECONDS, _READ_SECONDS), stream=True)

    digest = hashlib.sha512()
    try:
        with _answer(archive.address, connect) as response, target.open("wb") as file:
            response.raise_for_status()
            for chunk in response.iter_content(1 << 20):
                digest.update(chunk)
                file.write(chunk)
    except requests.RequestException as error:
        raise PrebuiltError(f"{archive.address}: {_reason(error)}") from error
    if digest.hexdigest() != archive.sha512:
        raise PrebuiltError(f"{archive.address} does not have the SHA-512 that the index gives; not used")


def _answer(address: str, ask: Callable[[], _T]) -> _T:
    """Call `ask` in a thread that is left behind when the time is over."""
    answers: list[_T] = []
    errors: list[requests.RequestException] = []

    def run() -> None:
        try:
            answers.append(ask())
        except requests.RequestException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(_ANSWER_SECONDS)
    if answers:
        return answers[0]
    reason = _reason(errors[0]) if errors else f"no answer in {_ANSWER_SECONDS:.0f} s"
    raise PrebuiltError(f"{address}: {reason}")


def _reason(error: requests.RequestException) -> str:
    # The text of a connection error is a chain of library internals.
    return "cannot connect" if isinstance(error, requests.ConnectionError) else str(error)


def _unpack(packed: Path, names: frozenset[str], into: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    with tarfile.open(packed) as archive:
        for member in archive:
            name = Path(member.name).name
            source = archive.extractfile(member) if member.isfile() and name in names else None
            if source is not None:
                # Written by its bare name: a member's path cannot lead out of the folder.
                found[name] = into / name
                with source, found[name].open("wb") as file:
                    shutil.copyfileobj(source, file)
    return found
