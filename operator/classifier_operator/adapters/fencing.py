"""Requests to AWS that go out only while this process may act, asked as late as can be.

botocore's `before-send` is late, also for what it sends by itself again; but a connection may have to be made after it,
which takes seconds, and a process may be stopped in between for hours. So each piece that is handed to the socket asks
once more: of a request that was cut off in the middle AWS does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from botocore.awsrequest import AWSHTTPConnection, AWSHTTPConnectionPool, AWSHTTPSConnection, AWSHTTPSConnectionPool
from botocore.exceptions import BotoCoreError

# The kernel takes a few of these at once; it sends what it has got even if the process is stopped.
PIECE = 256 * 1024


class NotHeldError(BotoCoreError):  # type: ignore[misc]
    """The process does not hold the Lease any more."""

    fmt = "not sent: this process does not hold the Lease any more"


def fence(client: Any, holds: Callable[[], bool]) -> Any:
    """The client, from now on only for those who may act."""

    def check(**_: Any) -> None:
        if not holds():
            raise NotHeldError

    client.meta.events.register_first("before-send.*.*", check)
    pools = _pools(check)
    # The one way to botocore's connections; tests/adapters/test_fencing.py would notice if it led elsewhere.
    session = client._endpoint.http_session
    session._pool_classes_by_scheme = pools
    session._manager.pool_classes_by_scheme = pools
    return client


def _pools(check: Callable[[], None]) -> dict[str, Any]:
    class Plain(AWSHTTPConnection):  # type: ignore[misc]
        def send(self, data: Any) -> None:
            for piece in _pieces(data):
                check()
                super().send(piece)

    class Encrypted(AWSHTTPSConnection):  # type: ignore[misc]
        def send(self, data: Any) -> None:
            for piece in _pieces(data):
                check()
                super().send(piece)

    class PlainPool(AWSHTTPConnectionPool):  # type: ignore[misc]
        ConnectionCls = Plain

    class EncryptedPool(AWSHTTPSConnectionPool):  # type: ignore[misc]
        ConnectionCls = Encrypted

    return {"http": PlainPool, "https": EncryptedPool}


def _pieces(data: Any) -> Iterator[Any]:
    """Bytes in pieces; a file comes in blocks already, each by itself."""
    if not isinstance(data, (bytes, bytearray, memoryview)) or len(data) <= PIECE:
        yield data
        return
    view = memoryview(data)
    for begin in range(0, len(view), PIECE):
        yield view[begin : begin + PIECE]
