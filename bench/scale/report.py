"""How the figures are kept and shown: JSON, a table, the same as Markdown."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.table import Table

from bench.scale.provenance import Origin, days_of, revisions_of
from bench.scale.targets import TOGETHER, Row, Sections, Verdict

_HEADINGS = ("what", "must reach", "operator", "poller", "")
_COLOURS = {Verdict.REACHED: "green", Verdict.MISSED: "red", Verdict.NOT_JUDGED: "dim"}


def machine() -> dict[str, Any]:
    """What was measured on, and with which libraries."""
    cpu = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s+(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": cpu[1] if cpu else platform.machine(),
        "memory GB": round(int(memory[1]) / 1024**2, 1) if memory else 0,
        "kernel": platform.release(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("classifier-operator", "kopf", "boto3", "aiohttp", "msgspec")},
    }


@dataclass(frozen=True)
class Results:
    """What is kept: figures by section, where each section comes from, what failed, and on what it was measured."""

    sections: dict[str, dict[str, float]] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)


def write(folder: Path, results: Results, rows: Sequence[Row], *, scale: float, pace: float) -> None:
    """Keep them in `scale.json` and `scale.md`."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {
        "machine": results.machine,
        "scale": scale,
        "pace": pace,
        "rows": [vars(one) for one in rows],
        "failures": results.failures,
        "missed": [one.text for one in rows if one.verdict is Verdict.MISSED],
        "origins": {name: vars(origin) for name, origin in results.origins.items()},
        "sections": results.sections,
    }
    (folder / "scale.json").write_text(json.dumps(found, indent=1) + "\n")
    (folder / "scale.md").write_text(markdown(rows, results))


def read(folder: Path, *, scale: float, pace: float) -> Results:
    """What was kept; nothing where there is nothing of that size."""
    file = folder / "scale.json"
    kept = json.loads(file.read_text()) if file.exists() else {}
    if (kept.get("scale"), kept.get("pace")) != (scale, pace):
        return Results()
    sections, machine = kept["sections"], kept["machine"]
    return Results(
        sections=sections,
        origins={
            **_earlier(sections, machine),
            **{name: Origin(**one) for name, one in kept.get("origins", {}).items()},
        },
        failures=kept["failures"],
        machine=machine,
    )


def _earlier(sections: Sections, machine: Mapping[str, Any]) -> dict[str, Origin]:
    """Of results that tell no origins: the day on which they were written is all that is known of each section."""
    origin = Origin(revision="", is_dirty=False, date=machine.get("date", ""))
    return {name: origin for name in sections if name not in TOGETHER}


def table(rows: Sequence[Row]) -> Table:
    """The rows for a terminal."""
    shown = Table(title="the operator at scale")
    for heading in _HEADINGS:
        shown.add_column(heading, justify="left" if heading in ("what", "") else "right")
    for row in rows:
        colour = _COLOURS[row.verdict]
        shown.add_row(row.text, row.must, row.ours, row.poller, f"[{colour}]{row.verdict}[/]")
    return shown


def markdown(rows: Sequence[Row], results: Results) -> str:
    """The rows as a page includes them, with what they were measured on and how busy that was."""
    lines = ["| what | must reach | operator | poller | |", "|---|---:|---:|---:|---|"]
    lines += [f"| {row.text} | {row.must} | {row.ours} | {row.poller} | {row.verdict} |" for row in rows]
    return "\n".join([*lines, "", f"{_about(results)}.", ""])


def _about(results: Results) -> str:
    on, origins = results.machine, list(results.origins.values())
    days = days_of(one.date for one in origins)
    about = " ".join(filter(None, ("Measured", days, f"with {on['cores']} cores ({on['cpu']}), Python {on['python']}")))
    if revisions := revisions_of(origins):
        about += f", of {revisions}"
    if loads := loads_of(results.sections):
        about += f"; load averages of {min(loads):.1f} to {max(loads):.1f}, whatever else ran there included"
    return about


def loads_of(sections: Sections) -> list[float]:
    """The load averages at the end of each section."""
    return [section["load average"] for section in sections.values() if "load average" in section]
