"""Charts of the figures, as SVG that is the same for the same figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot

from bench.scale.targets import GROWING, Sections

_STYLE: Any = {
    "svg.hashsalt": "classifier-operator",
    "svg.fonttype": "none",
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.alpha": 0.3,
    "font.size": 9,
}
_OURS, _PEERS = "#00796b", "#b0bec5"
_COMPARED = {
    "AWS calls per object": "AWS calls per object",
    "CPU ms per object": "CPU per object, ms",
    "status lag s, median": "behind AWS, median s",
    "status lag s, 99th percentile": "behind AWS, 99 % s",
}


def growth(path: Path, found: Sequence[Mapping[str, float]]) -> None:
    """What an object costs, over the number of objects."""
    with _figure(path, len(GROWING)) as axes:
        for one, figure in zip(axes, GROWING, strict=True):
            one.plot([each["objects"] for each in found], [each[figure] for each in found], "o-", color=_OURS)
            one.set(xscale="log", title=figure, xlabel="objects", ylim=(0, None))


def comparison(path: Path, sections: Sections) -> None:
    """A thousand trainings, by the operator and by a poller."""
    with _figure(path, len(_COMPARED)) as axes:
        for one, (figure, title) in zip(axes, _COMPARED.items(), strict=True):
            values = [sections[name][figure] for name in ("trainings", "trainings-poller")]
            bars = one.bar(("operator", "poller"), values, color=(_OURS, _PEERS))
            one.bar_label(bars, fmt="%.3g")
            one.set(title=title)


def over_time(path: Path, minutes: Sequence[float], values: Mapping[str, Sequence[float]]) -> None:
    """Some figures over the minutes of a run."""
    with _figure(path, len(values)) as axes:
        for one, (title, series) in zip(axes, values.items(), strict=True):
            one.plot(minutes, series, color=_OURS, linewidth=1)
            one.set(title=title, xlabel="minutes", ylim=(0, None))


@contextmanager
def _figure(path: Path, count: int) -> Iterator[Any]:
    with mpl.rc_context(_STYLE):
        mpl.use("svg")
        figure, axes = pyplot.subplots(1, count, figsize=(3.2 * count, 2.8), squeeze=False)
        yield axes[0]
        figure.tight_layout()
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
        pyplot.close(figure)
