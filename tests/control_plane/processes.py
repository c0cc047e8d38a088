"""Finding, by what stands on their command line, the processes that a test must see gone."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def mentioning(text: object) -> list[int]:
    """Return the processes (zombies have no command line) that have the text among their arguments."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(text).encode() in arguments:
            found.append(int(folder.name))
    return found


def eventually(is_true: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not (done := is_true()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return done
