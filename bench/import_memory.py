"""How much memory does fetching inputs take, and how fast is it? Measured in a process of its own, with large files.

`python -m bench.import_memory [megabytes]` prints what docs/decisions/0011-imports.md quotes: two files at a time, over
https, into the emulated S3, by the operator's own parts; the resident memory is compared with that before the first.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import boto3
from rich.console import Console
from rich.table import Table
from tests.web_source import WebSource

from classifier_operator.adapters.aws import Aws
from classifier_operator.adapters.clock import SystemClock
from classifier_operator.adapters.web import WebSources
from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.api.ledger import Place
from classifier_operator.runtime.importing.imports import Importer
from classifier_operator.runtime.importing.netguard import rules_of
from classifier_operator.runtime.importing.transfer import limits_of
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.runtime.pacing.limits import RateLimits
from classifier_operator.runtime.troubles import Backoff
from classifier_operator.training.fetches import Fetch, ImportCall, Phase
from sagemaker_emulator.server import EmulatorProcess

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"
MEGABYTES = 512
LIMIT = 64 * 1024**2
FILES = 2
BUCKET = "import"
KEY = ObjectKey(Kind.TRAINING, "bench", "import")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Measure for small parts, which is usual, and for the largest, which only the largest files need."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else MEGABYTES
    rows = {
        "100 GiB allowed": _measured(megabytes, 100 * 1024**3, says_size=True),
        "size unknown, 230 GiB allowed": _measured(megabytes, 230 * 1024**3, says_size=False),
    }
    table = Table(title=f"{FILES} files of {megabytes} MiB at a time")
    for heading in ("files", "memory, MiB", "seconds", "MiB/s"):
        table.add_column(heading, justify="right" if heading != "files" else "left")
    for name, row in rows.items():
        table.add_row(name, f"{row['megabytes']:.1f}", f"{row['seconds']:.1f}", f"{row['rate']:.0f}")
    Console().print(table)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "import_memory.json").write_text(json.dumps({"file megabytes": megabytes, **rows}, indent=1) + "\n")


def _measured(megabytes: int, most_bytes: int, *, says_size: bool) -> dict[str, float]:
    """Run the measured process between a source and an S3."""
    content = os.urandom(1024**2) * megabytes
    sha256 = hashlib.sha256(content).hexdigest()
    with (
        tempfile.TemporaryDirectory() as folder,
        WebSource(Path(folder) / "authority") as web,
        EmulatorProcess() as aws,
    ):
        boto3.client("s3", endpoint_url=aws.url, region_name="us-east-1", **_KEYS).create_bucket(Bucket=BUCKET)
        for number in range(FILES):
            web.put(f"/{number}.rec", content, chunked=not says_size)
        environment = {
            **os.environ,
            "PYTHONPATH": f"{ROOT}:{ROOT / 'operator'}",
            "AWS_ENDPOINT_URL": aws.url,
            "AWS_ACCESS_KEY_ID": _KEYS["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": _KEYS["aws_secret_access_key"],
            "SSL_CERT_FILE": str(web.ca),
        }
        command = [sys.executable, "-c", "from bench.import_memory import child; child()"]
        asked = json.dumps({"url": web.named_url, "sha256": sha256, "most_bytes": most_bytes})
        done = subprocess.run(
            [*command, asked], env=environment, capture_output=True, text=True, check=True, timeout=600
        )
    answer: dict[str, float] = json.loads(done.stdout)
    answer["rate"] = FILES * megabytes / answer["seconds"]
    return answer


def child() -> None:
    """The measured process: fetches the files, and prints what it took."""
    print(json.dumps(asyncio.run(_fetch(**json.loads(sys.argv[1])))))


async def _fetch(url: str, sha256: str, most_bytes: int) -> dict[str, float]:
    metrics, clock = Metrics(), SystemClock()
    aws = Aws(RateLimits(clock.monotonic, {"": (1000.0, 1000.0)}), metrics)
    news = asyncio.Event()
    importer = Importer(
        WebSources(rules_of(["localhost"])),
        aws,
        clock,
        changed=lambda *_: news.set(),
        limits=limits_of(most_bytes, FILES),
        concurrency=FILES,
        interval=5.0,
        backoff=Backoff(),
    )
    place = Place("us-east-1")
    # Clients and their models are there in any operator.
    await aws.call_s3(place, "ListMultipartUploads", {"Bucket": BUCKET})
    fetches = [
        Fetch(place=place, s3_uri=f"s3://{BUCKET}/{n}.rec", url=f"{url}/{n}.rec", sha256=sha256, path="spec.inputs[x]")
        for n in range(FILES)
    ]
    memory = _Memory()
    began = time.monotonic()
    for fetch in fetches:
        importer.run(KEY, ImportCall(fetch=fetch, run="1"))
    while not all(importer.of(KEY).is_in_place(fetch) for fetch in fetches):
        await news.wait()
        news.clear()
        for fetch, progress in importer.of(KEY).transfers.items():
            if progress.phase is Phase.FAILED:
                raise SystemExit(str(progress.trouble))
            if progress.phase is Phase.RECORDING:
                importer.run(KEY, ImportCall(fetch=fetch, run="1", recorded=progress.upload))
    seconds = time.monotonic() - began
    return {"megabytes": memory.most() / 1024**2, "seconds": seconds}


class _Memory:
    """The largest resident memory since the start, above that at the start."""

    def __init__(self) -> None:
        self._first = self._largest = _resident()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def most(self) -> int:
        self._ended.set()
        self._thread.join()
        return self._largest - self._first

    def _watch(self) -> None:
        while not self._ended.wait(0.002):
            self._largest = max(self._largest, _resident())


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


_KEYS = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "secret"}

if __name__ == "__main__":
    main()
