"""What is said of figures: reached or missed, beside the poller's, and how costs grow."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from bench.scale.plan import MEASUREMENTS, TARGETS, Size, compared
from bench.scale.provenance import Origin
from bench.scale.report import Results, markdown, read, write
from bench.scale.targets import MOST_LISTS, Target, Verdict, growth, marginal, most_lists, rows, shown, verdict

from control_plane.catalog import REPOSITORY

CALLS = Target("calls", "ours", "AWS calls", 3, " a minute", ("peers", "AWS calls", 10))
FULL = {"scale": 1.0, "pace": 1.0}
PAGES = REPOSITORY / "bench" / "results"
SECTIONS = {"ours": {"AWS calls": 2.5}, "peers": {"AWS calls": 12.0}}


@pytest.mark.parametrize(
    ("value", "is_full", "said"),
    [
        (3, True, Verdict.REACHED),
        (3.01, True, Verdict.MISSED),
        (float("nan"), True, Verdict.MISSED),
        (100, False, Verdict.NOT_JUDGED),
    ],
)
def test_a_target_may_be_met_exactly_and_is_judged_at_full_size_only(
    value: float, is_full: bool, said: Verdict
) -> None:
    assert verdict(CALLS, value, is_full=is_full) is said


def test_a_row_says_what_the_poller_takes_for_as_much() -> None:
    (row,) = rows((CALLS,), SECTIONS, is_full=True)
    assert (row.must, row.ours, row.poller, row.verdict) == (
        "≤ 3 a minute",
        "2.50 a minute",
        "≈ 120 a minute",
        "reached",
    )


def test_a_figure_without_a_target_is_shown_and_not_judged() -> None:
    (row,) = rows((replace(CALLS, most=None),), SECTIONS, is_full=True)
    assert (row.must, row.ours, row.verdict) == ("", "2.50 a minute", "not judged")


def test_a_share_is_shown_in_percent() -> None:
    target = Target("throttled", "ours", "share", 1, " %", factor=100)
    (row,) = rows((target,), {"ours": {"share": 0.005}}, is_full=True)
    assert (row.must, row.ours, row.verdict) == ("≤ 1 %", "0.50 %", "reached")
    (row,) = rows((target,), {"ours": {"share": 0.011}}, is_full=True)
    assert (row.ours, row.verdict) == ("1.10 %", "missed")


def test_what_was_not_measured_has_no_row_and_no_peer() -> None:
    assert rows((CALLS,), {}, is_full=True) == []
    (row,) = rows((CALLS,), {"ours": SECTIONS["ours"]}, is_full=True)
    assert row.poller == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.004, "0.00"), (2.345, "2.35"), (12.34, "12.3"), (123.4, "123"), (12345.6, "12,346"), (30.0, "30")],
)
def test_figures_have_three_digits(value: float, text: str) -> None:
    assert shown(value) == text


def test_growth_is_the_worst_step() -> None:
    steps = [
        {"AWS calls per object": 3.0, "CPU ms per object": 20.0, "memory KB per object": 50.0},
        {"AWS calls per object": 2.4, "CPU ms per object": 30.0, "memory KB per object": 25.0},
        {"AWS calls per object": 2.1, "CPU ms per object": 15.0, "memory KB per object": 25.0},
    ]
    assert growth(steps) == {
        "AWS calls per object, growth": pytest.approx(0.875),
        "CPU ms per object, growth": pytest.approx(1.5),
        "memory KB per object, growth": pytest.approx(1.0),
    }


def sizes(*costs: float) -> list[dict[str, float]]:
    """100, 1,000 and 10,000 objects that cost so much in all."""
    counts = (100, 1000, 10_000)
    return [
        {"objects": count, "AWS calls per object": 3.0, "CPU ms per object": cost / count, "memory KB per object": 1.0}
        for count, cost in zip(counts, costs, strict=True)
    ]


def test_what_each_further_object_costs_hides_behind_nothing_fixed() -> None:
    """A start of 4,000 ms makes 10,000 objects cheaper each, though each further one costs 1.3 times as much."""
    steps = sizes(4000 + 100 * 10, 4000 + 1000 * 10, 4000 + 1000 * 10 + 9000 * 13)
    assert growth(steps)["CPU ms per object, growth"] < 1
    assert marginal(steps) == {
        "CPU ms of each further object, growth": pytest.approx(1.3),
        "memory KB of each further object, growth": pytest.approx(1.0),
    }


@pytest.mark.parametrize("found", [[], sizes(1, 2, 3)[:2], [sizes(1, 2, 3)[0]] * 3, sizes(3, 2, 1)])
def test_steps_that_say_nothing_have_no_growth(found: list[dict[str, float]]) -> None:
    assert math.isnan(marginal(found)["CPU ms of each further object, growth"])


def test_growth_is_told_once_all_steps_were_measured() -> None:
    found = dict(zip(("growth-100", "growth-1000", "growth-10000"), sizes(1, 2, 3), strict=True))
    assert "growth" not in compared({"growth-100": found["growth-100"]})
    assert set(compared(found)["growth"]) == {*growth(sizes(1, 2, 3)), *marginal(sizes(1, 2, 3))}


def test_the_most_lists_are_those_of_the_worst_section_that_has_the_figure() -> None:
    assert most_lists([{MOST_LISTS: 1.0}, {MOST_LISTS: 3.0}, {"other": 9.0}]) == {MOST_LISTS: 3.0}


def test_lists_of_the_poller_are_not_ours() -> None:
    found = compared({"trainings": {MOST_LISTS: 2.0}, "trainings-poller": {MOST_LISTS: 9.0}, "change": {}})
    assert found["lists"] == {MOST_LISTS: 2.0}
    assert "lists" not in compared({"trainings-poller": {MOST_LISTS: 9.0}})


def test_what_is_told_together_is_of_the_latest_measurements_only() -> None:
    found = compared({"trainings": {MOST_LISTS: 3.0}})
    assert compared({**found, "trainings": {MOST_LISTS: 2.0}})["lists"] == {MOST_LISTS: 2.0}


def test_half_of_the_objects_can_be_of_each_kind() -> None:
    assert [Size(0.01).of(count) for count in (100, 500, 10_000)] == [2, 4, 100]
    assert not Size(0.5).is_full
    assert not Size(1.0, 0.5).is_full
    assert Size().is_full


def test_every_target_has_a_text_of_its_own() -> None:
    assert len({target.text for target in TARGETS}) == len(TARGETS)
    assert {"trainings", "endpoints", "population"} <= set(MEASUREMENTS)


ORIGIN = Origin("0123456789abcdef", is_dirty=False, date="2026-03-01T12:00:00Z")
RESULTS = Results(
    sections={"ours": {"AWS calls": 2.5, "load average": 2.0}, "peers": {"AWS calls": 12.0, "load average": 0.5}},
    origins={"ours": ORIGIN, "peers": ORIGIN},
    machine={"cores": 2, "cpu": "a CPU", "python": "3.13.0"},
)


def test_the_page_s_table() -> None:
    lines = markdown(rows((CALLS,), SECTIONS, is_full=True), RESULTS).splitlines()
    assert lines[2] == "| calls | ≤ 3 a minute | 2.50 a minute | ≈ 120 a minute | reached |"
    measured = "Measured on 2026-03-01 with 2 cores (a CPU), Python 3.13.0, of revision 0123456789"
    assert lines[-1] == f"{measured}; load averages of 0.5 to 2.0, whatever else ran there included."


def test_a_run_of_which_nothing_could_be_measured_has_a_table_without_lines() -> None:
    assert markdown([], replace(RESULTS, sections={}, origins={})).splitlines()[-1] == (
        "Measured with 2 cores (a CPU), Python 3.13.0."
    )


def test_what_was_kept_is_of_the_same_size(tmp_path: Path) -> None:
    assert read(tmp_path, scale=1, pace=1) == Results()
    write(tmp_path, RESULTS, [], scale=1, pace=1)
    assert read(tmp_path, scale=1, pace=1) == RESULTS
    assert read(tmp_path, scale=1, pace=0.5) == Results()


def test_results_that_were_kept_before_origins_were_have_their_day(tmp_path: Path) -> None:
    write(tmp_path, RESULTS, [], **FULL)
    file = tmp_path / "scale.json"
    earlier = {name: part for name, part in json.loads(file.read_text()).items() if name != "origins"}
    file.write_text(json.dumps({**earlier, "machine": {**RESULTS.machine, "date": "2026-02-01T12:00:00Z"}}))
    kept = read(tmp_path, **FULL)
    assert set(kept.origins) == {"ours", "peers"}
    assert "Measured on 2026-02-01 with 2 cores (a CPU), Python 3.13.0; load" in markdown([], kept)
    update = replace(kept, origins={**kept.origins, "ours": ORIGIN})
    assert "Measured from 2026-02-01 to 2026-03-01 with" in markdown([], update)
    assert "of several revisions (0123456789, others not recorded);" in markdown([], update)


def test_a_figure_that_a_section_has_yet_to_get_has_no_row() -> None:
    assert rows((CALLS,), {"ours": {}}, is_full=True) == []
    (row,) = rows((CALLS,), {**SECTIONS, "peers": {}}, is_full=True)
    assert row.poller == ""


def test_the_page_shows_what_is_kept() -> None:
    kept = read(PAGES, **FULL)
    assert markdown(rows(TARGETS, compared(kept.sections), is_full=True), kept) == (PAGES / "scale.md").read_text()
