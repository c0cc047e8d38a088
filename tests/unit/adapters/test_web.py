"""What is asked of the web and what is understood of its answers, with a real server on the loopback interface."""

from __future__ import annotations

import socket
import ssl
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web_source import WebSource

from classifier_operator.adapters.web import MOST_REDIRECTS, WebSources
from classifier_operator.runtime.importing.netguard import NotAllowedError, Rules, rules_of
from classifier_operator.runtime.ports import BadSourceError, SourceUnavailableError

CONTENT = bytes(range(256)) * 1000
SAID = {"host", "user-agent", "accept", "accept-encoding", "connection"}
HERE = rules_of(["127.0.0.0/8", "::1"], allows_http=True)


@pytest.fixture
def web() -> Iterator[WebSource]:
    with WebSource() as server:
        yield server


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebSource]:
    with WebSource(tmp_path / "authority") as server:
        yield server


async def fetched(url: str, rules: Rules = HERE, **how: object) -> tuple[int, int | None, bytes]:
    """Where it began, the size of the whole, and what was read."""
    source = await WebSources(rules).open(url, **how)  # type: ignore[arg-type]
    try:
        body = b""
        while data := await source.read(10_000):
            assert len(data) <= 10_000
            body += data
    finally:
        await source.close()
    return source.offset, source.size, body


async def test_a_file(web: WebSource) -> None:
    web.put("/a/x.rec", CONTENT)
    assert await fetched(f"{web.url}/a/x.rec") == (0, len(CONTENT), CONTENT)


