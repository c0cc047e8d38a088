#!/usr/bin/env python3
"""Build the image to be released on a base that is pinned by its digest, which the registry tells.

    python3 tools/release_image.py --base docker.io/library/python:3.13-slim --tag registry.example/operator:0.1.0

What it was built from is recorded in the image's labels, in its bill of materials, and in a file beside the release
(build/release/image.json). Options after `--` go to the builder.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DEFAULT_BASE = "docker.io/library/python:3.13-slim"
RECORD = ROOT / "build" / "release" / "image.json"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# What follows a name: a tag, a digest, or both.
_VERSION = re.compile(r"(:[\w.-]+)?(@sha256:[0-9a-f]+)?\Z")


class ReleaseError(Exception):
    """The image is not released; the message says why."""


@dataclass(frozen=True)
class Tool:
    """A builder of images: buildah, podman or docker, with the options that each of its commands gets."""

    command: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return the name of its program."""
        return Path(self.command[0]).name

    def run(self, *arguments: str) -> str:
        """Return what it prints. Raises ReleaseError with the end of its error message."""
        try:
            done = subprocess.run([*self.command, *arguments], capture_output=True, text=True, check=False)
        except OSError as error:
            raise ReleaseError(f"{self.name}: {error.strerror}") from error
        if done.returncode:
            raise ReleaseError(f"{self.name} {arguments[0]}: {done.stderr.strip()[-2000:]}")
        return done.stdout.strip()

    def digest_of(self, image: str, *, is_local: bool = False) -> str:
        """Return the digest that the registry has for an image now; of a local image, the one here.

        Raises ReleaseError where there is none.
        """
        if not is_local:
            self.run("pull", *(("--policy", "always") if self.name == "buildah" else ()), image)
        if self.name == "buildah":
            return _digest_in(self.run("inspect", "--type", "image", "--format", "{{.FromImageDigest}}", image), image)
        digests = self.run("image", "inspect", "--format", "{{range .RepoDigests}}{{println .}}{{end}}", image)
        return _digest_in(next(iter(digests.split()), ""), image)

    def build(self, tag: str, arguments: Sequence[str], options: Sequence[str]) -> None:
        """Build the Dockerfile of this checkout, with all time stamps 0 where the builder can do it."""
        stamps = ("--timestamp", "0") if self.name in ("buildah", "podman") else ()
        given = [f"--build-arg={argument}" for argument in arguments]
        self.run("build", "--no-cache", *stamps, *options, *given, "--tag", tag, str(ROOT))

    def push(self, tag: str) -> str:
        """Push the image, and return its digest in the registry."""
        if self.name == "docker":
            self.run("push", tag)
            digests = self.run("image", "inspect", "--format", "{{range .RepoDigests}}{{println .}}{{end}}", tag)
            return _digest_in(next(iter(digests.split()), ""), tag)
        with tempfile.NamedTemporaryFile() as file:
            self.run("push", "--digestfile", file.name, tag)
            return _digest_in(Path(file.name).read_text(), tag)


def release(
    tool: Tool,
    *,
    base: str,
    tag: str,
    revision: str,
    push: bool,
    options: Sequence[str] = (),
    is_local_base: bool = False,
) -> dict[str, object]:
    """Build the image, push it on request, and return what it was built from, as it is recorded."""
    digest = tool.digest_of(base, is_local=is_local_base)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    arguments = [
        f"BASE_IMAGE={_VERSION.sub('', base)}@{digest}",
        f"BASE_NAME={base}",
        f"BASE_DIGEST={digest}",
        f"VERSION={version}",
        f"REVISION={revision}",
    ]
    tool.build(tag, arguments, options)
    return {
        "image": {"name": tag, "digest": tool.push(tag) if push else None},
        "version": version,
        "revision": revision,
        "base": {"name": base, "digest": digest},
        "builder": tool.run("--version"),
    }


def clean_revision(root: Path = ROOT) -> str:
    """Return the commit that is checked out. Raises ReleaseError if anything is not committed."""
    command = ["git", "-C", str(root)]
    changed = subprocess.run([*command, "status", "--porcelain"], capture_output=True, text=True, check=True).stdout
    if changed:
        raise ReleaseError(f"a release is made of what is committed, and this is not:\n{changed}")
    return subprocess.run([*command, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()


def _digest_in(text: str, image: str) -> str:
    found = _DIGEST.search(text)
    if found is None:
        raise ReleaseError(f"no digest of {image} is known: it is in no registry, or not pulled from there")
    return found[0]


def main(arguments: Sequence[str]) -> int:
    """Release the image, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", default="buildah", help="builder, with its own options: buildah, podman or docker")
    parser.add_argument("--base", default=DEFAULT_BASE, help="name and tag of the base; its digest is asked for")
    parser.add_argument("--local-base", action="store_true", help="the base is on this machine only, as in tests")
    parser.add_argument("--tag", required=True, help="name of the image")
    parser.add_argument("--revision", default="", help="commit that the image is made of [the one checked out]")
    parser.add_argument("--push", action="store_true", help="push it, and record the digest that it has there")
    parser.add_argument("--record", type=Path, default=RECORD, help="file to write")
    parser.add_argument("options", nargs="*", help="options of the builder, after --")
    given = parser.parse_args(arguments)
    try:
        record = release(
            Tool(tuple(shlex.split(given.tool))),
            base=given.base,
            tag=given.tag,
            revision=given.revision or clean_revision(),
            push=given.push,
            options=given.options,
            is_local_base=given.local_base,
        )
    except ReleaseError as error:
        print(error, file=sys.stderr)
        return 1
    given.record.parent.mkdir(parents=True, exist_ok=True)
    given.record.write_text(json.dumps(record, indent=2) + "\n")
    print(f"{record['image']} on {record['base']}: {given.record}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
