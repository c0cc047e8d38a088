"""Shards: which of several operators works on an object."""

from __future__ import annotations

import hashlib
import re

from msgspec import Struct

_WRITTEN = re.compile(r"([1-9]\d{0,3})/([1-9]\d{0,3})", re.ASCII)


class Shard(Struct, frozen=True):
    """One of `count` shards; `number` counts from 1."""

    number: int = 1
    count: int = 1

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def owns(self, namespace: str, name: str) -> bool:
        """Whether the objects of that name, of both kinds, are this shard's."""
        return self.count == 1 or shard_of(namespace, name, self.count) == self.number

    def lease_name(self, release: str) -> str:
        """The name of the shard's Lease; without shards it is the release's own."""
        return release if self.count == 1 else f"{release}-{self.number}-of-{self.count}"


def shard_of(namespace: str, name: str, count: int) -> int:
    """The shard of an object, from 1 to `count`.

    The kind is left out, so an endpoint has the shard of the training of its name. Every version of the operator must
    find the same one: two that run at once during an upgrade would both work on an object, or neither.
    """
    digest = hashlib.sha256(f"{namespace}/{name}".encode()).digest()
    return int.from_bytes(digest[:8]) % count + 1


def parse_shard(text: str) -> Shard:
    """A shard as it is written on the command line, for example `2/5`.

    Raises:
        ValueError: it is not, or there is no such shard.

    """
    written = _WRITTEN.fullmatch(text)
    if written is None or int(written[1]) > int(written[2]):
        raise ValueError(f"{text!r} is no shard: write I/N, for example 2/5, with I from 1 to N")
    return Shard(int(written[1]), int(written[2]))
