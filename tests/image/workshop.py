"""Builds and runs the image by buildah, on a base made by debootstrap: no registry and no daemon is needed.

Both come from Debian's packages and are installed where they are missing. Everything that is built stays below one
folder, apart from the images of whoever runs the tests.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from control_plane.cache import cache_root
from control_plane.catalog import REPOSITORY

SUITE = "bookworm"
BASE_IMAGE = f"localhost/debian-python:{SUITE}"
# What `python:slim` has and the smallest Debian lacks.
BASE_PACKAGES = ("ca-certificates", "python3", "python3-venv")
CERTIFICATES = Path("/etc/ssl/certs")
SECONDS = 840
Release = dict[str, Any]


class Workshop:
    """A folder of images and containers."""

    def __init__(self, folder: Path) -> None:
        install("buildah", "debootstrap")
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def buildah(self, *arguments: str) -> str:
        """Run buildah; its output."""
        return run(*self.command(*arguments))

    def command(self, *arguments: str) -> list[str]:
        """The command line of buildah on this folder's images."""
        places = ["--root", str(self.folder / "images"), "--runroot", str(self.folder / "run")]
        return ["buildah", *places, "--storage-driver", "vfs", *arguments]

    def has(self, tag: str) -> bool:
        """Whether there is an image of that name."""
        return tag in self.buildah("images", "--format", "{{.Name}}:{{.Tag}}").split()

    def base(self) -> None:
        """Make the base image, if it is not there."""
        if self.has(BASE_IMAGE):
            return
        (self.folder / "Base").write_text("FROM scratch\nADD base.tar /\nENV PATH=/usr/sbin:/usr/bin:/sbin:/bin\n")
        shutil.copy(base_archive(), self.folder / "base.tar")
        file, context = str(self.folder / "Base"), str(self.folder)
        self.buildah("bud", "--isolation", "chroot", "--timestamp", "0", "-t", BASE_IMAGE, "-f", file, context)

    def release(self, tag: str) -> Release:
        """Build the image as it is released (tools/release_image.py), on the base of the tests."""
        self.base()
        record = self.folder / "image.json"
        command = [sys.executable, str(REPOSITORY / "tools" / "release_image.py"), "--tool", shlex.join(self.command())]
        command += ["--base", BASE_IMAGE, "--local-base", "--tag", tag, "--revision", "test", "--record", str(record)]
        run(*command, "--", *self._options())
        found: Release = json.loads(record.read_text())
        return found

    def build(self, tag: str, source: Path = REPOSITORY, arguments: Sequence[str] = ()) -> str:
        """Build the Dockerfile of a checkout anew; the image's ID, which is the hash of all that is in it."""
        self.base()
        given = arguments or (f"BASE_IMAGE={BASE_IMAGE}",)
        options = ["--no-cache", "--timestamp", "0", *(f"--build-arg={one}" for one in given)]
        self.buildah("bud", *options, *self._options(), "-t", tag, str(source))
        return str(self.inspect(tag)["FromImageID"])

    def _options(self) -> list[str]:
        """What a build needs here: no root, and whoever stands between this machine and the packages."""
        trusted = f"{CERTIFICATES}:{CERTIFICATES}:ro"
        options = ["--isolation", "chroot", "--network", "host", "--volume", trusted]
        return [*options, "--volume", f"{self._pip_settings()}:/etc/pip.conf:ro"]

    def inspect(self, tag: str) -> dict[str, Any]:
        """What buildah tells of an image."""
        found: dict[str, Any] = json.loads(self.buildah("inspect", "--type", "image", tag))
        return found

    def size(self, tag: str) -> int:
        """Bytes of all layers, uncompressed."""
        return sum(one.stat().st_size for one in self._files(tag))

    def _files(self, tag: str) -> Iterator[Path]:
        with self.container(tag) as container:
            for folder, _, names in os.walk(container.root):
                yield from (path for name in names if not (path := Path(folder, name)).is_symlink() and path.is_file())

    @contextmanager
    def container(self, tag: str) -> Iterator[Container]:
        """A container of the image, thrown away in the end."""
        name = self.buildah("from", "--pull-never", tag).strip()
        try:
            yield Container(self, name, Path(self.buildah("mount", name).strip()))
        finally:
            self.buildah("rm", name)

    def _pip_settings(self) -> Path:
        """The machine's own settings of pip, as a file for the build: where packages come from is the machine's."""
        path = self.folder / "pip.conf"
        lines = [f"{name} = {value}" for name, value in _pip_settings().items()]
        path.write_text("\n".join(["[global]", f"cert = {CERTIFICATES}/ca-certificates.crt", *lines, ""]))
        return path


