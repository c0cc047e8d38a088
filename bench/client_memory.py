"""How much memory do roles take that AWS refuses, and those that it accepts? Measured as a process's resident size.

`python -m bench.client_memory [roles]` prints what docs/operations/tuning.md quotes: a namespace may name any role.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import sys
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from rich.console import Console
from rich.table import Table

from classifier_operator.adapters.aws import Aws
from classifier_operator.api.ledger import Place
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.runtime.pacing.limits import RateLimits
from classifier_operator.sagemaker.refusals import AwsRefusal

RESULTS = Path(__file__).resolve().parent / "results"
ROLES = 350
_DENIED = (
    b'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
    b"<Code>AccessDenied</Code><Message>not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>"
)
_GIVEN = (
    b'<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
    b"<AccessKeyId>AKIAIOSFODNN7EXAMPLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>"
    b"<SessionToken>token</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration>"
    b"</Credentials></AssumeRoleResult></AssumeRoleResponse>"
)


def main() -> None:
    """Measure both, each in a process of its own."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else ROLES
    rows = {}
    for name, is_accepted in (("refused", False), ("accepted", True)):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            rows[name] = pool.apply(_measured, (count, is_accepted))
    table = Table(title=f"resident memory after {count} roles, beyond that of one")
    for heading in ("roles", "MB"):
        table.add_column(heading, justify="right" if heading != "roles" else "left")
    for name, megabytes in rows.items():
        table.add_row(name, f"{megabytes:.1f}")
    Console().print(table)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "client_memory.json").write_text(json.dumps({"roles": count, **rows}, indent=1) + "\n")


def _measured(count: int, is_accepted: bool) -> float:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(is_accepted))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return asyncio.run(_grown(count))


async def _grown(count: int) -> float:
    aws = Aws(RateLimits(time.monotonic, {"": (1000.0, 1000.0)}), Metrics())

    async def call(number: int) -> None:
        place = Place("us-east-1", f"arn:aws:iam::{number:012}:role/made-up", f"team-{number}")
        with suppress(AwsRefusal):
            await aws.call(place, "ListModels", {})

    await call(0)
    before = _resident()
    for number in range(1, count):
        await call(number)
    return round((_resident() - before) / 1e6, 1)


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _handler(is_accepted: bool) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if b"AssumeRole" not in body:
                self._say(200, b"{}")
            elif is_accepted:
                self._say(200, _GIVEN)
            else:
                self._say(403, _DENIED)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

        def _say(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


if __name__ == "__main__":
    main()
