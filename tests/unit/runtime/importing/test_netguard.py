"""Where the operator does not fetch from: URLs as text, the addresses they lead to, redirects, and the allow-list."""

from __future__ import annotations

import pytest

from classifier_operator.runtime.importing.netguard import (
    NotAllowedError,
    Rules,
    check_address,
    located,
    redirected,
    rules_of,
)

STRICT = Rules()
HTTP = Rules(allows_http=True)

REFUSED_URLS = {
    "http": ("http://example.org/x", "only https is allowed"),
    "ftp": ("ftp://example.org/x", "only https addresses"),
    "file": ("file:///etc/passwd", "only https addresses"),
    "no scheme": ("//example.org/x", "only https addresses"),
    "gopher": ("gopher://example.org/x", "only https addresses"),
    "password": ("https://me:secret@example.org/x", "user name or password"),
    "empty user": ("https://@example.org/x", "user name or password"),
    "user that looks like a host": ("https://example.org@127.0.0.1/x", "user name or password"),
    "backslash": ("https://example.org\\@127.0.0.1/x", "backslashes"),
    "space": ("https://example.org /x", "spaces"),
    "new line": ("https://exam\nple.org/x", "control characters"),
    "tab": ("https://127.0\t.0.1/x", "control characters"),
    "half a character": ("https://example.org/\udcff", "not well-formed"),
    "long": ("https://example.org/" + "x" * 2048, "too long"),
    "no host": ("https:///x", "neither a name nor an IP address"),
    "port 0": ("https://example.org:0/x", "port 0"),
    "port 70000": ("https://example.org:70000/x", "not well-formed"),
    "port of letters": ("https://example.org:abc/x", "not well-formed"),
    "loopback": ("https://127.0.0.1/x", "127.0.0.1"),
    "loopback with a dot": ("https://127.0.0.1./x", "127.0.0.1"),
    "loopback with two dots": ("https://127.0.0.1../x", "not well-formed"),
    "loopback's other end": ("https://127.255.255.254/x", "not an address of the public internet"),
    "short loopback": ("https://127.1/x", "usual notation"),
    "decimal": ("https://2130706433/x", "usual notation"),
    "hexadecimal": ("https://0x7f000001/x", "usual notation"),
    "hexadecimal in parts": ("https://0x7f.0.0.1/x", "usual notation"),
    "last part hexadecimal": ("https://127.0.0.0x1/x", "usual notation"),
    "octal": ("https://0177.0.0.1/x", "usual notation"),
    "zero": ("https://0/x", "usual notation"),
    "unspecified": ("https://0.0.0.0/x", "public internet"),
    "full-width digits": ("https://\uff11\uff12\uff17.\uff10.\uff10.\uff11/x", "127.0.0.1"),
    "full-width dots": ("https://127。0。0。1/x", "127.0.0.1"),
    "circled digits": ("https://①②⑦.0.0.1/x", "127.0.0.1"),
    "percent-encoded": ("https://%31%32%37.0.0.1/x", "usual notation"),
    "private 10": ("https://10.1.2.3/x", "10.1.2.3"),
    "private 172": ("https://172.31.0.1/x", "172.31.0.1"),
    "private 192": ("https://192.168.0.1/x", "192.168.0.1"),
    "metadata": ("https://169.254.169.254/latest/meta-data", "169.254.169.254"),
    "ECS credentials": ("https://169.254.170.2/x", "169.254.170.2"),
    "Azure": ("https://168.63.129.16/x", "168.63.129.16"),
    "carrier": ("https://100.100.100.200/x", "100.100.100.200"),
    "Oracle": ("https://192.0.0.192/x", "192.0.0.192"),
    "benchmarks": ("https://198.18.0.1/x", "198.18.0.1"),
    "documentation": ("https://192.0.2.1/x", "192.0.2.1"),
    "multicast": ("https://224.0.0.1/x", "224.0.0.1"),
    "reserved": ("https://240.0.0.1/x", "240.0.0.1"),
    "broadcast": ("https://255.255.255.255/x", "255.255.255.255"),
    "IPv6 loopback": ("https://[::1]/x", "::1"),
    "IPv6 unspecified": ("https://[::]/x", "::"),
    "IPv6 loopback in full": ("https://[0:0:0:0:0:0:0:1]/x", "::1"),
    "IPv4-mapped": ("https://[::ffff:127.0.0.1]/x", "not an address"),
    "IPv4-mapped, hexadecimal": ("https://[::ffff:7f00:1]/x", "not an address"),
    "IPv4-mapped metadata": ("https://[::ffff:169.254.169.254]/x", "not an address"),
    "IPv4-compatible": ("https://[::127.0.0.1]/x", "not an address"),
    "NAT64 of loopback": ("https://[64:ff9b::7f00:1]/x", "not an address"),
    "NAT64 of metadata": ("https://[64:ff9b::169.254.169.254]/x", "not an address"),
    "NAT64 of a local network": ("https://[64:ff9b:1::a00:1]/x", "not an address"),
    "6to4 of 10.0.0.1": ("https://[2002:a00:1::]/x", "not an address"),
    "Teredo": ("https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/x", "not an address"),
    "AWS metadata": ("https://[fd00:ec2::254]/x", "not an address"),
    "unique local": ("https://[fc00::1]/x", "not an address"),
    "link-local": ("https://[fe80::1]/x", "not an address"),
    "site-local": ("https://[fec0::1]/x", "not an address"),
    "IPv6 multicast": ("https://[ff02::1]/x", "not an address"),
    "IPv6 documentation": ("https://[2001:db8::1]/x", "not an address"),
    "zone": ("https://[fe80::1%25eth0]/x", "has a zone"),
    "IPv4 in brackets": ("https://[127.0.0.1]/x", "in brackets|not well-formed"),
    "future IP": ("https://[v1.x]/x", "in brackets|not well-formed"),
    "open bracket": ("https://[::1/x", "not well-formed"),
    "empty label": ("https://example..org/x", "well-formed"),
    "hyphen first": ("https://-example.org/x", "neither a name"),
    "hash for a host": ("https://#@127.0.0.1/x", "neither a name"),
    "semicolon": ("https://a;b.example.org/x", "neither a name"),
}


