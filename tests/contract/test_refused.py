"""What the API server refuses, with the field's path and the reason in words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.api_server import ApiServer
from tests.contract.manifests import BASES, PLURALS
from tests.contract.paths import patched, without_indices
from tests.contract.refusals import REFUSALS, Refusal
from tests.contract.schemas import nodes

ROWS = [pytest.param(row, id=f"{row.base}-{row.name}") for table in REFUSALS.values() for row in table]


@pytest.mark.parametrize("row", ROWS)
def test_refused(api: ApiServer, row: Refusal) -> None:
    answer = api.try_create(patched(BASES[row.base], row.changes))

    assert {cause.field for cause in answer.causes} == {row.field}
    assert any(row.message in cause.message for cause in answer.causes)


@pytest.mark.parametrize("kind", PLURALS)
def test_every_rule_has_a_row_that_breaks_it(kind: str) -> None:
    broken = {(without_indices(row.field), row.message) for row in REFUSALS[kind]}

    assert set(_rules(kind)) <= broken


def _rules(kind: str) -> Iterator[tuple[str, str]]:
    """Yield the field and the message of each rule of a kind."""
    for path, node in nodes(kind):
        for rule in node.get("x-kubernetes-validations", []):
            yield path + rule.get("fieldPath", ""), rule["message"]
