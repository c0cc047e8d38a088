"""Long work is shown with its time: as lines in a log, as a spinner on a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from control_plane.progress import Reporter, _elapsed
from tests.control_plane.processes import eventually


def show(*, terminal: bool) -> tuple[Reporter, io.StringIO]:
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, width=80, highlight=False)
    return Reporter(console, interval=0.02), output


def test_a_log_gets_a_line_now_and_then():
    reporter, output = show(terminal=False)
    with reporter.task("Building"):
        assert eventually(lambda: output.getvalue().count("Building ... 0:00\n") >= 2)
    assert output.getvalue().startswith("Building ...\n")
    assert output.getvalue().endswith("Building: done in 0:00\n")


def test_a_terminal_gets_a_clock():
    reporter, output = show(terminal=True)
    with reporter.task("Building [etcd]"):
        assert eventually(lambda: "0:00:00" in output.getvalue())
    assert "Building [etcd]: done in 0:00" in output.getvalue()


def test_what_fails_is_not_said_to_be_done():
    reporter, output = show(terminal=False)
    with pytest.raises(ValueError, match="no"), reporter.task("Building"):
        raise ValueError("no")
    assert "done" not in output.getvalue()


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0:00"), (61, "1:01"), (3725, "62:05")])
def test_times_are_minutes_and_seconds(seconds: float, text: str):
    assert _elapsed(seconds) == text
