"""The ledger names each resource once, oldest first."""

from __future__ import annotations

from classifier_operator.api.ledger import Place, Resource, ResourceType, entry_of, with_resources, without

HERE, THERE = Place("us-east-1"), Place("us-east-1", "arn:role")
FIRST = Resource(HERE, ResourceType.MODEL, "a")
SECOND = Resource(HERE, ResourceType.ENDPOINT, "a")
ELSEWHERE = Resource(THERE, ResourceType.MODEL, "a")


def test_an_entry_is_its_resource() -> None:
    assert entry_of(ELSEWHERE).resource == ELSEWHERE


def test_nothing_is_named_twice() -> None:
    ledger = with_resources([], [FIRST, SECOND, FIRST])
    assert [entry.resource for entry in with_resources(ledger, [SECOND, ELSEWHERE])] == [FIRST, SECOND, ELSEWHERE]


def test_what_is_gone_is_dropped_by_type_and_place() -> None:
    ledger = with_resources([], [FIRST, SECOND, ELSEWHERE])
    assert [entry.resource for entry in without(ledger, [FIRST])] == [SECOND, ELSEWHERE]
