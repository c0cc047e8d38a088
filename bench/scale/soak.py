"""`python -m bench.scale.soak`: half an hour of what users do.

Whether memory, file handles and tasks stay flat meanwhile, and whether nothing is left over at its end.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from tests.apiserver.operator_process import OperatorProcess, value_of

from bench.scale import charts, report
from bench.scale.__main__ import RESULTS, TRIALS
from bench.scale.aws import Stages
from bench.scale.churn import Churn
from bench.scale.exposition import UnansweredError, scraped, unforeseen_errors
from bench.scale.flatness import Flatness, of_floors, of_medians
from bench.scale.manifests import ENDPOINTS, TRAININGS, Json
from bench.scale.meter import usage
from bench.scale.provenance import Origin, days_of, here_and_now, revisions_of
from bench.scale.settlement import left_over
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
# The last changes, each of which AWS takes a minute for at most, and tidying up behind them.
SETTLE_SECONDS = 300.0
_COMPARED = {"memory MB": of_medians, "file handles": of_floors, "tasks": of_floors, "threads": of_floors}
# So much of what is left over is shown; all of it is kept.
_SHOWN = 20
# So many characters of the log of an operator that does not answer.
_LOG_SIZE = 2000
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
    def pace(self) -> float:
        """Part of the time that jobs and endpoints take at AWS: in a short one, too, they shall come to an end."""
        return min(1.0, self.minutes / LEAST_MINUTES)

    @property
    def is_judged(self) -> bool:
        """Whether it is long enough to tell a leak from a warm-up."""
        return self.minutes >= LEAST_MINUTES


@dataclass(frozen=True)
class Outcome:
    """What was seen: samples, how often each change was made, passes that failed, and what was left over in the end.

    left: None where nobody has looked, and origin: None where it was not recorded, as in runs that were kept from
    earlier.
    """

    samples: Samples
    changes: Mapping[str, int]
    errors: float
    left: Sequence[str] | None
    machine: Mapping[str, Any]
    origin: Origin | None

    @property
    def verdicts(self) -> dict[str, Flatness]:
        """What is said of each series."""
        return {name: compare(self.samples[name]) for name, compare in _COMPARED.items()}


@click.command()
@click.option("--minutes", default=MINUTES, show_default=True, type=click.FloatRange(0.1))
@click.option("--population", default=POPULATION, show_default=True, help="Objects of each kind.")
@click.option("--rate", default=RATE, show_default=True, help="Changes a second.")
@click.option("--render", is_flag=True, help="Measure nothing: judge and show anew what the results have.")
@click.option("--results", type=click.Path(path_type=Path), help="Folder to write to.")
def main(minutes: float, population: int, rate: float, render: bool, results: Path | None) -> None:
    """Keep the operator busy, then let it come to rest.

    Fails when the operator does not answer, when something is left over, and when something has not stopped growing,
    unless that is too short a time to tell.
    """
    end_with_signals()
    console = Console()
    soak = Soak(minutes, population, rate)
    folder = results or (RESULTS if soak == Soak() else TRIALS)
    try:
        soak, outcome = kept_in(folder) if render else (soak, _soaked(soak, console))
    except UnansweredError as error:
        console.print(f"the soak has ended, as the operator does not answer: {error}", style="red", markup=False)
        sys.exit(1)
    _write(folder, soak, outcome)
    _show(console, folder, outcome)
    grows = [name for name, one in outcome.verdicts.items() if not one.is_flat]
    if outcome.errors or outcome.left or (soak.is_judged and grows):
        sys.exit(1)


def _soaked(soak: Soak, console: Console) -> Outcome:
    origin = here_and_now()
    columns = (TextColumn("soak"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[text]}"))
    with (
        Site(STAGES.scaled(soak.pace), creating=CREATING_SECONDS * soak.pace) as site,
        site.running() as operator,
        Churn(site.cluster, population=soak.population, rate=soak.rate) as churn,
        Progress(*columns, console=console) as shown,
    ):
        task = shown.add_task("soak", total=soak.minutes, text="")
        samples: Samples = {"minutes": [], **{name: [] for name in _COMPARED}}
        began = time.monotonic()
        while (minutes := (time.monotonic() - began) / 60) < soak.minutes:
            churn.check()
            for name, value in {"minutes": minutes, **_sample(operator)}.items():
                # As they are kept: what is drawn of them then is what is drawn now.
                samples[name].append(round(value, 2))
            shown.update(task, completed=minutes, text=f"{samples['memory MB'][-1]:.0f} MB")
            time.sleep(soak.sample_seconds)
        churn.stop()
        shown.update(task, text="coming to rest")
        left = _left_over(site)
        return Outcome(samples, churn.done, unforeseen_errors(_told_by(operator)), left, report.machine(), origin)


def _sample(operator: OperatorProcess) -> dict[str, float]:
    tasks = value_of(_told_by(operator), "tasks")
    assert tasks is not None
    used = usage(operator.pid)
    return {
        "memory MB": used.resident_megabytes,
        "file handles": used.open_files,
        "tasks": tasks,
        "threads": used.threads,
    }


def _told_by(operator: OperatorProcess) -> str:
    try:
        return scraped(lambda: operator.get("/metrics"))
    except UnansweredError as error:
        # Its file does not outlive the run.
        raise UnansweredError(f"{error}; its log ends with\n{operator.log.read_text()[-_LOG_SIZE:]}") from error


def _left_over(site: Site) -> list[str]:
    """What is not settled, or left over at AWS, after as much time as all of it needs."""
    end = time.monotonic() + SETTLE_SECONDS
    while left := left_over(_objects(site), site.aws.control.resources()):
        if time.monotonic() > end:
            break
        time.sleep(1.0)
    return left


def _objects(site: Site) -> list[Json]:
    kinds = {"ClassifierTraining": TRAININGS, "ClassifierEndpoint": ENDPOINTS}
    # The items of a list do not say what they are.
    return [{"kind": kind, **one} for kind, plural in kinds.items() for one in site.cluster.listed(plural)]


def _write(folder: Path, soak: Soak, outcome: Outcome) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    verdicts = outcome.verdicts
    found = {
        "machine": dict(outcome.machine),
        "origin": vars(outcome.origin) if outcome.origin else None,
        **vars(soak),
        "changes": dict(outcome.changes),
        "unforeseen errors": outcome.errors,
        "left over": outcome.left,
        "verdicts": {name: {**vars(one), "growth": one.growth, "flat": one.is_flat} for name, one in verdicts.items()},
        "samples": outcome.samples,
    }
    (folder / "soak.json").write_text(json.dumps(found) + "\n")
    (folder / "soak.md").write_text(markdown(soak, outcome))
    charts.over_time(
        folder / "soak.svg", outcome.samples["minutes"], {name: outcome.samples[name] for name in _COMPARED}
    )


def kept_in(folder: Path) -> tuple[Soak, Outcome]:
    """What `_write` has kept."""
    file = folder / "soak.json"
    if not file.exists():
        raise click.BadParameter(f"there is no {file}", param_hint="--render")
    kept = json.loads(file.read_text())
    outcome = Outcome(
        samples=kept["samples"],
        changes=kept["changes"],
        errors=kept["unforeseen errors"],
        left=kept.get("left over"),
        machine=kept["machine"],
        origin=Origin(**kept["origin"]) if kept.get("origin") else None,
    )
    return Soak(kept["minutes"], kept["population"], kept["rate"]), outcome


def markdown(soak: Soak, outcome: Outcome) -> str:
    """As the page shows it."""
    about = (
        f"{soak.minutes:g} minutes, {soak.population} objects of each kind, {sum(outcome.changes.values()):,} changes"
    )
    lines = [
        f"{about}{_end_in_words(outcome.left)}.",
        "",
        "| | compared with the middle third | middle third | last third | |",
        "|---|---|---:|---:|---|",
        *(
            f"| {name} | {one.compared} | {one.middle:.4g} | {one.last:.4g} | {_words(one)} |"
            for name, one in outcome.verdicts.items()
        ),
        "",
        *(
            [f"Measured {days_of([origin.date])} of {revisions_of([origin])}.", ""]
            if (origin := outcome.origin)
            else []
        ),
    ]
    return "\n".join(lines)


def _end_in_words(left: Sequence[str] | None) -> str:
    if left is None:
        return ""
    if left:
        return f"; in the end **{len(left)} left unsettled, or left over at AWS**"
    return "; all of them settled, and nothing left over at AWS"


def _show(console: Console, folder: Path, outcome: Outcome) -> None:
    console.print(_table(outcome.verdicts))
    left = outcome.left or ()
    for one in left[:_SHOWN]:
        console.print(f"left over: {one}", style="red", markup=False)
    if len(left) > _SHOWN:
        console.print(f"left over: {len(left) - _SHOWN} more", style="red")
    changes, looked = outcome.changes, "nobody has looked what was" if outcome.left is None else len(left)
    console.print(
        f"{sum(changes.values())} changes ({dict(changes)}), {outcome.errors:.0f} unforeseen errors, "
        f"{looked} left over; {folder}/soak.json, .svg"
    )


def _table(verdicts: Mapping[str, Flatness]) -> Table:
    table = Table(title="the last third against the middle one")
    for heading in ("", "compared", "middle third", "last third", "growth", ""):
        table.add_column(heading, justify="right" if heading not in ("", "compared") else "left")
    for name, one in verdicts.items():
        table.add_row(name, one.compared, f"{one.middle:.1f}", f"{one.last:.1f}", f"{one.growth - 1:+.1%}", _words(one))
    return table


def _words(one: Flatness) -> str:
    return "flat" if one.is_flat else "grows"


if __name__ == "__main__":
    main()
