"""What a namespace's annotations say, when they are read, and whom a change concerns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.unit.fakes import FakeCluster, Points

from classifier_operator.reconcile.decision import Defaults
from classifier_operator.runtime.namespaces import NamespaceDefaults
from classifier_operator.runtime.ports import ClusterUnavailableError, GoneError

PREFIX = "classifiers.sagemaker.dev"
OWN = Defaults(region="us-east-1", role_arn="own-role", deletion_policy="Stop")


class Namespaces(FakeCluster):
    """Counts what is read; fails on request."""

    def __init__(self) -> None:
        super().__init__(Points())
        self.reads: list[str] = []
        self.failure: Exception | None = None

    async def read_namespace(self, name: str) -> dict[str, Any]:
        self.reads.append(name)
        if self.failure is not None:
            raise self.failure
        return await super().read_namespace(name)

    async def list_namespaces(self) -> AsyncIterator[dict[str, Any]]:
        if self.failure is not None:
            raise self.failure
        async for one in super().list_namespaces():
            yield one


@pytest.fixture
def cluster() -> Namespaces:
    cluster = Namespaces()
    cluster.namespaces = {"vision": {}, "audio": {}}
    return cluster


@pytest.fixture
def defaults(cluster: Namespaces) -> NamespaceDefaults:
    return NamespaceDefaults(cluster, OWN)


def annotate(cluster: Namespaces, namespace: str, **annotations: str) -> None:
    cluster.namespaces[namespace] = {f"{PREFIX}/{name.replace('_', '-')}": it for name, it in annotations.items()}


async def test_annotations_go_over_the_operators_settings(cluster: Namespaces, defaults: NamespaceDefaults) -> None:
    annotate(cluster, "vision", region="eu-west-1", assume_role_arn="role")
    expected = Defaults(region="eu-west-1", role_arn="own-role", assume_role_arn="role", deletion_policy="Stop")
    assert await defaults.of("vision") == expected
    assert await defaults.of("audio") == OWN


async def test_a_namespace_is_read_once(cluster: Namespaces, defaults: NamespaceDefaults) -> None:
    await defaults.of("vision")
    await defaults.of("vision")
    assert cluster.reads == ["vision"]


async def test_what_was_just_made_reads_it_again(cluster: Namespaces, defaults: NamespaceDefaults) -> None:
    await defaults.of("vision")
    annotate(cluster, "vision", region="eu-west-1")
    assert (await defaults.of("vision", afresh=True)).region == "eu-west-1"


FAILURES = [ClusterUnavailableError("HTTP 403"), GoneError("vision")]


@pytest.mark.parametrize("failure", FAILURES)
async def test_nothing_is_guessed_of_a_namespace_that_cannot_be_read(
    cluster: Namespaces, defaults: NamespaceDefaults, failure: Exception
) -> None:
    """Not of one that is said to be gone, either: there are objects in it."""
    cluster.failure = failure
    with pytest.raises(ClusterUnavailableError):
        await defaults.of("vision")
    await defaults.load()
    assert defaults.known("vision") is None


@pytest.mark.parametrize("name", ["audio", None])
async def test_an_answer_about_something_else_is_no_namespace_without_annotations(
    cluster: Namespaces, defaults: NamespaceDefaults, monkeypatch: pytest.MonkeyPatch, name: str | None
) -> None:
    async def read(_: str) -> dict[str, Any]:
        return {"metadata": {"name": name}} if name else {}

    monkeypatch.setattr(cluster, "read_namespace", read)
    with pytest.raises(ClusterUnavailableError):
        await defaults.of("vision")


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_failed_read_keeps_what_is_known(
    cluster: Namespaces, defaults: NamespaceDefaults, failure: Exception
) -> None:
    annotate(cluster, "vision", region="eu-west-1", enforce="region")
    await defaults.of("vision")
    cluster.failure = failure
    known = await defaults.of("vision", afresh=True)
    assert (known.region, known.enforced) == ("eu-west-1", frozenset({"region"}))
    assert await defaults.refresh({"vision"}) == frozenset()
    assert (await defaults.of("vision")).region == "eu-west-1"


async def test_a_refresh_tells_which_have_changed(cluster: Namespaces, defaults: NamespaceDefaults) -> None:
    await defaults.of("vision")
    await defaults.of("audio")
    annotate(cluster, "vision", deletion_policy="Retain")
    assert await defaults.refresh({"vision", "audio"}) == {"vision"}
    assert (await defaults.of("vision")).deletion_policy == "Retain"
    assert await defaults.refresh({"vision", "audio"}) == frozenset()


async def test_a_wall_that_is_put_up_or_taken_down_is_a_change(
    cluster: Namespaces, defaults: NamespaceDefaults
) -> None:
    await defaults.of("vision")
    annotate(cluster, "vision", enforce="region")
    assert await defaults.refresh({"vision"}) == {"vision"}
    annotate(cluster, "vision", enforce="region, role-arn")
    assert await defaults.refresh({"vision"}) == {"vision"}
    annotate(cluster, "vision")
    assert await defaults.refresh({"vision"}) == {"vision"}


async def test_all_namespaces_are_read_at_once(cluster: Namespaces, defaults: NamespaceDefaults) -> None:
    annotate(cluster, "vision", enforce="region")
    assert defaults.known("vision") is None
    await defaults.load()
    known = defaults.known("vision")
    assert known is not None
    assert known.enforced == frozenset({"region"})
    assert defaults.known("audio") == OWN


async def test_other_annotations_are_no_change(cluster: Namespaces, defaults: NamespaceDefaults) -> None:
    await defaults.of("vision")
    cluster.namespaces["vision"] = {"note": "hello"}
    assert await defaults.refresh({"vision"}) == frozenset()


async def test_what_says_the_same_as_the_settings_is_no_change(
    cluster: Namespaces, defaults: NamespaceDefaults
) -> None:
    await defaults.of("vision")
    annotate(cluster, "vision", region="us-east-1")
    assert await defaults.refresh({"vision"}) == frozenset()


async def test_a_namespace_that_a_listing_lacks_keeps_what_is_known(
    cluster: Namespaces, defaults: NamespaceDefaults
) -> None:
    annotate(cluster, "vision", region="eu-west-1")
    await defaults.of("vision")
    del cluster.namespaces["vision"]
    assert await defaults.refresh({"vision"}) == frozenset()
    assert (await defaults.of("vision")).region == "eu-west-1"


async def test_what_is_not_in_use_is_forgotten(cluster: Namespaces, defaults: NamespaceDefaults) -> None:
    await defaults.of("vision")
    annotate(cluster, "vision", region="eu-west-1")
    assert await defaults.refresh({"audio"}) == frozenset()
    cluster.reads.clear()
    assert (await defaults.of("vision")).region == "eu-west-1"
    assert cluster.reads == ["vision"]


async def test_those_who_ask_at_a_time_share_a_request_that_begins_after_they_asked(
    cluster: Namespaces, defaults: NamespaceDefaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, read = asyncio.Event(), cluster.read_namespace

    async def slow(name: str) -> dict[str, Any]:
        found = await read(name)
        await answer.wait()
        return found

    monkeypatch.setattr(cluster, "read_namespace", slow)
    early = asyncio.ensure_future(defaults.of("vision", afresh=True))
    await asyncio.sleep(0.01)
    annotate(cluster, "vision", region="eu-west-1")
    late = [asyncio.ensure_future(defaults.of("vision", afresh=True)) for _ in range(9)]
    await asyncio.sleep(0.01)
    answer.set()
    assert (await early).region == "us-east-1"
    assert {(await one).region for one in late} == {"eu-west-1"}
    assert cluster.reads == ["vision", "vision"]
