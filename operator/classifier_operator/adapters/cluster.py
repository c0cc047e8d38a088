"""The Kubernetes API: a handful of plain requests to where the official client's configuration leads.

The client's generated half is left out on purpose: objects are decoded from JSON once and stay dictionaries, and a
request costs half of what it costs by way of the client.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import kopf
import msgspec
from kubernetes.aio.client import ApiClient
from yarl import URL

from classifier_operator import __version__
from classifier_operator.adapters import watches
from classifier_operator.adapters.kubeconfig import client_of_process
from classifier_operator.api.cut import cut, one_line
from classifier_operator.api.kinds import GROUP, VERSION, Kind, ObjectKey
from classifier_operator.api.paths import ApiPath, below, path_of
from classifier_operator.api.redaction import redacted
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.runtime.ports import ClusterUnavailableError, ConflictError, GoneError, Happening

logger = logging.getLogger(__name__)

PAGE_SIZE = 500
TIMEOUT = aiohttp.ClientTimeout(total=30)
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
# Of an error's body so much is shown; more is looked at for it, as a secret that is cut is not recognised.
_SHOWN, _READ = 500, 8192
_USER_AGENT = f"classifier-operator/{__version__}"


# Asked of a request of this task at the very moment in which it is sent.
_MAY_SEND: ContextVar[Callable[[], bool]] = ContextVar("may_send", default=lambda: True)


_NOT_SERVED = "the API server does not serve {path}: install the CRDs (crds/)"
_NOT_SENT = "not sent: this process does not hold the Lease any more"


class NotHeldError(aiohttp.ClientError):
    """The process does not hold the Lease any more."""


class FencedRequest(aiohttp.ClientRequest):
    """A request that goes out only if it may, asked when there is a connection: making one takes a while."""

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        """Send it."""
        if not _MAY_SEND.get()():
            raise NotHeldError(_NOT_SENT)
        return await super().send(conn)

    async def write_bytes(self, writer: Any, conn: Any, content_length: int | None = None) -> None:
        """Send the body, which a task does in its own time; the headers go with its first bytes."""
        if not _MAY_SEND.get()():
            conn.protocol.set_exception(NotHeldError(_NOT_SENT))
            return
        await super().write_bytes(writer, conn, content_length)


class KubernetesCluster:
    """The objects of the namespaces that the operator serves; all of them where none are named.

    holds: whether this process may write at this very moment.
    signals_taken: called when the signals of the process have been taken over by what watches.
    """

    def __init__(
        self,
        client: ApiClient,
        namespaces: Sequence[str],
        metrics: Metrics,
        holds: Callable[[], bool] = lambda: True,
        signals_taken: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._signals_taken = signals_taken
        self._session: aiohttp.ClientSession | None = None
        self._watching: aiohttp.TCPConnector | None = None
        self._namespaces = namespaces
        self._metrics = metrics
        self._holds = holds

    @property
    def host(self) -> str:
        """The API server's address."""
        return str(self._client.configuration.host)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
        if self._watching is not None:
            await self._watching.close()
        await self._client.close()

    async def read(self, key: ObjectKey) -> dict[str, Any]:
        """The object as it is now."""
        return await self.request("GET", _path(key))

    async def list(self, kind: Kind, namespace: str = "") -> AsyncIterator[dict[str, Any]]:
        """All objects of a kind in a namespace, page by page; in all namespaces where none is named."""
        async for page in self._pages(_collection(kind, namespace)):
            for item in page["items"]:
                yield {"apiVersion": page["apiVersion"], "kind": kind.value, **item}

    async def watch(
        self,
        kind: Kind,
        namespace: str,
        happened: Callable[[Happening, dict[str, Any]], None],
        began: Callable[[], None],
    ) -> None:
        """Tell of all objects that there are, and of each change, until that fails; it ends by an error alone.

        began: called when changes are told from now on, at least once.
        """
        is_asked = asyncio.Event()
        await watches.watch(
            kind,
            namespace,
            login=lambda requests: self._session_of_watch(_collection(kind, namespace), is_asked, began, requests),
            is_asked=is_asked,
            happened=happened,
            spawned=self._signals_taken,
        )

    async def revision(self, kind: Kind, namespace: str) -> int:
        """At which revision the API server is now: that of a List, which without a resourceVersion is the latest."""
        page = await self.request("GET", _collection(kind, namespace), query=[("limit", "1")])
        return int(page["metadata"].get("resourceVersion") or 0)

    async def patch(self, key: ObjectKey, patch: Mapping[str, Any], *, status: bool = False) -> dict[str, Any]:
        """Apply a JSON merge patch to the object, or to its status; returns the object as it is then."""
        path = below(_path(key), "status") if status else _path(key)
        return await self._write("status" if status else "object", "PATCH", path, patch, MERGE_PATCH)

    async def read_config_map(self, namespace: str, name: str) -> dict[str, Any]:
        """A ConfigMap."""
        return await self.request("GET", path_of("api", "v1", "namespaces", namespace, "configmaps", name))

    async def read_namespace(self, name: str) -> dict[str, Any]:
        """A namespace."""
        return await self.request("GET", path_of("api", "v1", "namespaces", name))

    async def list_namespaces(self) -> AsyncIterator[dict[str, Any]]:
        """The namespaces that the operator serves; of those that it has to read one by one, those that can be read."""
        for name in self._namespaces:
            try:
                yield await self.read_namespace(name)
            except (GoneError, ClusterUnavailableError) as error:
                logger.warning("namespace %s cannot be read: %s", name, error)
        if not self._namespaces:
            async for page in self._pages(path_of("api", "v1", "namespaces")):
                for item in page["items"]:
                    yield item

    async def post_event(self, event: Mapping[str, Any]) -> None:
        """Publish an Event (v1)."""
        path = path_of("api", "v1", "namespaces", event["metadata"]["namespace"], "events")
        await self._write("event", "POST", path, event, JSON)

    async def _pages(self, path: ApiPath) -> AsyncIterator[dict[str, Any]]:
        """The pages of a collection."""
        token = ""
        while True:
            query = [("limit", str(PAGE_SIZE)), *([("continue", token)] if token else [])]
            page = await self.request("GET", path, query=query)
            yield page
            token = page["metadata"].get("continue", "")
            if not token:
                return

    async def _write(
        self, what: str, method: str, path: ApiPath, body: Mapping[str, Any], content_type: str
    ) -> dict[str, Any]:
        status = "interrupted"
        may_write = _MAY_SEND.set(self._holds)
        try:
            answer = await self.request(method, path, body=body, content_type=content_type)
            status = "ok"
            return answer
        except (ConflictError, GoneError, ClusterUnavailableError) as error:
            status = type(error).__name__.removesuffix("Error").lower()
            raise
        finally:
            _MAY_SEND.reset(may_write)
            self._metrics.kubernetes_writes.labels(what, status).inc()

    async def request(
        self,
        method: str,
        path: ApiPath,
        *,
        query: Sequence[tuple[str, str]] = (),
        body: Mapping[str, Any] | None = None,
        content_type: str = JSON,
    ) -> dict[str, Any]:
        """One request, its JSON answer, and its failure in the runtime's terms."""
        settings = self._client.configuration
        try:
            async with self._connected().request(
                method,
                _url(settings.host, path, query),
                # Where the API server, or whoever answers for it, points elsewhere, nothing is asked for there.
                allow_redirects=False,
                headers={"Content-Type": content_type, **await self._credentials()},
                data=msgspec.json.encode(body) if body is not None else None,
                proxy=settings.proxy,
                proxy_headers=settings.proxy_headers,
                server_hostname=settings.tls_server_name,
            ) as response:
                data = await response.read()
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise ClusterUnavailableError(f"{method} {path}: {error!r}") from error
        if response.status >= 300:
            raise _failure(method, path, response, data)
        answer: dict[str, Any] = msgspec.json.decode(data)
        return answer

    def _connected(self) -> aiohttp.ClientSession:
        """The session; made at the first request, because it belongs to an event loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._client.configuration.connection_pool_maxsize, ssl=self._client.rest_client.ssl_context
                ),
                headers={"Accept": JSON, "User-Agent": _USER_AGENT},
                request_class=FencedRequest,
                timeout=TIMEOUT,
            )
        return self._session

    def _session_of_watch(
        self, path: str, is_asked: asyncio.Event, began: Callable[[], None], requests: watches.Requests
    ) -> kopf.AiohttpSession:
        """Make the session by which kopf watches a collection; kopf closes it, and not the connector of all of them."""
        settings = self._client.configuration
        if self._watching is None:
            # Each watch holds a connection: they must not use up those of the others.
            self._watching = aiohttp.TCPConnector(limit=0, ssl=self._client.rest_client.ssl_context)

        async def ask(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
            requests.add()
            request.headers.update(await self._credentials())
            request.server_hostname = settings.tls_server_name
            response = await send(request)
            is_collection = request.url.path.endswith(path)
            is_redirect, is_refused = 300 <= response.status < 400, 400 <= response.status < 500
            if is_redirect or (is_refused and response.status != 429 and (is_collection or response.status == 401)):
                # kopf would try some of these again for ever, log in again at once for others, and follow a redirect.
                raise _failure(request.method, request.url.path, response, await response.read())
            if response.status == 200 and is_collection:
                is_asked.set()
                if "watch" in request.url.query:
                    began()
            return response

        session = aiohttp.ClientSession(
            connector=self._watching,
            connector_owner=False,
            headers={"Accept": JSON, "User-Agent": _USER_AGENT},
            middlewares=[ask],
            proxy=settings.proxy,
        )
        return kopf.AiohttpSession(server=settings.host, aiohttp_session=session)

    async def _credentials(self) -> dict[str, str]:
        """The token as it is now: those of a service account are renewed each hour."""
        token = await self._client.configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        return {"Authorization": token} if token else {}


async def connect(
    namespaces: Sequence[str], metrics: Metrics, holds: Callable[[], bool], signals_taken: Callable[[], None]
) -> KubernetesCluster:
    """Connect as the pod's service account, or as the kubeconfig's current user. Raises StartError."""
    return KubernetesCluster(await client_of_process(), namespaces, metrics, holds, signals_taken)


def _url(host: str, path: ApiPath, query: Sequence[tuple[str, str]]) -> URL:
    """The address as it is sent: nothing of it is decoded or resolved on the way. A host may come with a path."""
    asked = f"?{urlencode(query, quote_via=quote)}" if query else ""
    return URL(f"{host.rstrip('/')}{path}{asked}", encoded=True)


def _collection(kind: Kind, namespace: str) -> ApiPath:
    root = path_of("apis", GROUP, VERSION)
    return below(root, "namespaces", namespace, kind.plural) if namespace else below(root, kind.plural)


def _path(key: ObjectKey) -> ApiPath:
    return path_of("apis", GROUP, VERSION, "namespaces", key.namespace, key.kind.plural, key.name)


def _failure(method: str, path: str, response: aiohttp.ClientResponse, data: bytes) -> Exception:
    status, text = response.status, one_line(cut(redacted(data[:_READ].decode("utf-8", "replace")), _SHOWN))
    if status == 404:
        is_one = _names_what_is_gone(data)
        return GoneError(path) if is_one else ClusterUnavailableError(_NOT_SERVED.format(path=path), status=status)
    if status == 409:
        return ConflictError(path)
    return ClusterUnavailableError(
        f"{method} {path}: HTTP {status}: {text}",
        status=status,
        retry_after=_seconds(response.headers.get("Retry-After", "")),
    )


def _seconds(retry_after: str) -> float:
    """The seconds of a Retry-After; the API server writes no dates (RFC 9110 allows them)."""
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 6 else 0.0


def _names_what_is_gone(data: bytes) -> bool:
    """Whether a "not found" is about one object. Of a kind that is not served nothing is found, whatever there is."""
    try:
        return bool(msgspec.json.decode(data, type=_Status).details.name)
    except msgspec.DecodeError:
        return False


class _Details(msgspec.Struct):
    name: str = ""


class _Status(msgspec.Struct):
    """A Status of the API server, as far as it is looked at."""

    details: _Details = msgspec.field(default_factory=_Details)
