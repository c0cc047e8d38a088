"""The tutorial's commands run in their order, on a real API server and the emulator, and print what the page shows."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from control_plane import ControlPlane, find_tools
from tests.docs.pages import ROOT, Block, blocks_of, pages

PAGE = "tutorial/digits.md"
ELSEWHERE = "<!-- in another terminal -->"
# What the page says that the reader waits for.
SAYS = re.compile(r'^When it says "([^"]+)", go on\.$')
# Emulated seconds in one: the page's twenty are for people, who want to see it.
SPEED = "60"


@dataclass
class Terminals:
    """The reader's terminals: one in which the commands follow each other, and those that a command keeps busy."""

    folder: Path
    port: int
    environment: dict[str, str]
    busy: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def run(self, block: Block) -> str:
        """What a block prints; what it exports stays."""
        kept = self.folder / "environment"
        script = f"set -euo pipefail\n{self._mine(block.text)}\nenv -0 > {kept}"
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=240
        )
        assert done.returncode == 0, f"{block.title}\n{done.stdout}\n{done.stderr}\n{self.said()}"
        pairs = (one.partition("=") for one in kept.read_text().split("\0") if one)
        self.environment = {name: value for name, _, value in pairs}
        return done.stdout

    def keep_busy(self, block: Block, words: str) -> None:
        """Start a block that does not end by itself; return when it has said the words."""
        path = self.folder / f"terminal-{len(self.busy)}"
        with path.open("wb") as output:
            self.busy.append(
                subprocess.Popen(
                    ["bash", "-c", self._mine(block.text)],
                    cwd=self.folder,
                    env=self.environment,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )
        deadline = time.monotonic() + 60
        while words not in path.read_text():
            assert self.busy[-1].poll() is None, path.read_text()
            assert time.monotonic() < deadline, path.read_text()
            time.sleep(0.1)

    def said(self) -> str:
        """The last words of the busy ones."""
        return "\n".join(path.read_text()[-3000:] for path in sorted(self.folder.glob("terminal-*")))

    def close(self) -> None:
        for process in reversed(self.busy):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.busy.clear()

    def _mine(self, text: str) -> str:
        return text.replace("4566", str(self.port)).replace("--speed 20", f"--speed {SPEED}")


@pytest.fixture
def terminals(cluster: ControlPlane, tmp_path: Path) -> Iterator[Terminals]:
    """A checkout in which nothing has been done; `cluster` is asked for because it has the tools built."""
    for name in ("Makefile", "crds", "manifests", "operator", ".venv", "requirements-dev.txt", "pyproject.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    tools = tmp_path / "tools-of-the-test"
    tools.mkdir()
    (tools / "kubectl").symlink_to(find_tools("kubectl")["kubectl"])
    # The environment is there already, and shall not be made again.
    make = tools / "make"
    make.write_text(f'#!/bin/sh\nexec {shutil.which("make")} --no-print-directory -o setup "$@"\n')
    make.chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "KUBE"))}
    environment = {
        **clean,
        "PATH": f"{tools}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "operator"),
        "KUBECACHEDIR": str(tmp_path / "kubectl"),
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "CLASSIFIER_OPERATOR_EMULATOR_PORT": str(port),
        "CLASSIFIER_OPERATOR_RUN_HEALTH_PORT": "0",
        "NO_PROXY": "127.0.0.1",
    }
    opened = Terminals(tmp_path, port, environment)
    try:
        yield opened
    finally:
        opened.close()
        subprocess.run([str(make), "cluster-down"], cwd=tmp_path, env=environment, check=False, capture_output=True)


@pytest.mark.timeout(600)
def test_the_tutorial_does_what_it_says(terminals: Terminals) -> None:
    differences = []
    text = pages()[PAGE]
    for block, shown in _steps(text):
        if _is_elsewhere(block, text):
            terminals.keep_busy(block, _awaited(block, text))
            continue
        printed = terminals.run(block)
        if shown is not None and _comparable(printed) != _comparable(shown.text):
            differences.append(f"{block.title} prints\n{printed}\nand the page shows\n{shown.text}")
    assert differences == [], "\n\n".join(differences) + terminals.said()


def _steps(text: str) -> Iterator[tuple[Block, Block | None]]:
    """Each block of shell, with the output that is shown right behind it."""
    found = blocks_of(PAGE, text)
    for block, following in zip(found, [*found[1:], None], strict=True):
        if block.language == "sh":
            is_output = following is not None and following.language == "text" and following.line == _end(block) + 2
            yield block, following if is_output else None


def _is_elsewhere(block: Block, text: str) -> bool:
    return text.splitlines()[block.line - 2] == ELSEWHERE


def _awaited(block: Block, text: str) -> str:
    """The words that the page says to wait for, right behind the block."""
    found = SAYS.match(text.splitlines()[_end(block) + 1])
    return found[1] if found else ""


def _end(block: Block) -> int:
    """The number of its last line."""
    return block.line + block.text.count("\n") + 1


def _comparable(text: str) -> list[str]:
    """Without what differs from one run to the next: hashes in names, ages, times and fractions."""
    text = re.sub(r"-[0-9a-f]{8}\b", "-HASH", text)
    text = re.sub(r"\[\d\d/\d\d/\d{4} \d\d:\d\d:\d\d INFO \d+\]", "[TIME INFO THREAD]", text)
    text = re.sub(r"\b(\d+[smh])+\b", "AGE", text)
    text = re.sub(r"\b\d\.\d+\b", "FRACTION", text)
    return [" ".join(line.split()) for line in text.strip().splitlines()]
