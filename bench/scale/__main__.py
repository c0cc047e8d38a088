"""`python -m bench.scale`: measure, show how far it is, compare with what must be reached, and write it all down."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bench.scale import charts, provenance, report
from bench.scale.plan import GROWN, MEASUREMENTS, TARGETS, Found, Size, compared
from bench.scale.provenance import Origin
from bench.scale.report import Results
from bench.scale.site import end_with_signals
from bench.scale.targets import Row, Verdict, rows
from control_plane.catalog import REPOSITORY

RESULTS = REPOSITORY / "bench" / "results"
# What a part of the whole, or a smaller one, brings is nothing to quote.
TRIALS = REPOSITORY / "build" / "bench"


@click.command()
@click.option("--only", default="", help=f"Some of the measurements, with commas: {', '.join(MEASUREMENTS)}.")
@click.option(
    "--scale",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0, 1, min_open=True),
    help="Part of the objects; what must be reached is judged at 1 only.",
)
@click.option(
    "--pace",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0, 1, min_open=True),
    help="Part of the time that jobs and endpoints take at AWS; as --scale.",
)
@click.option("--update", is_flag=True, help="Keep what the results have of other measurements of the same size.")
@click.option("--render", is_flag=True, help="Measure nothing: judge and show anew what the results have.")
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), help="Folder to write to.")
def main(only: str, scale: float, pace: float, update: bool, render: bool, results: Path | None) -> None:
    """Measure the operator with hundreds and thousands of objects; fails when a target is missed."""
    end_with_signals()
    names = [name for name in only.split(",") if name] or list(MEASUREMENTS)
    if unknown := set(names) - set(MEASUREMENTS):
        raise click.BadParameter(f"there is no {min(unknown)}", param_hint="--only")
    console = Console()
    size = Size(scale, pace)
    is_whole = size.is_full and (update or render or len(names) == len(MEASUREMENTS))
    folder = results or (RESULTS if is_whole else TRIALS)
    kept = report.read(folder, scale=scale, pace=pace) if update or render else Results()
    if render and not kept.sections:
        raise click.BadParameter(f"{folder} has nothing of this size", param_hint="--render")
    found = kept if render else _measured_into(folder, kept, names, size, console)
    lines = _written(folder, replace(found, sections=compared(found.sections)), size)
    _draw(folder, found.sections)
    console.print(report.table(lines))
    console.print(f"{folder}/scale.json, scale.md and charts")
    for name, why in found.failures.items():
        console.print(f"{name} could not be measured: {why}", style="red", markup=False)
    if found.failures or any(one.verdict is Verdict.MISSED for one in lines):
        sys.exit(1)


def _measured_into(folder: Path, kept: Results, names: list[str], size: Size, console: Console) -> Results:
    """What was kept, and over it what is measured; each as it comes, for whoever interrupts a long run keeps that."""
    found = replace(kept, failures={}, machine=report.machine())
    for brought, origin in _measured(names, size, console, found.failures):
        sections = compared({**found.sections, **brought})
        found = replace(found, sections=sections, origins={**found.origins, **dict.fromkeys(brought, origin)})
        _written(folder, found, size)
    return found


def _written(folder: Path, found: Results, size: Size) -> list[Row]:
    lines = rows(TARGETS, found.sections, is_full=size.is_full)
    report.write(folder, found, lines, scale=size.objects, pace=size.time)
    return lines


def _measured(
    names: list[str], size: Size, console: Console, failures: dict[str, str]
) -> Iterator[tuple[Found, Origin]]:
    """Each measurement's sections and what was measured; one that fails is told in `failures`, and the others go on."""
    columns = (TextColumn("{task.description:16}"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[text]}"))
    with Progress(*columns, console=console) as shown:
        for name in names:
            task = shown.add_task(name, total=1.0, text="")

            def progress(share: float, text: str, task=task) -> None:
                # What is complete does not come back: a part of a measurement is not the whole.
                shown.update(task, completed=min(share, 0.99), text=text)

            origin = provenance.here_and_now()
            try:
                brought = MEASUREMENTS[name](size, progress)
            except Exception as error:  # whatever it is, it is that measurement's
                failures[name] = f"{type(error).__name__}: {error}"
                shown.update(task, text="failed")
            else:
                shown.update(task, completed=1.0, text="")
                yield brought, origin


def _draw(folder: Path, found: Found) -> None:
    if all(name in found for name in GROWN):
        charts.growth(folder / "scale-growth.svg", [found[name] for name in GROWN])
    if "trainings" in found and "trainings-poller" in found:
        charts.comparison(folder / "scale-poller.svg", found)


if __name__ == "__main__":
    main()
