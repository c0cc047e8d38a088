"""A server between the operator and the emulated AWS that changes what it is told to, and a source of credentials.

The secrets that it hands out are canaries: marked, so that they are found wherever they get to.
"""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections import Counter, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

MARK = "cAnArY"
SECONDS = 60.0
_STS = re.compile(rb"<(SecretAccessKey|SessionToken)>[^<]+</")
_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host"})


def canary(of: str) -> str:
    """A secret, long enough to be none of the words that are not."""
    return f"{MARK}-{of}-0123456789"


class Mirror:
    """The server, at `url`.

    seen: how often each canary was sent by the operator: it uses what it must not show.
    cut: operations whose next answers are cut off in the middle. refused: operations that are refused once, in the
    Query protocol, with these code and words. refuse_credentials: they are refused, with the request
    in the refusal. invocation: what every InvokeEndpoint is answered with; None: what the emulator says.
    """

    def __init__(self, aws_url: str) -> None:
        self.seen: Counter[str] = Counter()
        self.cut: deque[str] = deque()
        self.refused: dict[str, tuple[str, str]] = {}
        self.refuse_credentials = False
        self.invocation: bytes | None = None
        self._target = urlsplit(aws_url).netloc
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.credentials_url = f"{self.url}/credentials"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Mirror:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(SECONDS)

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        """The emulator's answer, changed; or credentials."""
        sent = json.dumps(headers) + body.decode("latin-1")
        self.seen.update(set(re.findall(rf"{MARK}-([a-z-]+)-\d", sent)))
        if path == "/credentials":
            return self._credentials(headers)
        if self.invocation is not None and path.endswith("/invocations"):
            return 200, {"Content-Type": "application/json"}, self.invocation
        if operation := next((one for one in self.refused if one in sent), None):
            code, words = self.refused.pop(operation)
            error = f"<ErrorResponse><Error><Code>{code}</Code><Message>{words}</Message></Error></ErrorResponse>"
            return 400, {"Content-Type": "text/xml"}, error.encode()
        connection = http.client.HTTPConnection(self._target, timeout=SECONDS)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            # The answer to HEAD says how long the content is that it does not bring.
            dropped = _HOP - {"content-length"} if method == "HEAD" else _HOP
            given = {name.title(): value for name, value in answer.getheaders() if name.lower() not in dropped}
            content = answer.read()
        finally:
            connection.close()
        content = _STS.sub(lambda found: b"<%b>%b</" % (found[1], canary("sts").encode()), content)
        target = path + headers.get("X-Amz-Target", "") + body.decode("latin-1")[:200]
        if self.cut and self.cut[0] in target:
            self.cut.popleft()
            end = content.find(b"</SessionToken>")
            content = content[: end if end > 0 else len(content) // 2]
        return answer.status, given, content

    def _credentials(self, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        if self.refuse_credentials:
            return 500, {}, f"not for you: {json.dumps(headers)}".encode()
        given = {
            "AccessKeyId": "ASIACANARYCANARY0002",
            "SecretAccessKey": canary("container-secret"),
            "Token": canary("container-session"),
            "Expiration": "2099-01-01T00:00:00Z",
        }
        return 200, {"Content-Type": "application/json"}, json.dumps(given).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, mirror: Mirror) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.mirror = mirror

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that are killed are part of the tests, and an emulator that cuts connections, too."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = SECONDS

    def handle_one_request(self) -> None:
        """Any method."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        length = int(self.headers.get("Content-Length", 0))
        if self.headers.get("Expect"):
            self.send_response_only(100)
            self.end_headers()
        body = self.rfile.read(length)
        try:
            status, headers, content = self.server.mirror.answer(
                self.command, self.path, dict(self.headers.items()), body
            )
        except (OSError, http.client.HTTPException):
            self.close_connection = True
            return
        self.send_response_only(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
