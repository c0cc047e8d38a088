"""Prints docs/operations/metrics.md, from the table that the metrics themselves are made of.

python -m classifier_operator.cli.metrics_page > docs/operations/metrics.md
"""

from __future__ import annotations

import click

from classifier_operator.runtime.monitoring.families import PROCESS_METRICS, SECTIONS, Family

_HEAD = """\
<!-- Generated: python -m classifier_operator.cli.metrics_page > docs/operations/metrics.md -->

# Metrics

`/metrics` on the health port speaks Prometheus' text format, and OpenMetrics to who asks for it. The chart's dashboard
(`charts/classifier-operator/files/dashboard.json`) shows these, its rules (`files/alerts.yaml`) watch them
([what each alert means](alerts.md)).

- **Scrape with `honor_labels: true`** (`honorLabels` of a ServiceMonitor), as kube-state-metrics is scraped:
  `namespace` is the object's, and Prometheus would call it `exported_namespace` otherwise.
- Metrics marked *per object* have a series for each object; `classifier-operator run --no-object-metrics` leaves them
  out of very large installations. The alerts then tell kind and reason instead of names.
- A deleted object has no series from the next scrape on. A scrape with 5,000 objects takes about a quarter of a second
  of one processor, in a thread beside the event loop (`bench/scrape.py`).
- No label ever carries an account, a role, a URL or a message. Regions that the AWS SDK does not know are counted
  together as `other`.
- With several replicas, `classifier_operator_leading` tells which one works; join the others by `max`.
"""
_TABLE = "| metric | type | labels | meaning |\n|---|---|---|---|\n"


def page() -> str:
    """The whole page."""
    sections = [f"## {title}\n\n{_TABLE}{''.join(map(_row, families))}" for title, families in SECTIONS.items()]
    names = "".join(f"| `{name}` | {text} |\n" for name, text in PROCESS_METRICS.items())
    process = f"Beside these, by the names that all programs use:\n\n| metric | meaning |\n|---|---|\n{names}"
    return "\n".join([_HEAD, *sections, process])


def _row(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels)
    mark = "*Per object.* " if family.is_of_objects else ""
    return f"| `{family.full_name}` | {family.type.value} | {labels} | {mark}{family.text} |\n"


if __name__ == "__main__":
    click.echo(page(), nl=False)
