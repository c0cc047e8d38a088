"""Charts of the measurements: they lie where the measurements put them, and are part of the site."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
FOLDER = "bench/results"

_IMAGE = re.compile(r"(?P<text>!\[[^\]]*\])\((?P<target>\.\./[^)\s]+\.svg)\)")


def with_charts(files: Files, config: Any) -> Files:
    """The site's files, with the charts among them at the same path as in the repository."""
    for path in sorted((ROOT / FOLDER).glob("*.svg")):
        files.append(File.generated(config, f"{FOLDER}/{path.name}", abs_src_path=str(path)))
    return files


def led_in(markdown: str, page: str) -> str:
    """The page, at `page` below docs/, whose charts are looked for in the site instead of in the repository."""
    folder = posixpath.dirname(page)

    def replaced(found: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", folder, found["target"]))
        if not path.startswith(f"{FOLDER}/"):
            return found[0]
        return f"{found['text']}({posixpath.relpath(path, folder or '.')})"

    return _IMAGE.sub(replaced, markdown)
