"""The site, built once."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

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
