"""The site builds strictly, needs nothing but its own files, and no link of it leads nowhere."""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from docs.hooks import fields

from classifier_operator.api.conditions import Reason
from tests.docs.conftest import Site
from tests.docs.pages import DOCS, ROOT, build

KINDS = ("ClassifierTraining", "ClassifierEndpoint")


def test_it_builds_strictly(site: Site) -> None:
    assert site.done.returncode == 0, site.done.stderr
    assert "WARNING" not in site.done.stderr
    assert (site.folder / "index.html").exists()


def test_a_page_that_is_not_in_the_navigation_is_an_error(tmp_path: Path) -> None:
    for folder in ("docs", "crds", "manifests", "bench"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    (tmp_path / "operator").symlink_to(ROOT / "operator")
    assert build(tmp_path / "site", tmp_path).returncode == 0
    (tmp_path / "docs" / "forgotten.md").write_text("# Forgotten\n")
    done = build(tmp_path / "site", tmp_path)
    assert done.returncode != 0
    assert "forgotten.md" in done.stderr


def test_every_asset_is_the_site_s_own(site: Site) -> None:
    elsewhere = {
        asset
        for page in site.pages.values()
        for asset in page.assets
        if urlsplit(asset).scheme not in ("", "data") or asset.startswith("//")
    }
    assert elsewhere == set()


def test_every_chart_is_there(site: Site) -> None:
    shown = {
        (path.parent / asset).resolve()
        for path, page in site.pages.items()
        for asset in page.assets
        if asset.endswith(".svg") and "bench/" in asset
    }
    assert {path.name for path in shown} == {path.name for path in (ROOT / "bench" / "results").glob("*.svg")}
    assert all(path.is_file() for path in shown)


def test_styles_load_nothing_from_elsewhere(site: Site) -> None:
    addresses = re.compile(r"url\(\s*[\"']?(?:https?:)?//|@import")
    assert [path for path in site.folder.rglob("*.css") if addresses.search(path.read_text(encoding="utf-8"))] == []


def test_every_link_leads_somewhere(site: Site) -> None:
    broken = [
        f"{path.relative_to(site.folder)}: {link}"
        for path, page in site.pages.items()
        if path.name != "404.html"  # its links are those of the site's root, wherever it is shown
        for link in page.links
        if not _resolves(site, path, link)
    ]
    assert broken == []


def test_no_source_of_ours_is_published(site: Site) -> None:
    assert list(site.folder.rglob("*.py")) == []
    assert not (site.folder / "hooks").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_in_the_reference(site: Site, kind: str) -> None:
    page = site.pages[site.folder / "reference" / f"{kind.lower()}.html"]
    schema = fields.schema_of(kind)
    paths = [one.path for part in ("spec", "status") for one in fields.fields_below(part, schema["properties"][part])]
    anchors = [re.sub(r"[^\w-]", "", path.lower()) for path in paths]
    assert len(paths) > 80
    assert set(anchors) <= page.anchors
    assert len(set(anchors)) == len(anchors)


@pytest.mark.parametrize("kind", KINDS)
def test_every_rule_and_description_is_in_the_reference(site: Site, kind: str) -> None:
    text = _text(site, f"reference/{kind.lower()}.html")
    rules = [one for key in ("message", "rule") for one in _values(fields.schema_of(kind), key)]
    descriptions = [
        one
        for part in ("spec", "status")
        for one in _values(fields.schema_of(kind)["properties"][part]["properties"], "description")
    ]
    assert len(rules) > 20
    missing = [one for one in [*rules, *descriptions] if _plain(one.replace("`", "")) not in text]
    # What an item of a list or a value of a map is in general, its fields say.
    assert [one for one in missing if one not in _of_items(fields.schema_of(kind))] == []


def test_every_reason_is_in_the_reference(site: Site) -> None:
    text = _text(site, "reference/reasons.html")
    assert [one for one in Reason if one not in text] == []


def test_generated_parts_are_generated(site: Site) -> None:
    left = [path.name for path in site.pages if "<!-- generated:" in path.read_text(encoding="utf-8")]
    assert left == []


def test_every_block_is_a_block(site: Site) -> None:
    """Python-Markdown wants four spaces in lists; with fewer, a fence is text."""
    marks = ("```", "--8<--", "--8&lt;--")
    assert [path.name for path in site.pages if any(one in path.read_text(encoding="utf-8") for one in marks)] == []


def test_the_decisions_are_all_there() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert [one.name for one in DOCS.glob("decisions/0*.md") if f"decisions/{one.name}" not in text] == []


def test_no_service_is_named_by_the_configuration() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert "http" not in text
    assert yaml.safe_load(text)["theme"]["font"] is False


def _resolves(site: Site, path: Path, link: str) -> bool:
    parts = urlsplit(link)
    if parts.scheme:
        return parts.scheme == "https"
    target = (path.parent / unquote(parts.path)).resolve() if parts.path not in ("", ".") else path
    target = target / "index.html" if target.is_dir() else target
    if not target.is_relative_to(site.folder.resolve()) or not target.exists():
        return False
    return not parts.fragment or target.suffix != ".html" or parts.fragment in site.pages[target].anchors


def _text(site: Site, page: str) -> str:
    text = (site.folder / page).read_text(encoding="utf-8")
    return _plain(re.sub(r"<[^>]+>", "", text))


def _plain(text: str) -> str:
    return " ".join(html.unescape(text).split())


def _values(node: object, key: str) -> list[str]:
    if isinstance(node, dict):
        own = [node[key]] if isinstance(node.get(key), str) else []
        return own + [one for below in node.values() for one in _values(below, key)]
    return [one for below in node for one in _values(below, key)] if isinstance(node, list) else []


def _of_items(node: object) -> list[str]:
    if not isinstance(node, dict):
        return []
    own = [
        below["description"]
        for name in ("items", "additionalProperties")
        if isinstance(below := node.get(name), dict) and "description" in below
    ]
    return own + [one for below in node.values() for one in _of_items(below)]
