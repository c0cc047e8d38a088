"""Servers that keep what a client sends byte for byte: one passes it on as it is, one answers by itself."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlsplit

_SECONDS = 30.0
_CHUNK = 2**16


class Request(NamedTuple):
    """A request as it was sent: nothing of it is decoded."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    def header(self, name: str) -> str:
        """The value of a header, by its name in lower case; nothing where it is absent."""
        return dict(self.headers).get(name, "")


class NotHttpError(Exception):
    """What was sent is no well-formed HTTP/1.1: somebody has got a line of his own into it."""


class Listening:
    """A server on loopback, by plain HTTP, while the `with` block lasts. `url`: where it listens."""

    def __init__(self) -> None:
        self._streams: list[bytearray] = []
        self._open: set[asyncio.StreamWriter] = set()
        self._taken: list[Request] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._ready = threading.Event()
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_SECONDS)

    def requests(self) -> list[Request]:
        """All that were sent in whole so far. Raises NotHttpError."""
        self._taken += self.take()
        return list(self._taken)

    def take(self) -> list[Request]:
        """Those that were sent in whole since the last time. Raises NotHttpError."""
        found = []
        for stream in tuple(self._streams):
            requests, end = requests_in(bytes(stream))
            found += requests
            del stream[:end]
        return found

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray) -> None:
        """Keep what is read of a connection, and have it answered."""
        raise NotImplementedError

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._connected, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self) -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for writer in self._open:
            writer.transport.abort()
        await asyncio.wait(left, timeout=_SECONDS) if left else await asyncio.sleep(0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kept = bytearray()
        self._streams.append(kept)
        self._open.add(writer)
        with suppress(OSError):
            await self.converse(reader, writer, kept)
        writer.close()


class Wire(Listening):
    """A server in front of another one."""

    def __init__(self, upstream: str, context: ssl.SSLContext | None = None) -> None:
        super().__init__()
        parts = urlsplit(upstream)
        self._host, self._port, self._context = str(parts.hostname), parts.port, context

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray) -> None:
        """Pass on in both directions."""
        there, beyond = await asyncio.open_connection(self._host, self._port, ssl=self._context)
        self._open.add(beyond)
        await asyncio.gather(_pump(reader, beyond, kept), _pump(there, writer, bytearray()))


class Answering(Listening):
    """A server that answers each request with what `answer` makes of it: the status and the body, as JSON."""

    def __init__(self, answer: Callable[[Request], tuple[int, bytes]]) -> None:
        super().__init__()
        self._answer = answer

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray) -> None:
        """Answer one request after the other; what is none is kept, and answered by the end of the connection."""
        unanswered = b""
        while data := await reader.read(_CHUNK):
            kept += data
            unanswered += data
            with suppress(NotHttpError):
                requests, end = requests_in(unanswered)
                unanswered = unanswered[end:]
                for request in requests:
                    status, body = self._answer(request)
                    head = f"HTTP/1.1 {status} Answer\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
                    writer.write(f"{head}\r\n\r\n".encode() + (b"" if request.method == "HEAD" else body))
                continue
            return


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            kept += data
            writer.write(data)
            await writer.drain()
    writer.close()


def requests_in(stream: bytes) -> tuple[list[Request], int]:
    """The requests of a connection, and where the last one that was sent in whole ends. Raises NotHttpError."""
    found, at = [], 0
    while (end_of_head := stream.find(b"\r\n\r\n", at)) >= 0:
        first, *lines = stream[at:end_of_head].decode("latin-1").split("\r\n")
        words = first.split(" ")
        if len(words) != 3 or not words[0].isalpha() or not words[1].startswith("/") or words[2] != "HTTP/1.1":
            raise NotHttpError(f"{first!r} begins no request")
        headers = tuple(_header(line) for line in lines)
        length = _length(dict(headers), stream, end_of_head + 4)
        if length is None:
            break
        at = end_of_head + 4 + length
        found.append(Request(words[0], words[1], headers, stream[end_of_head + 4 : at]))
    return found, at


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    # A line that begins with a space would go on with the value before (RFC 9112, 5.2): nobody here sends that.
    if not colon or not name or not all(letter.isalnum() or letter in "-_" for letter in name):
        raise NotHttpError(f"{line!r} is no header")
    if any(letter in value for letter in "\r\n\0"):
        raise NotHttpError(f"{line!r} has no value of a header")
    return name.lower(), value.strip()


def _length(headers: dict[str, str], stream: bytes, start: int) -> int | None:
    """The length of the body that begins there; None while it is not there in whole."""
    if headers.get("transfer-encoding") == "chunked":
        end = stream.find(b"0\r\n\r\n", start)
        return None if end < 0 else end + 5 - start
    length = int(headers.get("content-length", "0"))
    return length if len(stream) >= start + length else None