@dataclass(frozen=True)
class Container:
    """A container that can run commands. `root` is its root file system."""

    workshop: Workshop
    name: str
    root: Path

    def output(self, *command: str, user: str = "") -> str:
        """What a command prints, run as the image says, or as another user (`uid:gid`)."""
        return run(*self._command(command, [f"--user={user}"] if user else []))

    @contextmanager
    def running(
        self, *command: str, environment: Mapping[str, str], volumes: Mapping[Path, str], log: IO[bytes], user: str = ""
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A command that runs on while the block does, as the image's user or as another one (`uid:gid`)."""
        options = [f"--env={name}={value}" for name, value in environment.items()]
        options += [f"--user={user}"] if user else []
        options += [f"--volume={source}:{target}:ro" for source, target in volumes.items()]
        process = subprocess.Popen(self._command(command, options), stdout=log, stderr=log)
        try:
            yield process
        finally:
            if process.poll() is None:
                terminate(process)

    def _command(self, command: Sequence[str], options: Sequence[str] = ()) -> list[str]:
        return self.workshop.command("run", "--isolation", "chroot", *options, self.name, "--", *command)


def terminate(process: subprocess.Popen[bytes]) -> int:
    """Send SIGTERM to the container's own process, as a kubelet does; the exit code of what ran it.

    buildah's isolation by chroot passes no signals on, so the innermost of its children is looked for.
    """
    innermost = process.pid
    while child := _first_child(innermost):
        innermost = child
    os.kill(innermost, signal.SIGTERM)
    try:
        return process.wait(60)
    except subprocess.TimeoutExpired:
        os.kill(innermost, signal.SIGKILL)
        raise


def _first_child(pid: int) -> int:
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        if children := path.read_text().split():
            return int(children[0])
    return 0


def base_archive() -> Path:
    """A small Debian with Python as a tar archive, kept for later: making it takes a minute or two."""
    folder = cache_root(os.environ) / "images"
    archive = folder / f"debian-{SUITE}-{'-'.join(BASE_PACKAGES)}.tar"
    if archive.is_file():
        return archive
    folder.mkdir(parents=True, exist_ok=True)
    root = folder / f"{SUITE}.{os.getpid()}"
    try:
        options = ["--variant=minbase", f"--include={','.join(BASE_PACKAGES)}"]
        run(*_as_root(), "debootstrap", *options, SUITE, str(root), *_mirror())
        partial = archive.with_name(f".{archive.name}.{os.getpid()}")
        left_out = ["--exclude=./var/cache/apt/archives/*.deb", "--exclude=./var/lib/apt/lists/*", "--exclude=./dev/*"]
        run(*_as_root(), "tar", "-C", str(root), *left_out, "-cf", str(partial), ".")
        return partial.replace(archive)
    finally:
        run(*_as_root(), "rm", "-rf", "--one-file-system", str(root))


def install(*packages: str) -> None:
    """Install what is missing from the machine's own Debian packages."""
    missing = [name for name in packages if shutil.which(name) is None]
    if missing:
        environment = {"DEBIAN_FRONTEND": "noninteractive"}
        run(*_as_root(), "apt-get", "update", "--quiet", environment=environment)
        options = ["--yes", "--quiet", "--no-install-recommends"]
        run(*_as_root(), "apt-get", "install", *options, *missing, environment=environment)


def _as_root() -> list[str]:
    return [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]


def _mirror() -> list[str]:
    """Where this machine's own packages come from, when it is a Debian of the same suite."""
    line = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    answer = subprocess.run(
        ["apt-get", "indextargets", "--format", line, "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
    )
    found = (target.split() for target in answer.stdout.splitlines())
    return next(([uri] for uri, release, component in found if (release, component) == (SUITE, "main")), [])


def _pip_settings() -> dict[str, str]:
    """The settings of pip that say where packages come from."""
    listed = run("python3", "-m", "pip", "config", "list")
    pairs = (line.partition("=") for line in listed.splitlines())
    settings = {name.rpartition(".")[2]: value.strip("'") for name, _, value in pairs}
    wanted = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout")
    return {name: value for name, value in settings.items() if name in wanted}


def run(*command: str, environment: Mapping[str, str] | None = None) -> str:
    """A command's output; raises AssertionError with the end of all it said."""
    done = subprocess.run(
        command, env={**os.environ, **(environment or {})}, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def wait_until_healthy(port: int, process: subprocess.Popen[bytes], log: Path, seconds: float = 60.0) -> float:
    """Wait for /healthz; the seconds it took."""
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        assert process.poll() is None, f"it ended with {process.returncode}:\n{log.read_text()[-3000:]}"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
                if answer.status == 200:
                    return time.monotonic() - began
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"it is not healthy after {seconds} s:\n{log.read_text()[-3000:]}")