async def test_a_request_says_nothing_of_who_asks(web: WebSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    web.put("/first", redirect="/x", headers={"Set-Cookie": "a=b"})
    web.put("/x", CONTENT)
    await fetched(f"{web.url}/first?token=1")
    for asked in web.asked:
        assert {name.lower() for name in asked.headers} == SAID
        assert asked.headers["User-Agent"] == "classifier-operator"
        assert asked.headers["Accept-Encoding"] == "identity"


async def test_the_query_is_sent_as_it_was_written(web: WebSource) -> None:
    web.put("/a%20b%2Fc", CONTENT)
    url = f"{web.url}/a%20b%2Fc?X-Amz-Signature=a%2Bb%7Ec&x=%C3%BC+1"
    await fetched(url)
    assert web.url + web.asked[0].path == url


async def test_a_file_of_unknown_size(web: WebSource) -> None:
    web.put("/x", CONTENT, chunked=True)
    assert await fetched(f"{web.url}/x") == (0, None, CONTENT)


async def test_the_rest_of_a_file(web: WebSource) -> None:
    web.put("/x", CONTENT)
    assert await fetched(f"{web.url}/x", offset=1000, validator='"1"') == (1000, len(CONTENT), CONTENT[1000:])


@pytest.mark.parametrize("how", [{"ranges": False}, {"etag": '"2"'}], ids=["no ranges", "changed"])
async def test_the_rest_of_a_file_that_is_to_be_read_anew(web: WebSource, how: dict[str, object]) -> None:
    web.put("/x", CONTENT, **how)
    assert await fetched(f"{web.url}/x", offset=1000, validator='"1"') == (0, len(CONTENT), CONTENT)


@pytest.mark.parametrize("validator", ['"1"\r\nX-A: b', '"1"\n', '"1"\n x', '"ü"', '"\0"', '"' + "x" * 256])
async def test_a_validator_that_is_no_header_is_not_sent(web: WebSource, validator: str) -> None:
    web.put("/x", CONTENT)
    assert await fetched(f"{web.url}/x", offset=1000, validator=validator) == (0, len(CONTENT), CONTENT)
    assert {name.lower() for name in web.asked[0].headers} == SAID


async def test_a_file_that_has_no_rest(web: WebSource) -> None:
    web.put("/x", CONTENT, statuses=deque([416]))
    assert await fetched(f"{web.url}/x", offset=len(CONTENT), validator='"1"') == (0, len(CONTENT), CONTENT)


@pytest.mark.parametrize(
    ("etag", "modified", "validator"),
    [
        ('"1"', "Tue, 01 Jan 2030 00:00:00 GMT", '"1"'),
        ('W/"1"', "Tue, 01 Jan 2030 00:00:00 GMT", "Tue, 01 Jan 2030 00:00:00 GMT"),
        ('W/"1"', "", ""),
        ("", "", ""),
        (f'"{"x" * 255}"', "", ""),
        ('"ü"', "", ""),
        ('"a\tb"', "", ""),
    ],
)
async def test_what_tells_that_a_file_has_changed(web: WebSource, etag: str, modified: str, validator: str) -> None:
    web.put("/x", CONTENT, etag=etag, modified=modified)
    source = await WebSources(HERE).open(f"{web.url}/x")
    await source.close()
    assert source.validator == validator


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_answers_that_pass(web: WebSource, status: int) -> None:
    web.put("/x", CONTENT, statuses=deque([status]))
    with pytest.raises(SourceUnavailableError, match=f"/x answered {status}") as error:
        await fetched(f"{web.url}/x?secret")
    assert "secret" not in str(error.value)
    assert (await fetched(f"{web.url}/x?secret"))[2] == CONTENT


@pytest.mark.parametrize("status", [204, 206, 304, 400, 401, 403, 404, 410, 416])
async def test_answers_that_do_not(web: WebSource, status: int) -> None:
    web.put("/x", CONTENT, statuses=deque([status]))
    with pytest.raises(BadSourceError, match=f"/x answered {status}") as error:
        await fetched(f"{web.url}/x?secret")
    assert "secret" not in str(error.value)


async def test_a_compressed_answer_is_not_the_file(web: WebSource) -> None:
    web.put("/x", CONTENT, headers={"Content-Encoding": "gzip"})
    with pytest.raises(BadSourceError, match="sent with a Content-Encoding"):
        await fetched(f"{web.url}/x")


@pytest.mark.parametrize("how", [{}, {"resets": True}, {"chunked": True}], ids=["closed", "reset", "chunked"])
async def test_a_broken_connection(web: WebSource, how: dict[str, object]) -> None:
    web.put("/x", CONTENT, ends_after=deque([70_000]), **how)
    with pytest.raises(SourceUnavailableError, match=r"broke|ended") as error:
        await fetched(f"{web.url}/x?secret")
    assert "secret" not in str(error.value)


async def test_a_length_that_is_not_true(web: WebSource) -> None:
    web.put("/x", CONTENT, says=len(CONTENT) + 1)
    with pytest.raises(SourceUnavailableError, match="ended before its end"):
        await fetched(f"{web.url}/x")


async def test_redirects(web: WebSource) -> None:
    for number in range(MOST_REDIRECTS):
        web.put(f"/{number}", redirect=f"/{number + 1}")
    web.put(f"/{MOST_REDIRECTS}", CONTENT)
    assert (await fetched(f"{web.url}/0"))[2] == CONTENT


async def test_redirects_without_an_end(web: WebSource) -> None:
    web.put("/x", redirect="/x?secret")
    with pytest.raises(BadSourceError, match="more than 5 redirects") as error:
        await fetched(f"{web.url}/x")
    assert len(web.asked) == MOST_REDIRECTS + 1
    assert "secret" not in str(error.value)


async def test_loopback_is_refused_by_number(web: WebSource) -> None:
    web.put("/x", CONTENT)
    with pytest.raises(NotAllowedError, match=r"127\.0\.0\.1"):
        await fetched(f"{web.url}/x", Rules(allows_http=True))
    assert web.asked == []


async def test_loopback_is_refused_by_name(web: WebSource) -> None:
    web.put("/x", CONTENT)
    with pytest.raises(NotAllowedError, match="localhost leads to"):
        await fetched(f"{web.named_url}/x", Rules(allows_http=True))
    assert web.asked == []


async def test_a_redirect_inside_is_refused(web: WebSource) -> None:
    web.put("/x", redirect=f"http://127.0.0.2:{web.port}/y")
    rules = rules_of(["127.0.0.1"], allows_http=True)
    with pytest.raises(NotAllowedError, match=r"redirects to .* 127\.0\.0\.2 is not"):
        await fetched(f"{web.url}/x", rules)
    assert len(web.asked) == 1


async def test_a_redirect_to_a_name_inside_is_refused(web: WebSource) -> None:
    web.put("/x", redirect=f"http://internal.example:{web.port}/y")
    rules = rules_of(["127.0.0.1"], allows_http=True)
    with pytest.raises(SourceUnavailableError, match="does not resolve"):
        await fetched(f"{web.url}/x", rules)


async def test_a_name_that_resolves_to_something_else_the_second_time(
    web: WebSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first answer is public, the second is not (DNS rebinding): the first is the one that is connected to.
    answers = deque([("192.0.0.9", web.port), ("127.0.0.1", web.port)])
    resolved: list[str] = []

    def getaddrinfo(host: str, port: int, *_: object, **__: object) -> list[object]:
        resolved.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", answers.popleft())]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    web.put("/x", CONTENT)
    with pytest.raises(NotAllowedError, match=r"rebinding\.example leads to"):
        await fetched(f"http://rebinding.example:{web.port}/x", Rules(allows_http=True))
    assert resolved == ["rebinding.example"]
    assert web.asked == []


async def test_one_bad_address_among_good_ones_is_enough(web: WebSource, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, web.port)) for address in ("8.8.8.8", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(NotAllowedError, match=r"both\.example leads to"):
        await fetched(f"http://both.example:{web.port}/x", Rules(allows_http=True))


async def test_https_with_a_certificate_that_is_trusted(secure: WebSource, monkeypatch: pytest.MonkeyPatch) -> None:
    trust(monkeypatch, secure)
    secure.put("/x", CONTENT)
    rules = rules_of(["localhost"])
    assert (await fetched(f"{secure.named_url}/x", rules))[2] == CONTENT


async def test_https_with_a_certificate_that_is_not(secure: WebSource) -> None:
    secure.put("/x", CONTENT)
    with pytest.raises(SourceUnavailableError, match="certificate is not valid"):
        await fetched(f"{secure.named_url}/x", rules_of(["localhost"]))


async def test_https_with_another_hosts_certificate(secure: WebSource, monkeypatch: pytest.MonkeyPatch) -> None:
    trust(monkeypatch, secure)
    secure.put("/x", CONTENT)
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", secure.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(SourceUnavailableError, match="certificate is not valid"):
        await fetched(f"https://other.example:{secure.port}/x", rules_of(["other.example"]))


async def test_from_https_to_http_is_a_step_down(
    secure: WebSource, web: WebSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(monkeypatch, secure)
    web.put("/x", CONTENT)
    secure.put("/x", redirect=f"{web.url}/x")
    with pytest.raises(NotAllowedError, match="only https is allowed"):
        await fetched(f"{secure.named_url}/x", rules_of(["localhost", "127.0.0.1"]))
    assert web.asked == []


async def test_nobody_there(web: WebSource) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(SourceUnavailableError, match="no connection"):
        await fetched(f"http://127.0.0.1:{port}/x?secret")


async def test_a_server_that_stops_sending(web: WebSource, monkeypatch: pytest.MonkeyPatch) -> None:
    import aiohttp

    monkeypatch.setattr("classifier_operator.adapters.web._TIMEOUT", aiohttp.ClientTimeout(total=None, sock_read=0.2))
    web.put("/x", CONTENT, holds_after=70_000)
    with pytest.raises(SourceUnavailableError, match="nothing came"):
        await fetched(f"{web.url}/x")


def trust(monkeypatch: pytest.MonkeyPatch, server: WebSource) -> None:
    """As the operator does whose environment has SSL_CERT_FILE."""
    monkeypatch.setattr(
        "aiohttp.connector._SSL_CONTEXT_VERIFIED", ssl.create_default_context(cafile=str(server.ca)), raising=True
    )
