"""The other AWS services, by moto: the WSGI application, and clients that call it without a socket.

The SageMaker side reads channels, writes artifacts and log lines, and looks at roles and alarms through
ordinary boto3 clients whose requests are handed to moto in this process. They pass no fault injection and no call log,
as AWS's own inner calls do not.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import boto3
import botocore.exceptions
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from moto.core.base_backend import BackendDict
from moto.core.request import PRESERVED_HEADER_NAMES_ENVIRON_KEY, environ_key_for_header
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import run_wsgi_app

from sagemaker_emulator import moto_costs

Headers = Iterable[tuple[str, str]]
Answer = tuple[int, list[tuple[str, str]], bytes]
ACCOUNT_HEADER = "x-moto-account-id"
ClientError = botocore.exceptions.ClientError


class Moto:
    """moto's server application, called as a function.

    moto keeps its state per process, so there is one of these at a time.
    """

    def __init__(self, default_account: str) -> None:
        moto_costs.reduce()
        self.default_account = default_account
        self._app = DomainDispatcherApplication(create_backend_app)
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._accounts: dict[str, str] = {}
        self._lock = threading.Lock()

    def answer(self, method: str, target: str, headers: Headers, body: bytes, *, account: str) -> Answer:
        """Moto's answer to an HTTP request; `target` is the raw path with query."""
        environ = wsgi_environ(method, target, [*headers, (ACCOUNT_HEADER, account)], body)
        chunks, status, response_headers = run_wsgi_app(self._app, environ, buffered=True)
        return int(status.split()[0]), list(response_headers.items()), b"".join(chunks)

    def client(self, service: str, *, account: str, region: str) -> Any:
        """A boto3 client of `service` that acts as `account`, made once."""
        key = (service, account, region)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._new_client(*key)
            return self._clients[key]

    def account_of(self, access_key: str) -> str:
        """The account that an access key belongs to: that of the role for AssumeRole's, else the default one."""
        if access_key not in self._accounts:
            self._accounts[access_key] = self._ask_account(access_key)
        return self._accounts[access_key]

    def reset(self, keep: Collection[str] = ()) -> None:
        """Forget every resource of every service but those to keep."""
        self._accounts.clear()
        backends = BackendDict._instances
        kept = [one for one in backends if one.service_name in keep]
        backends[:] = [one for one in backends if one.service_name not in keep]
        self.answer("POST", "/moto-api/reset", [("Host", "emulator")], b"", account=self.default_account)
        backends.extend(one for one in kept if one not in backends)

    def _ask_account(self, access_key: str) -> str:
        scope = f"{access_key}/20260101/us-east-1/sts/aws4_request"
        headers = [
            ("Host", "sts.amazonaws.com"),
            ("Authorization", f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ]
        body = b"Action=GetCallerIdentity&Version=2011-06-15"
        environ = wsgi_environ("POST", "/", headers, body)
        chunks, _, _ = run_wsgi_app(self._app, environ, buffered=True)
        found = re.search(rb"<Account>(\d{12})</Account>", b"".join(chunks))
        account = found.group(1).decode() if found else MOTO_ACCOUNT
        # moto answers its own default for keys that it has not made itself.
        return self.default_account if account == MOTO_ACCOUNT else account

    def _new_client(self, service: str, account: str, region: str) -> Any:
        client = boto3.Session().client(
            service,
            region_name=region,
            endpoint_url="http://emulator",
            aws_access_key_id="emulator",
            aws_secret_access_key="emulator",  # noqa: S106  # moto checks no signature
            config=Config(
                s3={"addressing_style": "path"},
                retries={"total_max_attempts": 1},
                ignore_configured_endpoint_urls=True,
            ),
        )
        client.meta.events.register("before-send.*.*", self._sender(account))
        return client

    def _sender(self, account: str) -> Callable[..., AWSResponse]:
        def send(request: Any, **_: Any) -> AWSResponse:
            parts = urlsplit(request.url)
            target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
            headers = [(name, _text(value)) for name, value in request.headers.items()]
            status, answered, body = self.answer(
                request.method, target, [("Host", parts.netloc), *headers], _body_of(request), account=account
            )
            return AWSResponse(request.url, status, dict(answered), RawBody(body))

        return send


MOTO_ACCOUNT = "123456789012"


class RawBody(io.BytesIO):
    """The part of urllib3's response that botocore reads from."""

    def stream(self, amount: int = 65_536, **_: Any) -> Iterator[bytes]:
        while chunk := self.read(amount):
            yield chunk


def wsgi_environ(method: str, target: str, headers: Headers, body: bytes) -> dict[str, Any]:
    """The WSGI environment of a request whose raw path and query is `target`."""
    path, _, query = target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "RAW_URI": target,
        "REQUEST_URI": target,
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    environ.update(_header_variables(headers))
    environ["CONTENT_LENGTH"] = str(len(body))
    return environ


def _header_variables(headers: Headers) -> dict[str, Any]:
    """Headers as WSGI variables; names with an underscore are kept for moto, as its own server does."""
    values: dict[str, Any] = {}
    spelled: dict[str, str] = {}
    for name, value in headers:
        key = environ_key_for_header(name)
        if name.lower() in ("transfer-encoding", "connection", "expect"):
            continue
        values[key] = f"{values[key]},{value}" if key in values else value
        if "_" in name:
            spelled[key] = name
    values[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = spelled
    return values


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _body_of(request: Any) -> bytes:
    body = request.body
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    return bytes(body.read() if hasattr(body, "read") else body)


def split_s3_uri(uri: str) -> tuple[str, str]:
    """Bucket and key (or prefix) of `s3://bucket/key`."""
    parts = urlsplit(uri)
    return parts.netloc, parts.path.removeprefix("/")
