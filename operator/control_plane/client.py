"""Owns plain HTTPS calls to a server on loopback, trusted by the control plane's own authority.

No proxy, no retries, a connection per call: enough to ask whether a server is ready, and for the few calls
that kubectl has no command for.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from control_plane.credentials import Credentials
from control_plane.errors import ControlPlaneError

_SECONDS: Final = 10.0


@dataclass(frozen=True)
class LoopbackClient:
    """A caller of one port."""

    port: int
    context: ssl.SSLContext
    headers: Mapping[str, str]

    @classmethod
    def for_apiserver(cls, port: int, credentials: Credentials) -> LoopbackClient:
        """Return a client that is the administrator, by token."""
        return cls(port, _trusting(credentials), {"Authorization": f"Bearer {credentials.token}"})

    @classmethod
    def for_etcd(cls, port: int, credentials: Credentials) -> LoopbackClient:
        """Return a client that shows the certificate that etcd asks for."""
        context = _trusting(credentials)
        context.load_cert_chain(credentials.certificate, credentials.key)
        return cls(port, context, {})

    def is_ok(self, path: str) -> bool:
        """Tell whether a GET answers 200; a server that does not answer is not ok."""
        try:
            return self._call("GET", path, None)[0] == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to a JSON POST; raises ControlPlaneError with the server's words."""
        try:
            status, text = self._call("POST", path, json.dumps(body))
        except (OSError, http.client.HTTPException) as error:
            raise ControlPlaneError(f"POST https://127.0.0.1:{self.port}{path}: {error}") from error
        if status >= http.HTTPStatus.BAD_REQUEST:
            raise ControlPlaneError(f"POST {path} was answered with {status}: {text}")
        answer: dict[str, Any] = json.loads(text)
        return answer

    def _call(self, method: str, path: str, body: str | None) -> tuple[int, str]:
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=_SECONDS, context=self.context)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json", **self.headers})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()


def _trusting(credentials: Credentials) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=credentials.ca)
