"""The newest state of each object, whatever order the news comes in."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from tests.unit import builders

from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.runtime.election.shards import Shard
from classifier_operator.runtime.store import MESSAGE_LIMIT, Body, Mark, Store, key_of

News = tuple[ObjectKey, Body | None, Body | None]
TRAINING = ObjectKey(Kind.TRAINING, "vision", "digits")


def body(made: dict[str, Any], version: int, uid: str = "1") -> dict[str, Any]:
    return {**made, "metadata": {**made["metadata"], "uid": uid, "resourceVersion": str(version)}}


@pytest.fixture
def news() -> list[News]:
    return []


@pytest.fixture
def store(news: list[News]) -> Store:
    return Store(lambda key, before, after: news.append((key, before, after)))


@pytest.mark.parametrize(
    ("version", "is_news"), [(9, False), (10, False), (11, True), (100, True)], ids=["older", "same", "newer", "longer"]
)
def test_only_what_is_newer_is_news(store: Store, version: int, is_news: bool) -> None:
    store.put(body(builders.training(), 10))
    assert store.put(body(builders.training(), version)) is is_news


def test_an_object_made_anew_replaces_the_old_one(store: Store) -> None:
    store.put(body(builders.training(), 10, uid="1"))
    assert store.put(body(builders.training(), 11, uid="2"))


def test_a_late_answer_about_the_old_one_is_no_news(store: Store) -> None:
    store.put(body(builders.training(), 11, uid="2"))
    assert not store.put(body(builders.training(), 10, uid="1"))


def test_who_listens_is_told_of_before_and_after(store: Store, news: list[News]) -> None:
    store.put(body(builders.training(), 1))
    store.put(body(builders.training(), 1))
    store.drop(TRAINING)
    store.drop(TRAINING)
    assert [(before is None, after is None) for _, before, after in news] == [(True, False), (False, True)]


def test_what_is_put_over_a_newer_one_counts(store: Store, news: list[News]) -> None:
    store.put(body(builders.training(suspend=True), 10))
    assert store.put_over(body(builders.training(), 5), store.mark(TRAINING))
    assert store.get(TRAINING) == body(builders.training(), 5)
    assert news[-1][1:] == (body(builders.training(suspend=True), 10), body(builders.training(), 5))
    assert store.put(body(builders.training(), 6))


def test_what_has_come_meanwhile_is_put_over_only_if_it_is_older(store: Store) -> None:
    store.put(body(builders.training(), 10))
    before = store.mark(TRAINING)
    store.put_over(body(builders.training(), 5), before)
    store.put(body(builders.training(), 7))
    assert not store.put_over(body(builders.training(), 6), before)
    assert store.put_over(body(builders.training(), 8), before)


def test_one_that_was_gone_may_be_put_again(store: Store) -> None:
    store.put(body(builders.training(), 10))
    store.drop(TRAINING, "1")
    assert store.ended() == {"1"}
    assert not store.put(body(builders.training(), 11))
    assert store.put_over(body(builders.training(), 5), store.mark(TRAINING))
    assert store.put(body(builders.training(), 6))
    assert not store.is_ended("1")


def test_the_latest_version_is_known_until_all_go_back(store: Store) -> None:
    store.put(body(builders.training("a"), 10))
    store.put(body(builders.training("b"), 7))
    assert store.latest == 10
    store.went_back(6)
    assert store.latest == 6


def test_followers_are_known_by_their_reference(store: Store) -> None:
    store.put(body(builders.following("a"), 1))
    store.put(body(builders.endpoint("b"), 2))
    assert [key.name for key in store.followers(TRAINING)] == ["a"]


def test_a_follower_that_turns_away_is_forgotten(store: Store) -> None:
    store.put(body(builders.following("a"), 1))
    store.put(body(builders.endpoint("a"), 2))
    assert store.followers(TRAINING) == ()


def test_a_follower_that_goes_is_forgotten(store: Store) -> None:
    store.put(body(builders.following("a"), 1))
    store.drop(ObjectKey(Kind.ENDPOINT, "vision", "a"))
    assert store.followers(TRAINING) == ()


def test_each_variant_may_follow_a_training(store: Store) -> None:
    made = builders.endpoint("a", variants=[{"trainingRef": {"name": "digits"}}, {"trainingRef": {"name": "x"}}])
    store.put(body(made, 1))
    assert len(tuple(store.followers(TRAINING))) == 1


def test_managed_fields_are_not_kept(store: Store) -> None:
    made = body(builders.training(), 1)
    made["metadata"]["managedFields"] = [{}]
    store.put(made)
    kept = store.get(TRAINING)
    assert kept is not None
    assert "managedFields" not in kept["metadata"]


def test_keys_by_kind(store: Store) -> None:
    store.put(body(builders.training(), 1))
    store.put(body(builders.endpoint(), 2))
    assert (store.keys(Kind.TRAINING), len(store)) == ([TRAINING], 2)
    assert key_of(builders.training()) == TRAINING


def test_an_answer_that_comes_after_the_end_brings_nothing_back(store: Store) -> None:
    store.put(body(builders.training(), 10, uid="1"))
    store.drop(TRAINING, "1")
    assert not store.put(body(builders.training(), 11, uid="1"))
    assert store.get(TRAINING) is None


def test_the_end_of_the_old_one_leaves_its_successor(store: Store) -> None:
    store.put(body(builders.training(), 11, uid="2"))
    store.drop(TRAINING, "1")
    assert store.get(TRAINING) is not None


THIRD = Shard(3, 3)
# In the first of three shards.
FOREIGN = ObjectKey(Kind.TRAINING, "default", "digits")
STATUS: dict[str, Any] = {
    "jobName": "default-digits-1",
    "image": "image:1",
    "modelArtifacts": {"s3Uri": "s3://bucket/model.tar.gz", "jobName": "default-digits-1"},
    "conditions": [{"type": "Ready", "status": "True", "reason": "Completed", "message": "x" * 5000}],
    "history": [{"jobName": f"default-digits-{number}"} for number in range(10)],
}


def foreign(version: int, uid: str = "1", **status: Any) -> dict[str, Any]:
    made = body(builders.training(), version, uid)
    return {**made, "metadata": {**made["metadata"], "namespace": "default"}, "status": {**STATUS, **status}}


@pytest.fixture
def third(news: list[News]) -> Store:
    return Store(lambda key, before, after: news.append((key, before, after)), THIRD)


def test_of_another_shards_training_only_what_is_followed_is_kept(third: Store) -> None:
    assert not third.put(foreign(1))
    assert third.get(FOREIGN) is None
    assert third.keys(Kind.TRAINING) == []
    assert third.marks(Kind.TRAINING) == {FOREIGN: Mark(1, "1")}
    kept = third.followed(FOREIGN)
    assert kept is not None
    assert "spec" not in kept
    assert kept["status"] == {
        "image": "image:1",
        "modelArtifacts": STATUS["modelArtifacts"],
        "conditions": [{"type": "Ready", "status": "True", "reason": "Completed", "message": "x" * MESSAGE_LIMIT}],
    }


def test_nothing_of_another_shards_endpoint_is_kept(third: Store, news: list[News]) -> None:
    made = body(builders.endpoint(), 1)
    assert not third.put({**made, "metadata": {**made["metadata"], "namespace": "default"}})
    third.drop(ObjectKey(Kind.ENDPOINT, "default", "digits"), "1")
    assert third.marks(Kind.ENDPOINT) == {}
    assert news == []


def test_news_of_another_shards_training_reaches_who_listens(third: Store, news: list[News]) -> None:
    third.put(foreign(2))
    third.put(foreign(1, image="older"))
    third.put(foreign(3, image="image:2"))
    third.drop(FOREIGN, "1")
    images = [tuple(one and one["status"]["image"] for one in (before, after)) for _, before, after in news]
    assert images == [(None, "image:1"), ("image:1", "image:2"), ("image:2", None)]
    assert not third.put(foreign(4))
    assert third.followed(FOREIGN) is None


def test_another_shards_training_is_put_over_a_newer_one(third: Store, news: list[News]) -> None:
    third.put(foreign(10, image="image:2"))
    assert not third.put_over(foreign(5), third.mark(FOREIGN))
    assert third.mark(FOREIGN) == Mark(5, "1")
    assert len(news) == 2


def test_the_end_of_another_shards_old_training_leaves_its_successor(third: Store) -> None:
    third.put(foreign(2, uid="2"))
    third.drop(FOREIGN, "1")
    assert third.followed(FOREIGN) is not None


def test_what_is_its_own_is_kept_whole(third: Store) -> None:
    own = next(name for name in map(str, range(100)) if THIRD.owns("vision", name))
    made = body(builders.training(own), 1)
    assert third.put(made)
    assert third.get(key_of(made)) == third.followed(key_of(made)) == made


def test_another_shards_training_takes_little_memory(third: Store) -> None:
    """`bench/foreign_memory.py` has the figures; this holds their order of magnitude."""
    names = [name for name in map(str, range(1000)) if not THIRD.owns("vision", name)]
    tracemalloc.start()
    for number, name in enumerate(names):
        made = body(builders.training(name), 1, uid=str(number))
        third.put(json.loads(json.dumps({**made, "status": {**STATUS, "conditions": []}})))
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used / len(names) < 2048
