"""A server on the loopback interface that answers as slowly, as much or as long as a test says, in raw bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from types import TracebackType

OK = b"HTTP/1.1 200 OK\r\n"
Answer = Callable[[], AsyncIterator[bytes]]


class WickedSource:
    """The server, while the `async with` block lasts.

    answer: yields what is sent to each connection, once something has come. sent: bytes in all.
    """

    def __init__(self, answer: Answer) -> None:
        self.sent = 0
        self.connections = 0
        self._answer = answer
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> WickedSource:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """The address of its only file."""
        return f"http://127.0.0.1:{self.port}/file.rec"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            with suppress(ConnectionError, asyncio.CancelledError):
                await reader.read(1)
                async for data in self._answer():
                    writer.write(data)
                    self.sent += len(data)
                    await writer.drain()
        finally:
            self._tasks.discard(task)
            writer.transport.abort()


async def drips(data: bytes, *, every: bytes = b"a", seconds: float = 0.01) -> AsyncIterator[bytes]:
    """Send the data, and from then on a little again and again."""
    yield data
    while True:
        await asyncio.sleep(seconds)
        yield every


async def floods(data: bytes, every: bytes) -> AsyncIterator[bytes]:
    """Send the data, and from then on as much as is taken."""
    yield data
    while True:
        yield every
        await asyncio.sleep(0)


async def silent() -> AsyncIterator[bytes]:
    """Send nothing."""
    await asyncio.Event().wait()
    yield b""
