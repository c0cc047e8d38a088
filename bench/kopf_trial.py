"""Is a daemon per object with kopf's finalizer as cheap as watch events with our own? Measured on a real API server.

`python -m bench.kopf_trial [objects]` prints what docs/decisions/0002-own-finalizer.md quotes.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml
from rich.console import Console
from rich.table import Table

from bench.kopf_operators import RESOURCE, WAYS
from control_plane import ControlPlane

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"
NAMESPACE = "trial"
LIMIT_SECONDS = 300.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """What one phase cost: seconds until all objects were handled, PATCHes, CPU seconds, peak memory in MB."""

    seconds: float
    patches: int
    cpu_seconds: float
    peak_megabytes: float


class Api:
    """The API server, by plain requests."""

    def __init__(self, cluster: ControlPlane) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {cluster.token}"
        self._session.verify = str(cluster.ca_file)
        self._url = cluster.url
        self._objects = f"{self._url}/apis/{RESOURCE[0]}/{RESOURCE[1]}/namespaces/{NAMESPACE}/{RESOURCE[2]}"

    def create(self, count: int) -> None:
        manifest = next(yaml.safe_load_all((ROOT / "manifests/examples/digits.yaml").read_text()))
        for number in range(count):
            body = {**manifest, "metadata": {"name": f"trial-{number}"}}
            self._session.post(self._objects, json=body, timeout=30).raise_for_status()

    def delete(self) -> None:
        self._session.delete(self._objects, timeout=60).raise_for_status()

    def held(self) -> tuple[int, int]:
        """How many objects there are, and how many of them have a finalizer."""
        items = self._session.get(self._objects, timeout=60).json()["items"]
        return len(items), sum(bool(item["metadata"].get("finalizers")) for item in items)

    def patches(self) -> int:
        """How many PATCHes of the objects the API server has answered."""
        text = self._session.get(f"{self._url}/metrics", timeout=30).text
        lines = re.findall(r"^apiserver_request_total\{(.*)\} (\S+)$", text, re.MULTILINE)
        mine = [value for labels, value in lines if f'resource="{RESOURCE[2]}"' in labels and 'verb="PATCH"' in labels]
        return int(sum(map(float, mine)))


class Phase:
    """Measures an operator's process from one moment, or from its start, to the time when something is reached."""

    def __init__(self, api: Api, operator: subprocess.Popen[bytes], *, patches_at_start: int | None = None) -> None:
        self._api = api
        self._operator = operator
        self._pid = operator.pid
        self._began = time.monotonic()
        self._patches = api.patches() if patches_at_start is None else patches_at_start
        self._cpu = self._cpu_seconds() if patches_at_start is None else 0.0

    def until(self, reached: Callable[[], bool]) -> Cost:
        while not reached():
            if time.monotonic() - self._began > LIMIT_SECONDS or self._operator.poll() is not None:
                raise TimeoutError(f"not done after {LIMIT_SECONDS:.0f} s, or the operator has ended")
            time.sleep(0.5)
        seconds = time.monotonic() - self._began
        # What an operator still does behind it belongs to it.
        time.sleep(3)
        return Cost(seconds, self._api.patches() - self._patches, self._cpu_seconds() - self._cpu, self._peak())

    def _cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self._pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def _peak(self) -> float:
        status = Path(f"/proc/{self._pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found.group(1)) / 1024 if found else 0.0


def measure(cluster: ControlPlane, way: str, count: int) -> dict[str, Cost]:
    """Creation, a restart, and deletion of that many objects."""
    api, costs = Api(cluster), {}
    operator = _start(cluster, way)
    try:
        phase = Phase(api, operator)
        api.create(count)
        costs["create"] = phase.until(lambda: api.held() == (count, count))
        _stop(operator)
        patches = api.patches()
        operator = _start(cluster, way)
        costs["restart"] = Phase(api, operator, patches_at_start=patches).until(lambda: True)
        phase = Phase(api, operator)
        api.delete()
        costs["delete"] = phase.until(lambda: api.held()[0] == 0)
    finally:
        _stop(operator)
    return costs


def holds_when_broken(cluster: ControlPlane, way: str) -> bool:
    """Whether an object stays until it has been cleaned up, although the clean-up fails for good."""
    api = Api(cluster)
    operator = _start(cluster, way, "broken")
    try:
        api.create(1)
        Phase(api, operator).until(lambda: api.held() == (1, 1))
        api.delete()
        time.sleep(5)
        return api.held() == (1, 1)
    finally:
        _stop(operator)


def _start(cluster: ControlPlane, way: str, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig), "PYTHONPATH": f"{ROOT / 'operator'}:{ROOT}"}
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.kopf_operators", way, *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(4)
    return process


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def show(results: dict[str, dict[str, Cost]], holds: dict[str, bool], count: int) -> None:
    """Print the figures as a table, and keep them as JSON."""
    table = Table(title=f"{count} objects")
    for column in ("way", "phase", "seconds", "PATCHes", "CPU s", "peak MB"):
        table.add_column(column, justify="left" if column in ("way", "phase") else "right")
    for way, costs in results.items():
        for phase, cost in costs.items():
            figures = (
                f"{cost.seconds:.1f}",
                str(cost.patches),
                f"{cost.cpu_seconds:.1f}",
                f"{cost.peak_megabytes:.0f}",
            )
            table.add_row(way, phase, *figures)
    console = Console()
    console.print(table)
    for way, held in holds.items():
        console.print(f"{way}: an object whose clean-up fails for good is {'held' if held else 'let go uncleaned'}")
    RESULTS.mkdir(exist_ok=True)
    figures_by_way: dict[str, Any] = {
        way: {phase: vars(cost) for phase, cost in costs.items()} for way, costs in results.items()
    }
    (RESULTS / "kopf_trial.json").write_text(
        json.dumps({"objects": count, "ways": figures_by_way, "holds_when_broken": holds}, indent=2) + "\n"
    )


def main() -> None:
    """Measure both ways, one after the other, each on an API server of its own."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    results, holds = {}, {}
    for way in WAYS:
        with ControlPlane.start() as cluster:
            cluster.install(ROOT / "crds")
            cluster.kubectl("create", "namespace", NAMESPACE)
            results[way] = measure(cluster, way, count)
            holds[way] = holds_when_broken(cluster, way)
    show(results, holds, count)


if __name__ == "__main__":
    main()
