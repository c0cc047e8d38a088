"""What the API server refuses, with the field's path and the reason in words."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes.client import ApiException

from tests.contract.api_server import ApiServer
from tests.contract.manifests import BASES, PLURALS
from tests.contract.paths import patched, without_indices
from tests.contract.refusals import REFUSALS, Refusal
from tests.contract.refusals.serving import VPC
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
            # A rule about a map's values names the key in brackets, as one about items does the index.
            yield path.replace("{}", "[]") + rule.get("fieldPath", ""), rule["message"]


@pytest.mark.parametrize(
    ("base", "changes", "message"),
    [
        pytest.param("serverless", {"spec.network": VPC}, "in no VPC", id="B23-serverless-in-a-VPC"),
        pytest.param("variants", {"spec.variants[champion].weight": 0.8}, "write 8 and 2", id="B47-weight"),
        pytest.param("endpoint", {"spec.instanceCount": 0}, "set spec.suspend: true", id="A18-count"),
        pytest.param("endpoint", {"spec.region": "us-east1"}, "such as us-east-1", id="A17-region"),
        pytest.param("endpoint", {"spec.instanceType": "m5.large"}, "such as ml.m5.large", id="A17-instanceType"),
    ],
)
def test_an_edit_is_refused_like_a_new_object(api: ApiServer, base: str, changes: dict[str, Any], message: str) -> None:
    kept = patched(BASES[base], {"metadata.name": f"edited-{secrets.token_hex(4)}"})
    api.create(kept)

    with pytest.raises(ApiException, match=message):
        api.apply(patched(kept, changes))
