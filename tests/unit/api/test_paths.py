"""Paths of the Kubernetes API: a segment stays a segment, and nothing but `api/paths.py` makes them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier_operator.api.paths import PathError, below, path_of

SOURCE = Path(__file__).resolve().parents[3] / "operator"
PACKAGES = [SOURCE / "classifier_operator", SOURCE / "control_plane"]
MAKER = SOURCE / "classifier_operator" / "api" / "paths.py"
# Words of a path of the API, beside a slash.
_PATH = re.compile(r"/(api|apis|namespaces)(/|$)|(^|/)(apis?|namespaces|configmaps|leases|events|status)/")


def test_segments_are_joined() -> None:
    path = path_of("api", "v1", "namespaces", "vision")
    assert path == "/api/v1/namespaces/vision"
    assert below(path, "configmaps", "labels") == "/api/v1/namespaces/vision/configmaps/labels"


@pytest.mark.parametrize("segment", ["", ".", "..", "/", "a/b", "../x", "%", "%2e%2e", "..%2fx", "\ud800"])
def test_what_is_no_segment_is_refused(segment: str) -> None:
    with pytest.raises(PathError, match=re.escape(repr(segment))):
        path_of("api", segment)


@given(st.text(st.characters(exclude_characters="/%", codec="utf-8")).filter(lambda text: text not in ("", ".", "..")))
def test_a_segment_stays_one_whatever_is_in_it(segment: str) -> None:
    path = path_of("api", segment, "end")
    first, middle, last = path.removeprefix("/").split("/")
    assert (first, unquote(middle), last) == ("api", segment, "end")
    # Nothing that a client, a proxy or a server takes for the end of a path, or of a line, and nothing to resolve.
    assert re.fullmatch(r"([A-Za-z0-9._~-]|%[0-9A-F]{2})+", middle)
    assert middle not in (".", "..")


def test_nothing_else_makes_a_path() -> None:
    """By the syntax tree: neither f-strings, nor `+`, `%`, `.format` and `.join` with the words of a path."""
    files = [file for package in PACKAGES for file in sorted(package.rglob("*.py")) if file != MAKER]
    assert len(files) > 100
    assert [found for file in files for found in _made_in(file)] == []


@pytest.mark.parametrize(
    "made",
    [
        'f"/api/v1/namespaces/{name}"',
        'f"{root}/configmaps/{name}"',
        '"/apis/" + group',
        'path + "/status/x"',
        '"/api/v1/namespaces/%s" % name',
        '"/api/v1/namespaces/{}".format(name)',
        '"/".join(("/api", name))',
        'ApiPath("/api")',
    ],
)
def test_a_path_that_is_made_otherwise_is_found(made: str, tmp_path: Path) -> None:
    file = tmp_path / "made.py"
    file.write_text(f"def request(root, path, group, name, ApiPath):\n    return {made}\n")
    assert [line for line, _ in _made_in(file)] == ["made.py:2"]


def _made_in(file: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.expr) and (_is_cast(node) or any(map(_PATH.search, _texts(node)))):
            yield f"{file.name}:{node.lineno}", ast.unparse(node)


def _is_cast(node: ast.expr) -> bool:
    """What sends a request takes an ApiPath, which mypy checks: the type has one maker."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ApiPath"


def _texts(node: ast.expr) -> Iterator[str]:
    """The constant parts of what a text is made from."""
    parts: list[ast.expr] = []
    if isinstance(node, ast.JoinedStr):
        parts = node.values
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod | ast.Div):
        parts = [node.left, node.right]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("format", "join"):
        parts = [node.func.value, *(one for given in node.args for one in ast.walk(given) if isinstance(one, ast.expr))]
    yield from (one.value for one in parts if isinstance(one, ast.Constant) and isinstance(one.value, str))
