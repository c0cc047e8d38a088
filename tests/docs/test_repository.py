"""Links between the files of the repository, on a Git host: from each README and page, to a file that is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_FOLDERS = ("bench", "charts", "crds", "docs", "manifests", "operator", "tests", "tools")


def _documents() -> list[Path]:
    own = sorted(ROOT.glob("*.md"))
    return own + [path for folder in _FOLDERS for path in sorted((ROOT / folder).rglob("*.md"))]


@pytest.mark.parametrize("path", _documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_link_leads_to_a_file(path: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", _FENCE.sub("", path.read_text(encoding="utf-8")))
    targets = [target.partition("#")[0] for target in _LINK.findall(text) if "://" not in target]
    assert [target for target in targets if target and not (path.parent / target).exists()] == []
