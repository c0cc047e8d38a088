"""The repository's own promises."""

from __future__ import annotations

import operator
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def test_the_source_root_is_no_package() -> None:
    assert not (ROOT / "operator" / "__init__.py").exists()


def test_the_standard_library_is_intact() -> None:
    assert operator.itemgetter(1)([1, 2]) == 2


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_requirements_are_hashed_and_name_no_index(name: str) -> None:
    text = (ROOT / name).read_text()
    pinned = re.findall(r"^[a-z0-9._-]+(?:\[[a-z,]+\])?==", text, re.MULTILINE)
    assert len(pinned) <= text.count("--hash=sha256:")
    assert "://" not in text


@pytest.mark.parametrize("name", [name for name in TRACKED if name.endswith(".md")])
def test_links_between_documents_lead_somewhere(name: str) -> None:
    page = ROOT / name
    links = re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_python_files_are_short() -> None:
    long = {name for name in TRACKED if name.startswith("operator/") and name.endswith(".py") and _lines(name) > 350}
    assert long == set()


def _lines(name: str) -> int:
    return len((ROOT / name).read_text().splitlines())
