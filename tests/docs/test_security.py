"""Each statement of the security page names a test that exists."""

from __future__ import annotations

import ast
import re

import pytest

from tests.docs.pages import DOCS, ROOT

PAGE = DOCS / "operations" / "security.md"
_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def _statements() -> list[str]:
    """The items of the page's lists, each on one line."""
    text = re.sub(r"\n {2,}(?=\S)", " ", PAGE.read_text(encoding="utf-8"))
    return [line.removeprefix("- ") for line in text.splitlines() if line.startswith("- ")]


@pytest.mark.parametrize("statement", _statements())
def test_a_statement_names_the_test_that_holds_it(statement: str) -> None:
    named = _TEST.findall(statement)
    assert named, f"no test is named: {statement}"
    for path, function in named:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        functions = {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert not function or function in functions, f"{path} has no {function}"
