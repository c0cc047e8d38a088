"""Values that wait in one line for each group, and the groups take turns: a long line delays no other group's."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class RoundRobin(Generic[T]):
    """First come, first served within a group; round robin between groups. A group without values takes no memory."""

    def __init__(self) -> None:
        self._lines: dict[Hashable, deque[T]] = {}
        self._order: deque[Hashable] = deque()

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def __bool__(self) -> bool:
        return bool(self._order)

    def __contains__(self, group: object) -> bool:
        return group in self._lines

    @property
    def groups(self) -> Collection[Hashable]:
        """The groups that have values."""
        return self._lines.keys()

    @property
    def next_group(self) -> Hashable:
        """The group whose turn it is. Raises IndexError when nothing waits."""
        return self._order[0]

    def add(self, group: Hashable, value: T) -> None:
        """Put the value at the end of its group's line; a new group's turn comes after that of all others."""
        line = self._lines.get(group)
        if line is None:
            self._lines[group] = line = deque()
            self._order.append(group)
        line.append(value)

    def pop(
        self, is_valid: Callable[[T], bool] = lambda _: True, may_go: Callable[[Hashable], bool] = lambda _: True
    ) -> T | None:
        """Take the next value that is valid, and drop those before it that are not; None when there is none.

        A group does not lose its turn by a value that is not valid any more; one that may not go is passed over.
        """
        for _ in range(len(self._order)):
            group = self._order[0]
            if not may_go(group):
                self.skip()
                continue
            line = self._lines[group]
            while line:
                value = line.popleft()
                if is_valid(value):
                    self._pass_on(group, line)
                    return value
            self._pass_on(group, line)
        return None

    def skip(self) -> None:
        """Pass the turn on to the next group."""
        self._order.rotate(-1)

    def _pass_on(self, group: Hashable, line: deque[T]) -> None:
        if line:
            self._order.rotate(-1)
        else:
            self._order.popleft()
            del self._lines[group]
