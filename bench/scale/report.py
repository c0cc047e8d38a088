"""How the figures are kept and shown: JSON, a table, the same as Markdown."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.table import Table

from bench.scale.targets import Row, Sections, Verdict
from control_plane.catalog import REPOSITORY

_HEADINGS = ("what", "must reach", "operator", "poller", "")
_COLOURS = {Verdict.REACHED: "green", Verdict.MISSED: "red", Verdict.NOT_JUDGED: "dim"}


def machine() -> dict[str, Any]:
    """What was measured on, and what."""
    cpu = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s+(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    revision = subprocess.run(["git", "rev-parse", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "cores": len(os.sched_getaffinity(0)),
        "cpu": cpu[1] if cpu else platform.machine(),
        "memory GB": round(int(memory[1]) / 1024**2, 1) if memory else 0,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "revision": revision.stdout.strip(),
        **{name: version(name) for name in ("classifier-operator", "kopf", "boto3", "aiohttp", "msgspec")},
    }


def write(
    folder: Path, sections: Sections, rows: Sequence[Row], failures: Mapping[str, str], *, scale: float, pace: float
) -> None:
    """Keep them in `scale.json` and `scale.md`."""
    folder.mkdir(parents=True, exist_ok=True)
    on = machine()
    found = {
        "machine": on,
        "scale": scale,
        "pace": pace,
        "rows": [vars(one) for one in rows],
        "failures": dict(failures),
        "missed": [one.text for one in rows if one.verdict is Verdict.MISSED],
        "sections": sections,
    }
    (folder / "scale.json").write_text(json.dumps(found, indent=1) + "\n")
    (folder / "scale.md").write_text(markdown(rows, on, loads_of(sections)))


def read(folder: Path, *, scale: float, pace: float) -> dict[str, dict[str, float]]:
    """The sections that were kept; none where there are none of that size."""
    file = folder / "scale.json"
    kept = json.loads(file.read_text()) if file.exists() else {}
    sections: dict[str, dict[str, float]] = kept.get("sections", {})
    return sections if (kept.get("scale"), kept.get("pace")) == (scale, pace) else {}


def table(rows: Sequence[Row]) -> Table:
    """The rows for a terminal."""
    shown = Table(title="the operator at scale")
    for heading in _HEADINGS:
        shown.add_column(heading, justify="left" if heading in ("what", "") else "right")
    for row in rows:
        colour = _COLOURS[row.verdict]
        shown.add_row(row.text, row.must, row.ours, row.poller, f"[{colour}]{row.verdict}[/]")
    return shown


def markdown(rows: Sequence[Row], on: Mapping[str, Any], loads: Sequence[float]) -> str:
    """The rows as a page includes them, with what they were measured on and how busy that was."""
    lines = ["| what | must reach | operator | poller | |", "|---|---:|---:|---:|---|"]
    lines += [f"| {row.text} | {row.must} | {row.ours} | {row.poller} | {row.verdict} |" for row in rows]
    about = f"Measured on {on['date'][:10]} with {on['cores']} cores ({on['cpu']}), Python {on['python']}"
    if loads:
        about += f"; load averages of {min(loads):.1f} to {max(loads):.1f}, whatever else ran there included"
    return "\n".join([*lines, "", f"{about}.", ""])


def loads_of(sections: Sections) -> list[float]:
    """The load averages at the end of each section."""
    return [section["load average"] for section in sections.values() if "load average" in section]
