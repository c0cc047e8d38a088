"""`python -m bench.scale`: measure, show how far it is, and write down what came out."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bench.scale.plan import MEASUREMENTS, Sections
from control_plane.catalog import REPOSITORY

RESULTS = REPOSITORY / "bench" / "results"
# What a part of the whole, or a smaller one, brings is nothing to quote.
TRIALS = REPOSITORY / "build" / "bench"


@click.command()
@click.option("--only", default="", help=f"Some of the measurements, with commas: {', '.join(MEASUREMENTS)}.")
@click.option("--scale", default=1.0, show_default=True, help="Part of the objects; targets are judged at 1.")
@click.option("--results", type=click.Path(path_type=Path), help="Folder to write to.")
def main(only: str, scale: float, results: Path | None) -> None:
    """Measure the operator with hundreds and thousands of objects."""
    names = [name for name in only.split(",") if name] or list(MEASUREMENTS)
    if unknown := set(names) - set(MEASUREMENTS):
        raise click.BadParameter(f"there is no {min(unknown)}", param_hint="--only")
    console = Console()
    sections = _measured(names, scale, console)
    is_whole = scale == 1 and len(names) == len(MEASUREMENTS)
    folder = results or (RESULTS if is_whole else TRIALS)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scale.json").write_text(json.dumps(sections, indent=1) + "\n")
    console.print_json(data=sections)


def _measured(names: list[str], scale: float, console: Console) -> Sections:
    sections: Sections = {}
    columns = (TextColumn("{task.description:10}"), BarColumn(), TextColumn("{task.fields[text]}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as shown:
        for name in names:
            task = shown.add_task(name, total=1.0, text="")

            def progress(share: float, text: str, task=task) -> None:
                shown.update(task, completed=share, text=text)

            sections |= MEASUREMENTS[name](scale, progress)
            progress(1.0, "")
            for section in sections.values():
                section.setdefault("load average", os.getloadavg()[0])
    return sections


if __name__ == "__main__":
    main()
