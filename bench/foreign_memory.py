"""How much memory does an object of another shard take? Measured in this process, by what Python has allocated.

`python -m bench.foreign_memory [objects]` prints what docs/decisions/0014-lease.md quotes. kopf remembers each object
that it has ever told of, whoever's it is; its part is measured beside ours.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kopf
import yaml
from kopf._core.reactor.inventory import ResourceMemories
from rich.console import Console
from rich.table import Table

from classifier_operator.runtime.election.shards import Shard, shard_of
from classifier_operator.runtime.store import Store

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"
OBJECTS = 10_000
SHARDS = 5


def main() -> None:
    """Measure each kind and owner."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else OBJECTS
    training, endpoint = yaml.safe_load_all((ROOT / "manifests/examples/digits.yaml").read_text())
    rows = {
        "a training of its own": _measured(count, training, is_own=True),
        "another shard's training": _measured(count, training, is_own=False),
        "another shard's endpoint": _measured(count, endpoint, is_own=False),
    }
    table = Table(title=f"bytes for each of {count} objects")
    for heading in ("object", "the operator's memory", "kopf's"):
        table.add_column(heading, justify="right" if heading != "object" else "left")
    for name, row in rows.items():
        table.add_row(name, f"{row['store']:.0f}", f"{row['kopf']:.0f}")
    Console().print(table)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "foreign_memory.json").write_text(json.dumps({"objects": count, **rows}, indent=1) + "\n")


def _measured(count: int, manifest: dict[str, Any], *, is_own: bool) -> dict[str, float]:
    names = (f"model-{number}" for number in range(count * 2 * SHARDS))
    chosen = [name for name in names if (shard_of("bench", name, SHARDS) == 1) is is_own][:count]
    store = Store(lambda *_: None, Shard(1, SHARDS))
    memories: Any = ResourceMemories()
    memo = kopf.Memo(operator=object(), app=object())

    def remember(body: dict[str, Any]) -> None:
        asyncio.run(memories.recall(body, memobase=memo))

    return {
        "store": _bytes_each(chosen, manifest, store.put),
        "kopf": _bytes_each(chosen, manifest, remember),
    }


def _bytes_each(names: list[str], manifest: dict[str, Any], keep: Callable[[dict[str, Any]], object]) -> float:
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number, name in enumerate(names):
        keep(json.loads(json.dumps(_body(manifest, name, number))))
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / len(names)


def _body(manifest: dict[str, Any], name: str, number: int) -> dict[str, Any]:
    """The object as the API server has it when it is settled, with what kubectl and the operator have written."""
    job = f"bench-{name}-5f2c9a81-1"
    ready = {"type": "Ready", "status": "True", "reason": "Completed", "message": f"{job} has completed"}
    artifact = f"s3://bucket/digits/output/{job}/output/model.tar.gz"
    return {
        **manifest,
        "metadata": {
            "name": name,
            "namespace": "bench",
            "uid": f"00000000-0000-0000-0000-{number:012d}",
            "resourceVersion": str(number + 1),
            "generation": 1,
            "creationTimestamp": "2026-11-24T12:00:00Z",
            "finalizers": ["classifiers.sagemaker.dev/finalizer"],
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(manifest)},
            "managedFields": [{"manager": "kubectl", "fieldsV1": {"f:spec": {}}}] * 3,
        },
        "status": {
            "observedGeneration": 1,
            "conditions": [{**ready, "observedGeneration": 1, "lastTransitionTime": "2026-11-24T12:00:00Z"}],
            "jobName": job,
            "jobArn": f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{job}",
            "image": "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1",
            "modelArtifacts": {"s3Uri": artifact, "jobName": job},
            "history": [{"jobName": job, "jobStatus": "Completed", "artifactS3Uri": artifact}],
        },
    }


if __name__ == "__main__":
    main()
