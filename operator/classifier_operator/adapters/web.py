"""Files of the web by aiohttp: a stream, from addresses that the guard has looked at, redirects followed by hand.

A request says as little as it can: no cookies, no credentials of any kind, no proxy of the environment, a plain user
agent. Each request has a connection of its own, whose every socket is made by `_Gate`: an address that the guard has
not seen cannot be connected to, whatever resolved it. Hosts that the settings name are asked by the proxy that they
name: then every socket is the proxy's.

Every wait for a server has an end, however it keeps one waiting: the headers have a deadline, redirects and all, and
the body a least rate at which it has to come.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from functools import partial
from http import HTTPStatus
from typing import Any, cast

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from classifier_operator.adapters.daemon_threads import DaemonThreads
from classifier_operator.runtime.importing.netguard import Location, Rules, check_address, located, redirected
from classifier_operator.runtime.ports import BadSourceError, SourceUnavailableError

USER_AGENT = "classifier-operator"
MOST_REDIRECTS = 5
CONNECT_SECONDS = 30.0
# From the first look at the host's name to the file's headers, with all redirects.
OPEN_SECONDS = 60.0
# The server must send something, however little, once in this time.
IDLE_SECONDS = 60.0
# And the body, on average over a window of so many seconds, at so many bytes a second: 80 kbit/s, which the slowest
# links that data sets are fetched by have many times over.
WINDOW_SECONDS = 60.0
LEAST_RATE = 10_000
CLOSE_SECONDS = 5.0
# Chunks of a byte each cost as much of the event loop's time as large ones: of so many bytes that came, most must be of
# the body.
_MEASURED = 1024**2
_BODY_PART = 0.9
# Look-ups of names that nobody waits for any more may last; so many at a time, each in a thread.
MOST_LOOKUPS = 16
_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_connect=10.0, sock_read=IDLE_SECONDS)

# It is kept in the status.
VALIDATOR_LIMIT = 256
# And goes into a header again.
_VALIDATOR = re.compile(rf"[ -~]{{1,{VALIDATOR_LIMIT}}}")
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# 407 is the proxy's: its password may be changed.
_LATER = frozenset({407, 408, 425, 429})
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_FAILURES = (aiohttp.ClientError, TimeoutError, OSError)


class WebSources:
    """Opens files of the web."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    async def open(self, url: str, *, offset: int = 0, validator: str = "") -> WebSource:
        """Begin to read: at `offset`, if the file still has that validator and the server can; else at the beginning.

        Raises:
            NotAllowedError: the guard refuses the address, or one that it redirects to.
            BadSourceError, SourceUnavailableError: the server does not give the file.

        """
        location = located(url, self._rules)
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                return await self._open(location, offset, validator)
        except TimeoutError as error:
            raise SourceUnavailableError(f"{location.shown}: no answer within {OPEN_SECONDS:.0f} s") from error

    async def _open(self, location: Location, offset: int, validator: str) -> WebSource:
        # It comes from the object's status, where anything may stand.
        is_usable = offset and _VALIDATOR.fullmatch(validator)
        headers = {"Range": f"bytes={offset}-", "If-Range": validator} if is_usable else {}
        for _ in range(MOST_REDIRECTS + 1):
            source = await self._ask(location, headers)
            if isinstance(source, WebSource):
                return source
            location = redirected(location, source, self._rules)
        raise BadSourceError(f"more than {MOST_REDIRECTS} redirects, the last one to {location.shown}")

    async def _ask(self, location: Location, headers: Mapping[str, str]) -> WebSource | str:
        """One request: the file, or where a redirect leads."""
        async with AsyncExitStack() as opened:
            session = await opened.enter_async_context(_session(location.host, self._rules))
            try:
                response = await session.get(
                    URL(location.url, encoded=True),
                    headers=headers,
                    allow_redirects=False,
                    proxy=self._rules.proxy if self._rules.is_proxied(location.host) else None,
                )
            except _FAILURES as error:
                raise SourceUnavailableError(f"{location.shown}: {_reason(error)}") from error
            opened.callback(response.close)
            if response.status in _REDIRECTS and "Location" in response.headers:
                return response.headers["Location"]
            if response.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and headers:
                # The file ends before the offset, or there: what was read of it is not to be relied on.
                return await self._ask(location, {})
            _check(location, response, (200, 206) if headers else (200,))
            extent = _extent(response)
            return WebSource(location, response, extent, opened.pop_all())


