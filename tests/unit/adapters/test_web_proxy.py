"""Files of the web by an egress proxy: for the hosts that the settings name, and for no others."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.forward_proxy import ForwardProxy
from tests.web_source import WebSource

from classifier_operator.adapters.web import WebSources
from classifier_operator.runtime.importing.netguard import NotAllowedError, Rules, rules_of
from classifier_operator.runtime.ports import SourceUnavailableError

CONTENT = bytes(range(256)) * 100
SAID = {"host", "user-agent", "accept", "accept-encoding", "connection"}


@pytest.fixture
def proxy() -> Iterator[ForwardProxy]:
    with ForwardProxy() as server:
        yield server


@pytest.fixture
def web() -> Iterator[WebSource]:
    with WebSource() as server:
        yield server


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebSource]:
    with WebSource(tmp_path / "authority") as server:
        trusting = ssl.create_default_context(cafile=str(server.ca))
        monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trusting, raising=True)
        yield server


@pytest.fixture(autouse=True)
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that are resolved. None can be but localhost, as where only a proxy leads out."""
    names: list[str] = []
    real = socket.getaddrinfo

    def getaddrinfo(host: str, *arguments: object, **options: object) -> object:
        names.append(host)
        if host not in ("127.0.0.1", "localhost"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return names


def rules(proxy: ForwardProxy, *hosts: str, user: str = "") -> Rules:
    return rules_of([], allows_http=True, proxy=proxy.url.replace("://", f"://{user}"), proxied=hosts)


async def fetched(url: str, rules: Rules) -> bytes:
    source = await WebSources(rules).open(url)
    try:
        body = b""
        while data := await source.read(10_000):
            body += data
    finally:
        await source.close()
    return body


async def test_b35_https_is_tunnelled_and_the_host_s_certificate_counts(secure: WebSource, proxy: ForwardProxy) -> None:
    secure.put("/x", CONTENT)
    assert await fetched(f"{secure.named_url}/x?token=1", rules(proxy, "localhost")) == CONTENT
    # What the proxy learns is where the tunnel leads.
    assert proxy.lines == [f"CONNECT localhost:{secure.port}"]
    assert {name.lower() for name in secure.asked[0].headers} == SAID


async def test_b35_a_certificate_of_somebody_else_is_refused(secure: WebSource, proxy: ForwardProxy) -> None:
    secure.put("/x", CONTENT)
    proxy.routes["data.example.org:443"] = secure.port
    with pytest.raises(SourceUnavailableError, match="certificate is not valid"):
        await fetched("https://data.example.org/x", rules(proxy, ".example.org"))


async def test_b35_the_proxy_alone_resolves_the_name(web: WebSource, proxy: ForwardProxy, looked_up: list[str]) -> None:
    web.put("/x", CONTENT)
    proxy.routes["data.example.org:80"] = web.port
    assert await fetched("http://data.example.org/x", rules(proxy, "data.example.org")) == CONTENT
    assert proxy.lines == ["GET http://data.example.org/x"]
    assert "data.example.org" not in looked_up


@pytest.mark.parametrize("host", ["example.org", "evil-data.example.org", "data.example.org.example.net"])
async def test_b35_hosts_that_are_not_named_are_fetched_from_directly(host: str, proxy: ForwardProxy) -> None:
    with pytest.raises(SourceUnavailableError, match="does not resolve"):
        await fetched(f"http://{host}/x", rules(proxy, "data.example.org"))
    assert proxy.asked == []


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "[::1]", "[fd00:ec2::254]"])
async def test_b35_no_address_goes_by_the_proxy(address: str, proxy: ForwardProxy) -> None:
    with pytest.raises(NotAllowedError, match="public internet"):
        await fetched(f"http://{address}/x", rules(proxy, "data.example.org", ".org"))
    assert proxy.asked == []


@pytest.mark.parametrize("to", ["http://169.254.169.254/latest", "http://127.0.0.1:1/x", "file:///etc/passwd"])
async def test_b35_a_redirect_is_judged_as_ever(to: str, web: WebSource, proxy: ForwardProxy) -> None:
    proxy.routes["data.example.org:80"] = web.port
    web.put("/x", redirect=to)
    with pytest.raises(NotAllowedError, match="redirects to where the operator may not go"):
        await fetched("http://data.example.org/x", rules(proxy, "data.example.org"))
    assert len(proxy.asked) == 1


async def test_b35_a_redirect_to_a_host_that_is_named_too(web: WebSource, proxy: ForwardProxy) -> None:
    proxy.routes |= {"data.example.org:80": web.port, "cdn.example.net:80": web.port}
    web.put("/x", redirect="http://cdn.example.net/y")
    web.put("/y", CONTENT)
    assert await fetched("http://data.example.org/x", rules(proxy, "data.example.org", ".example.net")) == CONTENT
    assert proxy.lines == ["GET http://data.example.org/x", "GET http://cdn.example.net/y"]


# Of a plain request 403 may be the source's own answer.
@pytest.mark.parametrize(
    ("scheme", "status"), [("https", 403), ("https", 407), ("https", 502), ("http", 407), ("http", 502)]
)
async def test_b35_a_proxy_that_refuses_is_asked_again_later(scheme: str, status: int, proxy: ForwardProxy) -> None:
    """What a proxy allows is the platform's matter, and changes without the object."""
    proxy.status = status
    with pytest.raises(SourceUnavailableError, match=rf"data\.example\.org/x.*{status}"):
        await fetched(f"{scheme}://data.example.org/x", rules(proxy, "data.example.org"))


async def test_b35_no_proxy_there(proxy: ForwardProxy) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nowhere = rules_of([], proxy=f"http://127.0.0.1:{probe.getsockname()[1]}", proxied=["data.example.org"])
        with pytest.raises(SourceUnavailableError, match="no connection to the proxy"):
            await fetched("https://data.example.org/x", nowhere)


async def test_b35_the_password_is_the_proxy_s_alone(secure: WebSource, proxy: ForwardProxy) -> None:
    secure.put("/x", CONTENT)
    with_password = rules(proxy, "localhost", user="joe:pass%2Fword@")
    await fetched(f"{secure.named_url}/x", with_password)
    sent = {name.lower(): value for name, value in proxy.asked[0].headers.items()}
    assert sent["proxy-authorization"] == "Basic " + base64.b64encode(b"joe:pass/word").decode()
    assert not [name for name in secure.asked[0].headers if "auth" in name.lower()]
    proxy.status = 407
    with pytest.raises(SourceUnavailableError) as refused:
        await fetched(f"{secure.named_url}/x", with_password)
    assert "word" not in str(refused.value)
