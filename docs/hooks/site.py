"""mkdocs calls these: fill in what is generated, and fail on a line that nothing answers to."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# The pages are built from a checkout, where the packages need not be installed.
sys.path[:0] = [str(ROOT / "operator"), str(ROOT)]

from docs.hooks import charts, fields, links, options, reasons  # noqa: E402 - the path comes first

_LINE = re.compile(r"^<!-- generated: (\w+)(?: (\w+))? -->$", re.MULTILINE)

_PARTS: dict[str, Callable[..., str]] = {
    "fields": fields.fields,
    "columns": fields.columns,
    "selectors": fields.selectors,
    "reasons": reasons.reasons,
    "refusals": reasons.refusals,
    "options": options.options,
    "commands": options.commands,
}


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """The page with its generated parts, and without links that lead out of the site."""
    whole = _LINE.sub(lambda found: _part(*found.groups()), markdown)
    whole = charts.led_in(whole, page.file.src_uri)
    return links.led_out(whole, page.file.src_uri, config.repo_url or "")


def on_files(files: Any, *, config: Any, **_: Any) -> Any:
    """The pages, and the charts that they show."""
    return charts.with_charts(files, config)


def _part(name: str, argument: str | None) -> str:
    return _PARTS[name](*([argument] if argument else []))