class WebSource:
    """A file that is being read."""

    def __init__(
        self,
        location: Location,
        response: aiohttp.ClientResponse,
        extent: tuple[int, int | None],
        opened: AsyncExitStack,
    ) -> None:
        self.offset, self.size = extent
        self.validator = _validator(response.headers)
        self._location = location
        self._response = response
        self._opened = opened
        connection = response.connection
        self._protocol = connection.protocol if connection is not None else None
        # Of the window that has begun: how long the server has been waited for, and what has come of the body.
        self._waited = 0.0
        self._came = 0

    async def read(self, limit: int) -> bytes:
        """The next bytes, at most `limit` of them; none at the end.

        Raises:
            SourceUnavailableError: the connection broke, or nothing came, or too little, for too long.
            BadSourceError: the server sends the body in pieces that are too small.

        """
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with asyncio.timeout(max(0.0, WINDOW_SECONDS - self._waited)):
                data = await self._response.content.read(limit)
        except aiohttp.ClientError as error:
            raise SourceUnavailableError(f"{self._location.shown}: {_reason(error)}") from error
        except TimeoutError as error:
            raise self._too_slow() from error
        except OSError as error:
            raise SourceUnavailableError(f"{self._location.shown}: {_reason(error)}") from error
        # Only while the server is waited for: what S3 takes is no matter of the source.
        self._waited += clock() - began
        self._came += len(data)
        if self._came >= LEAST_RATE * WINDOW_SECONDS:
            self._waited, self._came = 0.0, 0
        elif data and self._waited >= WINDOW_SECONDS:
            raise self._too_slow()
        self._check_pieces()
        return data

    async def close(self) -> None:
        """Read no more."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._opened.aclose()

    def _too_slow(self) -> SourceUnavailableError:
        return SourceUnavailableError(
            f"{self._location.shown}: {self._came} bytes came in {WINDOW_SECONDS:.0f} s; "
            f"at least {LEAST_RATE / 1000:.0f} kB a second are waited for"
        )

    def _check_pieces(self) -> None:
        received = self._protocol.received if isinstance(self._protocol, _Counting) else 0
        if received > _MEASURED and self._response.content.total_bytes < _BODY_PART * received:
            raise BadSourceError(f"{self._location.shown} sends its body in chunks of a few bytes each")


class _Counting(ResponseHandler):
    """Counts what comes of a connection, the body and all else."""

    received = 0

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        self.received += len(data)
        super().data_received(data)


class _Connector(aiohttp.TCPConnector):
    """Makes connections that count."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory = cast(Any, partial(_Counting, loop=asyncio.get_running_loop()))


class _Gate(AbstractResolver):
    """Resolves names, and makes sockets: for addresses that the guard allows the host to have."""

    def __init__(self, host: str, rules: Rules) -> None:
        self._host = host
        self._rules = rules

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """All addresses of the host; one that is refused is enough to refuse the host."""
        found = [_resolved(host, one) for one in await _looked_up(host, port, family)]
        for one in found:
            check_address(one["host"], self._host, self._rules)
        return found

    async def close(self) -> None:
        """Nothing is open."""

    def socket(self, info: Any) -> socket.socket:
        """A socket for an address: looked at here too, because aiohttp resolves no numbers."""
        family, kind, protocol, _, address = info
        check_address(address[0], self._host, self._rules)
        return socket.socket(family, kind, protocol)


_LOOKUPS = DaemonThreads("lookup")


async def _looked_up(host: str, port: int, family: int) -> list[Any]:
    """What getaddrinfo says of a name. Raises OSError.

    Not in asyncio's own threads: they are few, others need them, and the process's end waits for them.
    """
    if _LOOKUPS.unfinished >= MOST_LOOKUPS:
        raise OSError("too many names are being looked up")
    future = _LOOKUPS.submit(
        socket.getaddrinfo, host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
    )
    return await asyncio.wrap_future(future)


def _resolved(host: str, info: tuple[Any, ...]) -> ResolveResult:
    family, _, protocol, _, address = info
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=address[0], port=address[1], family=family, proto=protocol, flags=flags)


def _gate(host: str, rules: Rules) -> _Gate:
    """What makes the sockets of a request to a host: to that host, or to the proxy and nowhere else."""
    if not rules.is_proxied(host):
        return _Gate(host, rules)
    proxy = URL(rules.proxy).host or ""
    return _Gate(proxy, Rules(hosts=frozenset({proxy})))


def _session(host: str, rules: Rules) -> aiohttp.ClientSession:
    gate = _gate(host, rules)
    connector = _Connector(resolver=gate, use_dns_cache=False, socket_factory=gate.socket, force_close=True, limit=1)
    return aiohttp.ClientSession(
        connector=connector,
        timeout=_TIMEOUT,
        trust_env=False,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"},
    )


def _check(location: Location, response: aiohttp.ClientResponse, good: tuple[int, ...]) -> None:
    """See to it that the answer is the file. None of the server's own words are repeated."""
    status = response.status
    words = f"{location.shown} answered {status} {_PHRASES.get(status, '')}".rstrip()
    if status >= 500 or status in _LATER:
        raise SourceUnavailableError(words)
    if status not in good:
        raise BadSourceError(words)
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise BadSourceError(f"{location.shown} is sent with a Content-Encoding, though it was asked for without")


def _extent(response: aiohttp.ClientResponse) -> tuple[int, int | None]:
    """Where the body begins in the file, and the size of the whole file."""
    if response.status == 200:
        return 0, response.content_length
    found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if found is None:
        raise BadSourceError("the server answered 206 without a Content-Range of bytes")
    return int(found[1]), None if found[2] == "*" else int(found[2])


def _validator(headers: Mapping[str, str]) -> str:
    """What changes when the file does, exactly: a weak ETag allows for differences (RFC 9110, 8.8)."""
    etag = headers.get("ETag", "")
    validator = etag if etag.startswith('"') else headers.get("Last-Modified", "")
    return validator if _VALIDATOR.fullmatch(validator) else ""


def _reason(error: BaseException) -> str:
    """What went wrong, without aiohttp's address of the request, which has the query in it."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy refuses it: {error.status} {_PHRASES.get(error.status, '')}".rstrip()
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return f"no connection to the proxy: {error.os_error.strerror or type(error.os_error).__name__}"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"the host's name does not resolve ({error.os_error.strerror or error.os_error})"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"the host's certificate is not valid: {error.certificate_error}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection: {error.os_error.strerror or type(error.os_error).__name__}"
    if isinstance(error, aiohttp.ServerTimeoutError | asyncio.TimeoutError):
        return f"nothing came for {IDLE_SECONDS:.0f} s, or no connection within {CONNECT_SECONDS:.0f} s"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the answer ended before its end"
    if isinstance(error, aiohttp.ClientConnectionError | OSError):
        return "the connection broke"
    return type(error).__name__
