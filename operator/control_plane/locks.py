"""Owns file locks between processes: released by the system however the holder ends, so never stale."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any


def try_exclusive(handle: IO[Any]) -> bool:
    """Lock an open file until it is closed; False if another process has it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def exclusive(handle: IO[Any]) -> Iterator[None]:
    """Hold the lock of an open file during the body, waiting for whoever has it."""
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)
