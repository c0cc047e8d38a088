"""How large the container image is, and how long the operator in it takes to start.

The base is the test's: a small Debian with Python, made by debootstrap. Both sizes are uncompressed.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table
from tests.image.workshop import BASE_IMAGE, Container, Workshop, terminate, wait_until_healthy

from control_plane import ControlPlane
from control_plane.catalog import REPOSITORY

TAG = "localhost/classifier-operator:bench"
STARTS = 5
MIB = 1024**2
PORT = 18980
RESULTS = Path(__file__).parent / "results" / "image.json"


def main() -> None:
    """Build the image, start it some times, and print."""
    with tempfile.TemporaryDirectory() as folder:
        workshop = Workshop(Path(folder) / "workshop")
        began = time.monotonic()
        workshop.base()
        with_base = time.monotonic()
        workshop.build(TAG)
        built = time.monotonic()
        figures = {
            "seconds to make the base": with_base - began,
            "seconds to build the image": built - with_base,
            "MiB of the base": workshop.size(BASE_IMAGE) / MIB,
            "MiB of the image, with its base": workshop.size(TAG) / MIB,
            f"seconds from start to healthy, median of {STARTS}": median(_starts(workshop, Path(folder))),
        }
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n")
    # As docs/install/image.md shows it.
    rows = [f"| {name} | {value:.1f} |" for name, value in figures.items()]
    RESULTS.with_suffix(".md").write_text("\n".join(["| figure | value |", "|---|---:|", *rows, ""]))
    table = Table("figure", "value", title="The container image")
    for name, value in figures.items():
        table.add_row(name, f"{value:.1f}")
    Console().print(table)


def _starts(workshop: Workshop, folder: Path) -> list[float]:
    with ControlPlane.start() as cluster, workshop.container(TAG) as container:
        cluster.kubectl("apply", "--server-side", "-f", str(REPOSITORY / "crds"))
        return [_start(container, cluster, folder) for _ in range(STARTS)]


def _start(container: Container, cluster: ControlPlane, folder: Path) -> float:
    """Seconds from the start of the process to the first good answer of /healthz."""
    # Nothing of AWS is asked while there is no object.
    environment = {"KUBECONFIG": "/run/kubeconfig/config", "AWS_REGION": "us-east-1"}
    kubeconfig = folder / "kubeconfig"
    kubeconfig.mkdir(exist_ok=True)
    (kubeconfig / "config").write_text(cluster.kubeconfig.read_text())
    log = folder / "log"
    command = ("classifier-operator", "run", "--health-port", str(PORT))
    with (
        log.open("wb") as output,
        container.running(*command, environment=environment, volumes={kubeconfig: "/run/kubeconfig"}, log=output) as it,
    ):
        seconds = wait_until_healthy(PORT, it, log)
        terminate(it)
    return seconds


if __name__ == "__main__":
    main()
