"""Owns the demo's results in a readable form: some predictions with their images, and what took how long."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from classifier_operator.demo.classification import Classified, accuracy, handful
from classifier_operator.demo.pictures import draw
from classifier_operator.demo.view import Timing


def show_predictions(console: Console, classified: Sequence[Classified], labels: Sequence[str]) -> None:
    """Print a handful with image, true and predicted label and probability, then how many of all were right."""
    table = Table("image", "true label", "predicted label", "probability", box=box.SIMPLE, show_lines=True)
    for one in handful(classified):
        picture = draw(one.image.image, has_colour=console.color_system is not None)
        predicted = one.prediction.label if one.is_right else f"{one.prediction.label} (wrong)"
        true = labels[one.image.label] if one.image.label < len(labels) else str(one.image.label)
        table.add_row(picture, true, predicted, f"{one.prediction.probability:.4f}")
    console.print(table)
    right = sum(one.is_right for one in classified)
    text = f"Accuracy: {accuracy(classified):.1%} ({right} of {len(classified)} held-out images)"
    console.print(text, highlight=False)


def show_summary(console: Console, timings: Sequence[Timing], total: float) -> None:
    """Print what took how long."""
    table = Table("step", "seconds", box=box.SIMPLE, show_footer=True)
    table.columns[0].footer = "all together"
    table.columns[1].footer = f"{total:.1f}"
    table.columns[1].justify = "right"
    for timing in timings:
        table.add_row(timing.what, f"{timing.seconds:.1f}")
    console.print(table)
