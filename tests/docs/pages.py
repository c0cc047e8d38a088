"""Owns the documentation's pages as the tests read them: as they are written, and as the site has them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
DOCS: Final = ROOT / "docs"

_SNIPPET = re.compile(r'^(?P<indent> *)--8<-- "(?P<path>[^"]+)"$', re.MULTILINE)
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: its language, its text, and the number of the line on which it begins."""

    page: str
    line: int
    language: str
    text: str

    @property
    def title(self) -> str:
        return f"{self.page}:{self.line}"


@cache
def pages() -> dict[str, str]:
    """The pages' sources by their paths below docs/; included files are in place."""
    return {
        str(path.relative_to(DOCS)): _SNIPPET.sub(_included, path.read_text(encoding="utf-8"))
        for path in sorted(DOCS.rglob("*.md"))
        if "hooks" not in path.parts
    }


@cache
def blocks(language: str) -> tuple[Block, ...]:
    """All blocks in a language."""
    return tuple(one for page, text in pages().items() for one in blocks_of(page, text) if one.language == language)


def blocks_of(page: str, text: str) -> list[Block]:
    return [
        Block(page, text.count("\n", 0, one.start()) + 1, one["language"], _outdented(one["text"], len(one["indent"])))
        for one in _FENCE.finditer(text)
    ]


def commands(text: str) -> list[list[str]]:
    """The command lines of a block of shell, as words; comments and continuations are dealt with."""
    joined = text.replace("\\\n", " ")
    lines = (shlex.split(line, comments=True) for line in joined.splitlines() if not line.startswith("#"))
    return [words for words in lines if words]


def code_in(text: str) -> list[str]:
    """What is written as code in running text and tables."""
    return _CODE.findall(_FENCE.sub("", text))


def manifests(text: str) -> list[dict[str, Any]]:
    """The objects in a block of YAML."""
    return [one for one in yaml.safe_load_all(text) if isinstance(one, dict)]


def build(folder: Path, root: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Build the site as `make docs` does."""
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=root,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )


@dataclass
class Page(HTMLParser):
    """What a page of the site refers to, and what in it can be referred to."""

    links: list[str] = field(default_factory=list)
    assets: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    @classmethod
    def read(cls, path: Path) -> Page:
        page = cls()
        page.feed(path.read_text(encoding="utf-8"))
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "link" and "href" in given:
            self.assets.append(given["href"])
        self.assets += [given[name] for name in ("src", "srcset", "poster", "data") if name in given and tag != "a"]


def _included(found: re.Match[str]) -> str:
    text = (ROOT / found["path"]).read_text(encoding="utf-8").rstrip("\n")
    return "\n".join(f"{found['indent']}{line}".rstrip() for line in text.splitlines())


def _outdented(text: str, width: int) -> str:
    return "".join(line[width:] if line.startswith(" " * width) else line for line in text.splitlines(keepends=True))
