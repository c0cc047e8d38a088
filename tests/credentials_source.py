"""Credentials that renew themselves and may become another account's: an endpoint such as EKS Pod Identity has."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

import boto3

REGION = "us-east-1"
# They are renewed when less than ten minutes of them are left (botocore): at each call.
LASTING = timedelta(minutes=5)


class CredentialsSource:
    """A server of one set of credentials, which a test changes."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self.given = dict(given)
        source = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps({**source.given, "Expiration": _later()}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which an operator has these credentials, and no others."""
        url = f"http://127.0.0.1:{self._server.server_address[1]}/credentials"
        others = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), "")
        return {**others, "AWS_CONTAINER_CREDENTIALS_FULL_URI": url}

    def become(self, given: Mapping[str, str]) -> None:
        """From the next call on it is another set."""
        self.given = dict(given)

    def __enter__(self) -> CredentialsSource:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def credentials_of(url: str, role: str, key: str = "x") -> dict[str, str]:
    """Credentials of a role, as an endpoint serves them; `key` may assume it."""
    sts = boto3.client(
        "sts", endpoint_url=url, region_name=REGION, aws_access_key_id=key, aws_secret_access_key="unchecked"
    )
    given = sts.assume_role(RoleArn=role, RoleSessionName="operator")["Credentials"]
    sts.close()
    names = {"AccessKeyId": "AccessKeyId", "SecretAccessKey": "SecretAccessKey", "SessionToken": "Token"}
    return {there: str(given[here]) for here, there in names.items()}


def _later() -> str:
    return (datetime.now(UTC) + LASTING).strftime("%Y-%m-%dT%H:%M:%SZ")