@pytest.mark.parametrize(("url", "words"), REFUSED_URLS.values(), ids=REFUSED_URLS.keys())
def test_a_url_that_is_refused(url: str, words: str) -> None:
    with pytest.raises(NotAllowedError, match=words):
        located(url, STRICT)


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://example.org/x.rec", "https://example.org/x.rec"),
        ("HTTPS://EXAMPLE.org:443/x.rec", "https://example.org/x.rec"),
        ("https://example.org:8443/x.rec?a=1&b=%2F#top", "https://example.org:8443/x.rec?a=1&b=%2F"),
        ("https://example.org./x", "https://example.org/x"),
        ("https://bücher.example/größe.rec", "https://xn--bcher-kva.example/gr%C3%B6%C3%9Fe.rec"),
        ("https://8.8.8.8/x", "https://8.8.8.8/x"),
        ("https://8.8.8.8./x", "https://8.8.8.8/x"),
        ("https://[2600:1f18::1]:8443/x", "https://[2600:1f18::1]:8443/x"),
        ("https://[64:ff9b::808:808]/x", "https://[64:ff9b::808:808]/x"),
        ("https://[2002:808:808::1]/x", "https://[2002:808:808::1]/x"),
        ("https://a_b.example.org/a@b/x", "https://a_b.example.org/a@b/x"),
        ("https://127.0.0.1.example.org/x", "https://127.0.0.1.example.org/x"),
    ],
)
def test_a_url_that_is_fetched_in_the_form_in_which_it_is_sent(url: str, sent: str) -> None:
    assert located(url, STRICT).url == sent


def test_what_is_shown_has_no_query() -> None:
    location = located("https://example.org/x.rec?X-Amz-Signature=secret", STRICT)
    assert location.shown == "https://example.org/x.rec"


def test_no_refusal_shows_the_query() -> None:
    for url, _ in REFUSED_URLS.values():
        with pytest.raises(NotAllowedError) as error:
            located(f"{url}?X-Amz-Signature=secret", STRICT)
        assert "secret" not in str(error.value)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "fe80::1%2", "169.254.169.254", "::ffff:10.0.0.1"])
def test_a_name_that_leads_inside_is_refused(address: str) -> None:
    with pytest.raises(NotAllowedError, match=r"example\.org leads to"):
        check_address(address, "example.org", STRICT)


def test_a_name_that_leads_outside_is_not() -> None:
    check_address("93.184.216.34", "example.org", STRICT)


@pytest.mark.parametrize(
    ("allowed", "host", "address"),
    [
        ("files.internal", "files.internal", "10.0.0.1"),
        ("FILES.internal", "files.internal", "127.0.0.1"),
        (".internal", "files.internal", "10.0.0.1"),
        (".internal", "a.b.internal", "10.0.0.1"),
        ("10.0.0.0/8", "files.internal", "10.0.0.1"),
        ("10.0.0.1", "files.internal", "10.0.0.1"),
        ("10.0.0.0/8", "files.internal", "::ffff:10.0.0.1"),
        ("fd00::/8", "files.internal", "fd00::1"),
        ("169.254.0.0/16", "169.254.1.1", "169.254.1.1"),
    ],
)
def test_what_is_listed_is_allowed(allowed: str, host: str, address: str) -> None:
    check_address(address, host, rules_of([allowed]))


