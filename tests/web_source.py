"""A web server on the loopback interface that has files, and everything wrong with it that a test asks for."""

from __future__ import annotations

import re
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from control_plane.credentials import make_credentials

CHUNK = 64 * 1024
# Nothing holds a connection longer than this, whatever a test forgets.
PATIENCE = 60.0


@dataclass
class WebFile:
    """A file, and how it is served.

    statuses: what is answered instead, once for each, with `excuse` as the body.
    ends_after: so many bytes, then the connection is closed, or reset; once for each.
    says: a Content-Length that is not true. holds_after: so many bytes, then nothing until `go_on` is set.
    """

    content: bytes = b""
    etag: str = '"1"'
    modified: str = ""
    ranges: bool = True
    ignores_if_range: bool = False
    chunked: bool = False
    redirect: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    statuses: deque[int] = field(default_factory=deque)
    excuse: str = ""
    ends_after: deque[int] = field(default_factory=deque)
    resets: bool = False
    says: int | None = None
    holds_after: int | None = None
    go_on: threading.Event = field(default_factory=threading.Event)


@dataclass
class Asked:
    """A request that was answered."""

    path: str
    headers: dict[str, str]
    sent: int = 0


class WebSource:
    """The server. `url` begins the addresses of its files; with a folder for its certificate it speaks https.

    ca: the authority that a client has to trust.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.files: dict[str, WebFile] = {}
        self.asked: list[Asked] = []
        self.ca: Path | None = None
        self._server = _Server(self)
        scheme = "http"
        if folder is not None:
            credentials = make_credentials(folder)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(credentials.certificate, credentials.key)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
            self.ca, scheme = credentials.ca, "https"
        self.port: int = self._server.server_address[1]
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self.named_url = f"{scheme}://localhost:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> WebSource:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self.files.values():
            file.go_on.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE)

    def put(self, path: str, content: bytes = b"", **how: Any) -> WebFile:
        """Have a file."""
        self.files[path] = WebFile(content, **how)
        return self.files[path]

    def sent(self, path: str) -> int:
        """Bytes that were sent of a file in all."""
        return sum(one.sent for one in self.asked if one.path.partition("?")[0] == path)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, source: WebSource) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.source = source

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away, or do not trust the certificate, are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = PATIENCE

    def do_GET(self) -> None:
        asked = Asked(self.path, dict(self.headers.items()))
        self.server.source.asked.append(asked)
        file = self.server.source.files.get(self.path.partition("?")[0])
        if file is None:
            self._plain(404)
        elif file.statuses:
            self._plain(file.statuses.popleft(), file.excuse)
        elif file.redirect:
            self._plain(302, file.excuse, Location=file.redirect)
        else:
            self._serve(file, asked)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing."""

    def _plain(self, status: int, body: str = "", **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def _serve(self, file: WebFile, asked: Asked) -> None:
        start = self._start(file)
        body = memoryview(file.content)[start:]
        self.send_response(206 if start else 200)
        if start:
            total = len(file.content)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        described = {"ETag": file.etag, "Last-Modified": file.modified, **file.headers}
        for name, value in described.items():
            if value:
                self.send_header(name, value)
        if file.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(body) if file.says is None else file.says))
        self.end_headers()
        self._send(file, body, asked)

    def _start(self, file: WebFile) -> int:
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        fits = file.ignores_if_range or self.headers.get("If-Range", "") in (file.etag, file.modified)
        return int(asked[1]) if asked and file.ranges and fits else 0

    def _send(self, file: WebFile, body: memoryview, asked: Asked) -> None:
        end = file.ends_after.popleft() if file.ends_after else None
        while asked.sent < len(body) and asked.sent != end:
            stops = [stop for stop in (end, file.holds_after) if stop is not None and stop > asked.sent]
            size = min([CHUNK, *(stop - asked.sent for stop in stops)])
            data = bytes(body[asked.sent : asked.sent + size])
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data) if file.chunked else data)
            asked.sent += len(data)
            if asked.sent == file.holds_after:
                self.wfile.flush()
                file.go_on.wait(PATIENCE)
        if file.resets and end is not None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif file.chunked and end is None:
            self.wfile.write(b"0\r\n\r\n")
