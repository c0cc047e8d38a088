"""The site, built once."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from control_plane import ControlPlane
from tests.docs.pages import Page, build


@dataclass(frozen=True)
class Site:
    """The built site."""

    folder: Path
    done: subprocess.CompletedProcess[str]
    pages: dict[Path, Page]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("site")
    done = build(folder)
    return Site(folder, done, {path: Page.read(path) for path in sorted(folder.rglob("*.html"))})


@pytest.fixture(scope="session")
def explained(installed: ControlPlane) -> ControlPlane:
    """The control plane once it explains both kinds: their schemas are published a moment after they are served."""
    deadline = time.monotonic() + 60
    for kind in ("classifiertraining", "classifierendpoint"):
        while installed.kubectl("explain", f"{kind}.spec", check=False).returncode:
            assert time.monotonic() < deadline, kind
            time.sleep(0.2)
    return installed