@pytest.mark.parametrize(
    ("allowed", "host", "address"),
    [
        ("files.internal", "evilfiles.internal", "10.0.0.1"),
        ("files.internal", "files.internal.example.org", "10.0.0.1"),
        (".internal", "internal", "10.0.0.1"),
        (".internal", "notinternal", "10.0.0.1"),
        ("10.0.0.0/8", "files.internal", "192.168.0.1"),
        ("0.0.0.0/0", "files.internal", "::1"),
    ],
)
def test_what_is_not_quite_listed_is_not(allowed: str, host: str, address: str) -> None:
    with pytest.raises(NotAllowedError):
        check_address(address, host, rules_of([allowed]))


@pytest.mark.parametrize("wrong", ["", ".", "https://example.org", "10.0.0.0/33", "a b", "*.example.org", "127.1"])
def test_an_allow_list_of_nonsense_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="is no host name"):
        rules_of([wrong])


@pytest.mark.parametrize(
    ("proxy", "hosts", "words"),
    [
        ("http://p.example:3128", [], "needs --import-proxy-host"),
        ("", ["data.example.org"], "needs --import-proxy"),
        ("https://p.example:3128", ["a.example"], "is no http://HOST:PORT"),
        ("socks5://p.example:1080", ["a.example"], "is no http://HOST:PORT"),
        ("http://p.example", ["a.example"], "is no http://HOST:PORT"),
        ("http://joe:secret@p.example", ["a.example"], "is no http://HOST:PORT"),
        ("http://p.example:0", ["a.example"], "is no http://HOST:PORT"),
        ("http://p.example:99999", ["a.example"], "is no http://HOST:PORT"),
        ("http://p.example:3128/path", ["a.example"], "is no http://HOST:PORT"),
        ("http://[p.example:3128", ["a.example"], "is no http://HOST:PORT"),
        ("http://p.example:3128", ["*"], "is no host name"),
        ("http://p.example:3128", ["10.0.0.1"], "is no host name"),
        ("http://p.example:3128", ["10.0.0.0/8"], "is no host name"),
        ("http://p.example:3128", ["https://a.example"], "is no host name"),
        ("http://p.example:3128", [""], "is no host name"),
    ],
)
def test_b35_a_proxy_and_its_hosts_are_looked_at(proxy: str, hosts: list[str], words: str) -> None:
    with pytest.raises(ValueError, match=words) as wrong:
        rules_of([], proxy=proxy, proxied=hosts)
    assert "secret" not in str(wrong.value)


def test_b35_names_of_the_proxy_are_no_allowance() -> None:
    """They say by which way, not that an address may be private."""
    rules = rules_of([], proxy="http://p.example:3128", proxied=["A.example", ".b.example"])
    assert rules.is_proxied("a.example")
    assert rules.is_proxied("x.b.example")
    assert not rules.is_proxied("b.example")
    assert not rules.trusts("a.example")


@pytest.mark.parametrize(
    ("start", "to", "sent"),
    [
        ("https://example.org/a/x", "y", "https://example.org/a/y"),
        ("https://example.org/a/x", "/y?z=1", "https://example.org/y?z=1"),
        ("https://example.org/a/x", "//cdn.example.org/y", "https://cdn.example.org/y"),
        ("https://example.org/a/x", "https://cdn.example.org/y", "https://cdn.example.org/y"),
    ],
)
def test_a_redirect_that_is_followed(start: str, to: str, sent: str) -> None:
    assert redirected(located(start, STRICT), to, STRICT).url == sent


@pytest.mark.parametrize(
    ("to", "words"),
    [
        ("http://example.org/x", "only https is allowed"),
        ("//127.0.0.1/x", "127.0.0.1"),
        ("https://169.254.169.254/latest", "169.254.169.254"),
        ("file:///etc/passwd", "only https addresses"),
        ("https://me@example.org/x", "user name"),
        ("https://[::1/", "not well-formed"),
        ("/\udcff", "not well-formed"),
    ],
)
def test_a_redirect_that_is_not(to: str, words: str) -> None:
    with pytest.raises(NotAllowedError, match=words) as error:
        redirected(located("https://example.org/a?token=secret", STRICT), to, STRICT)
    assert "secret" not in str(error.value)


def test_http_is_for_the_operators_settings_to_allow() -> None:
    assert located("http://example.org/x", HTTP).url == "http://example.org/x"
    with pytest.raises(NotAllowedError):
        located("http://127.0.0.1/x", HTTP)
