"""What resources have in common, and the tables that hold them.

Tables keep the order of creation, so the usual List (newest first) needs no sorting. They are not locked: the
scope that owns them (see `world`) has one lock, which operations hold.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

SCOPE_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


@dataclass(kw_only=True)
class Record:
    """What every resource has. `request` is the Create call's parameters, never changed."""

    name: str
    arn: str
    request: dict[str, Any]
    created: float
    tags: dict[str, str] = field(default_factory=dict)
    tagged: float = 0.0
    number: int = 0
    described: int = 0

    def exists(self, now: float) -> bool:  # noqa: ARG002  # kinds whose deletion takes time look at it
        return True


class HasExistence(Protocol):
    """The part of a record that tables need."""

    name: str
    arn: str
    number: int
    created: float

    def exists(self, now: float) -> bool: ...


R = TypeVar("R", bound=HasExistence)


class Table(Generic[R]):
    """Resources of one kind by name and in order of creation."""

    def __init__(self) -> None:
        self._by_name: dict[str, R] = {}
        self._by_number: list[R] = []
        self._numbers = itertools.count(1)

    def add(self, record: R) -> None:
        """Add as the newest. Calls that arrive at once can get here in another order than their times'."""
        if self._by_number:
            record.created = max(record.created, self._by_number[-1].created)
        record.number = next(self._numbers)
        self._by_name[record.name] = record
        self._by_number.append(record)

    def get(self, name: str, now: float) -> R | None:
        """The resource, unless it is gone by `now`; then it is forgotten."""
        record = self._by_name.get(name)
        if record is not None and not record.exists(now):
            self.remove(record)
            return None
        return record

    def with_arn(self, arn: str, now: float) -> R | None:
        """The resource of this ARN: the newest, where names differ in capital letters only."""
        return next((one for one in self.newest_first() if one.arn == arn and one.exists(now)), None)

    def remove(self, record: R) -> None:
        if self._by_name.get(record.name) is record:
            del self._by_name[record.name]
            del self._by_number[self._position(record.number)]

    def newest_first(self, below: int | None = None) -> Iterator[R]:
        """Records with a number lower than `below`, the latest first."""
        end = len(self._by_number) if below is None else self._position(below)
        return (self._by_number[index] for index in range(end - 1, -1, -1))

    def oldest_first(self, above: int = 0) -> Iterator[R]:
        start = self._position(above + 1)
        return (self._by_number[index] for index in range(start, len(self._by_number)))

    def __iter__(self) -> Iterator[R]:
        return iter(list(self._by_number))

    def __len__(self) -> int:
        return len(self._by_number)

    def _position(self, number: int) -> int:
        return bisect.bisect_left(self._by_number, number, key=lambda record: record.number)


@dataclass(frozen=True)
class ScopeKey:
    """An account and a region: names are unique within one."""

    account: str
    region: str

    def arn(self, kind: str, name: str, service: str = "sagemaker") -> str:
        """The ARN of a resource, for example SageMaker's of kind `training-job`.

        SageMaker writes names in small letters there, as recorded: DEMO-digits has the ARN …:endpoint/demo-digits.
        """
        name = name.lower() if service == "sagemaker" else name
        partition = next((p for start, p in SCOPE_PARTITIONS.items() if self.region.startswith(start)), "aws")
        return f"arn:{partition}:{service}:{self.region}:{self.account}:{kind}/{name}"
