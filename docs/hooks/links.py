"""Links that lead out of docs/ into the repository: right on a Git host; on the site the file's path, as text.

Where `repo_url` is configured the site links to the file there. One that does not exist is left for mkdocs to refuse.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?P<target>\.\.?/[^)\s#]+)(?:#[^)\s]*)?\)")


def led_out(markdown: str, page: str, repo_url: str = "") -> str:
    """The page, at `page` below docs/, with such links turned into what the site can show."""
    folder = posixpath.dirname(f"docs/{page}")

    def replaced(found: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(folder, found["target"]))
        if path == "docs" or path.startswith(("docs/", "..")) or not (ROOT / path).exists():
            return found[0]
        if repo_url:
            return f"[{found['text']}]({repo_url.rstrip('/')}/blob/main/{path})"
        is_named = path.rstrip("/").endswith(found["text"].strip("`").rstrip("/"))
        return f"`{path}`" if is_named else f"{found['text']} (`{path}`)"

    return _LINK.sub(replaced, markdown)
