"""An HTTP proxy on the loopback interface: tunnels by CONNECT, and plain requests by absolute addresses."""

from __future__ import annotations

import http.client
import select
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

# Nothing holds a connection longer than this, whatever a test forgets.
PATIENCE = 60.0


@dataclass
class Asked:
    """A request to the proxy: `CONNECT host:port` or `GET http://…`, and its headers."""

    line: str
    headers: Mapping[str, str]


@dataclass
class ForwardProxy:
    """The proxy, while the `with` block lasts.

    routes: where a HOST:PORT leads instead, as the port on loopback; others lead nowhere but to loopback itself.
    status: what is answered to everything, unless it is 0.
    """

    routes: dict[str, int] = field(default_factory=dict)
    status: int = 0
    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = _Server(self)
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> ForwardProxy:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE)

    @property
    def lines(self) -> list[str]:
        """What was asked."""
        return [one.line for one in self.asked]

    def port_of(self, authority: str) -> int:
        """The port on loopback that a HOST:PORT leads to."""
        if authority in self.routes:
            return self.routes[authority]
        host, _, port = authority.rpartition(":")
        if host not in ("127.0.0.1", "localhost"):
            raise OSError(f"{authority} is not on loopback")
        return int(port)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, proxy: ForwardProxy) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.proxy = proxy
        self.ended = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = PATIENCE

    def do_CONNECT(self) -> None:
        self._note()
        if self._is_refused():
            return
        with self._reached(self.path) as upstream:
            self.send_response(200)
            self.end_headers()
            self.wfile.flush()
            self._tunnel(upstream)

    def do_GET(self) -> None:
        self._note()
        if self._is_refused():
            return
        parts = urlsplit(self.path)
        port = self.server.proxy.port_of(f"{parts.hostname}:{parts.port or 80}")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        headers = {name: value for name, value in self.headers.items() if not name.lower().startswith("proxy-")}
        connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""), headers=headers)
        response = connection.getresponse()
        body = response.read()
        self.send_response(response.status)
        for name, value in response.getheaders():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        connection.close()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing."""

    def _note(self) -> None:
        self.server.proxy.asked.append(Asked(f"{self.command} {self.path}", dict(self.headers.items())))
        self.close_connection = True

    def _is_refused(self) -> bool:
        if self.server.proxy.status:
            self.send_response(self.server.proxy.status)
            self.send_header("Content-Length", "0")
            self.end_headers()
        return bool(self.server.proxy.status)

    def _reached(self, authority: str) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.server.proxy.port_of(authority)), PATIENCE)

    def _tunnel(self, upstream: socket.socket) -> None:
        """Pass on what comes from either side until one of them ends, or the proxy does."""
        other = {self.connection: upstream, upstream: self.connection}
        while not self.server.ended.is_set():
            readable, _, _ = select.select(list(other), [], [], 0.1)
            for one in readable:
                data = one.recv(65536)
                if not data:
                    return
                other[one].sendall(data)
