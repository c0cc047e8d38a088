"""Which shard an object belongs to: pinned, because two versions of the operator must agree about it."""

from __future__ import annotations

from collections import Counter

import pytest

from classifier_operator.runtime.election.shards import Shard, parse_shard, shard_of


@pytest.mark.parametrize(
    ("namespace", "name", "of_2", "of_3", "of_5"),
    [
        ("default", "digits", 2, 1, 4),
        ("vision", "caltech256", 1, 2, 2),
        ("a", "b", 2, 3, 2),
        ("team-1", "x", 1, 2, 1),
    ],
)
def test_an_object_stays_in_its_shard_for_ever(namespace: str, name: str, of_2: int, of_3: int, of_5: int) -> None:
    assert [shard_of(namespace, name, count) for count in (2, 3, 5)] == [of_2, of_3, of_5]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 16])
def test_every_object_is_in_exactly_one_shard(count: int) -> None:
    shards = [Shard(number, count) for number in range(1, count + 1)]
    for index in range(200):
        assert [shard.owns("vision", f"model-{index}") for shard in shards].count(True) == 1


@pytest.mark.parametrize("count", [2, 3, 5, 16])
def test_shards_are_of_about_the_same_size(count: int) -> None:
    sizes = Counter(shard_of(f"team-{index % 7}", f"model-{index}", count) for index in range(10_000))
    assert set(sizes) == set(range(1, count + 1))
    # Six standard deviations.
    assert all(abs(size - 10_000 / count) < 6 * (10_000 / count) ** 0.5 for size in sizes.values())


def test_the_namespace_is_part_of_it() -> None:
    assert len({shard_of(f"team-{index}", "digits", 5) for index in range(50)}) == 5


@pytest.mark.parametrize(("text", "shard"), [("1/1", Shard()), ("2/5", Shard(2, 5)), ("16/16", Shard(16, 16))])
def test_a_shard_is_written_like_this(text: str, shard: Shard) -> None:
    assert parse_shard(text) == shard
    assert str(shard) == text


@pytest.mark.parametrize("text", ["", "2", "0/3", "4/3", "1/0", "-1/3", "1/3/5", "1 / 3", "a/b", "01/3", "\u0661/3"])
def test_nothing_else_is_a_shard(text: str) -> None:
    with pytest.raises(ValueError, match="write I/N, for example 2/5"):
        parse_shard(text)


def test_each_shard_has_a_lease_of_its_own() -> None:
    names = [Shard(number, count).lease_name("op") for number, count in [(1, 1), (1, 2), (2, 2), (2, 3)]]
    assert names == ["op", "op-1-of-2", "op-2-of-2", "op-2-of-3"]
