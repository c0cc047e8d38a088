"""`python -m bench.scale.soak`: half an hour of what users do, and whether memory, file handles and tasks stay flat."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from tests.apiserver.operator_process import OperatorProcess

from bench.scale import charts, report
from bench.scale.__main__ import RESULTS, TRIALS
from bench.scale.aws import Stages
from bench.scale.churn import Churn
from bench.scale.flatness import MOST_GROWTH, Flatness, flatness
from bench.scale.meter import usage
from bench.scale.site import Site, end_with_signals

MINUTES = 30.0
POPULATION = 150
RATE = 2.0
SAMPLE_SECONDS = 5.0
# The warm-up of a shorter one takes all of it.
LEAST_MINUTES = 5.0
# Trainings end, and endpoints settle, many times within the run.
STAGES = Stages(5, 5, 20, 5)
CREATING_SECONDS = 20.0
# By how many each may differ without being said to have grown: connections and passes come and go.
_SLACK = {"memory MB": 0.0, "file handles": 5, "tasks": 10, "threads": 2}
Samples = dict[str, list[float]]


@dataclass(frozen=True)
class Soak:
    """How long, with how many objects of each kind, and how many changes a second."""

    minutes: float = MINUTES
    population: int = POPULATION
    rate: float = RATE

    @property
    def sample_seconds(self) -> float:
        """The time between samples: a short one has as many of them as a long one needs."""
        return min(SAMPLE_SECONDS, self.minutes)

    @property
    def is_judged(self) -> bool:
        """Whether it is long enough to tell a leak from a warm-up."""
        return self.minutes >= LEAST_MINUTES


@click.command()
@click.option("--minutes", default=MINUTES, show_default=True, type=click.FloatRange(0.1))
@click.option("--population", default=POPULATION, show_default=True, help="Objects of each kind.")
@click.option("--rate", default=RATE, show_default=True, help="Changes a second.")
@click.option("--results", type=click.Path(path_type=Path), help="Folder to write to.")
def main(minutes: float, population: int, rate: float, results: Path | None) -> None:
    """Keep the operator busy; fails when something has not stopped growing, unless that is too short a time to tell."""
    end_with_signals()
    console = Console()
    soak = Soak(minutes, population, rate)
    samples, done, errors = _soaked(soak, console)
    verdicts = {name: flatness(samples[name], slack) for name, slack in _SLACK.items()}
    folder = results or (RESULTS if soak == Soak() else TRIALS)
    _write(folder, soak, samples, verdicts, done, errors)
    console.print(_table(verdicts))
    console.print(
        f"{sum(done.values())} changes ({dict(done)}), {errors:.0f} unforeseen errors; {folder}/soak.json, .svg"
    )
    if errors or (soak.is_judged and not all(one.is_flat for one in verdicts.values())):
        sys.exit(1)


def _soaked(soak: Soak, console: Console) -> tuple[Samples, Mapping[str, int], float]:
    columns = (TextColumn("soak"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[text]}"))
    with (
        Site(STAGES, creating=CREATING_SECONDS) as site,
        site.running() as operator,
        Churn(site.cluster, population=soak.population, rate=soak.rate) as churn,
        Progress(*columns, console=console) as shown,
    ):
        task = shown.add_task("soak", total=soak.minutes, text="")
        samples: Samples = {"minutes": [], **{name: [] for name in _SLACK}}
        began = time.monotonic()
        while (minutes := (time.monotonic() - began) / 60) < soak.minutes:
            churn.check()
            for name, value in {"minutes": minutes, **_sample(operator)}.items():
                samples[name].append(value)
            shown.update(task, completed=minutes, text=f"{samples['memory MB'][-1]:.0f} MB")
            time.sleep(soak.sample_seconds)
        return samples, churn.done, _errors(operator)


def _sample(operator: OperatorProcess) -> dict[str, float]:
    used = usage(operator.pid)
    return {
        "memory MB": used.resident_megabytes,
        "file handles": used.open_files,
        "tasks": operator.metric("tasks"),
        "threads": used.threads,
    }


def _errors(operator: OperatorProcess) -> float:
    """How many passes ended with an error that nobody has foreseen."""
    found = re.findall(
        r'^classifier_operator_passes_total\{.*result="error".*\} (\S+)$', operator.get("/metrics"), re.M
    )
    return sum(map(float, found))


def _write(
    folder: Path,
    soak: Soak,
    samples: Samples,
    verdicts: Mapping[str, Flatness],
    done: Mapping[str, int],
    errors: float,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    found = {
        "machine": report.machine(),
        **vars(soak),
        "changes": dict(done),
        "unforeseen errors": errors,
        "verdicts": {name: {**vars(one), "growth": one.growth, "flat": one.is_flat} for name, one in verdicts.items()},
        "samples": {name: [round(value, 2) for value in series] for name, series in samples.items()},
    }
    (folder / "soak.json").write_text(json.dumps(found) + "\n")
    (folder / "soak.md").write_text(_markdown(soak, verdicts, done))
    charts.over_time(folder / "soak.svg", samples["minutes"], {name: samples[name] for name in _SLACK})


def _markdown(soak: Soak, verdicts: Mapping[str, Flatness], done: Mapping[str, int]) -> str:
    """As the page shows it."""
    lines = [
        f"{soak.minutes:g} minutes, {soak.population} objects of each kind, {sum(done.values()):,} changes.",
        "",
        "| | middle third | last third | |",
        "|---|---:|---:|---|",
        *(f"| {name} | {one.middle:.4g} | {one.last:.4g} | {_words(one)} |" for name, one in verdicts.items()),
        "",
    ]
    return "\n".join(lines)


def _table(verdicts: Mapping[str, Flatness]) -> Table:
    table = Table(title=f"median of the last third against the middle one, flat up to {MOST_GROWTH:.0%}")
    for heading in ("", "middle third", "last third", "growth", ""):
        table.add_column(heading, justify="right" if heading else "left")
    for name, one in verdicts.items():
        table.add_row(name, f"{one.middle:.1f}", f"{one.last:.1f}", f"{one.growth:.1%}", _words(one))
    return table


def _words(one: Flatness) -> str:
    return "flat" if one.is_flat else "grows"


if __name__ == "__main__":
    main()
