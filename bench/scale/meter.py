"""What a process takes, read from /proc: CPU seconds, memory, open files, threads."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

MEGABYTE = 1024**2
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """What a process has taken so far (CPU seconds of all its threads, peak memory) and holds now."""

    cpu_seconds: float
    resident_megabytes: float
    peak_megabytes: float
    open_files: int
    threads: int


def usage(pid: int) -> Usage:
    """Read it.

    Raises:
        OSError: the process has ended.

    """
    process = Path("/proc") / str(pid)
    # The command's name, in parentheses, may hold anything.
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    status = (process / "status").read_text()
    return Usage(
        cpu_seconds=(int(fields[11]) + int(fields[12])) / _TICKS,
        resident_megabytes=_kilobytes(status, "VmRSS") * 1024 / MEGABYTE,
        peak_megabytes=_kilobytes(status, "VmHWM") * 1024 / MEGABYTE,
        open_files=len(os.listdir(process / "fd")),
        threads=len(os.listdir(process / "task")),
    )


def _kilobytes(status: str, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) if found else 0
