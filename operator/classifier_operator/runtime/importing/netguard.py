"""Which addresses the operator may fetch from: the users' URLs must not become a way into the network it runs in.

Pure: what is decided here is decided about a URL's text, and then again about every address that its host resolves to,
at the moment a socket is made for it (`adapters/web.py`). A name that resolves to something else a moment later (DNS
rebinding), a number in an odd notation or an address inside of another one gains nothing by that.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from msgspec import Struct

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

URL_LIMIT = 2048
_PORTS = {"http": 80, "https": 443}
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
# RFC 3986: what may stand in a path or a query; everything else is percent-encoded.
_PATH = "/%:@!$&'()*+,;=~-._?"

# An IPv6 network without IPv4 reaches public IPv4 addresses by these (RFC 6052): the address inside is what counts.
_NAT64 = IPv6Network("64:ff9b::/96")
# Public by their numbers only: clouds have their metadata and DNS services there, or they lead elsewhere.
_NEVER = (
    IPv4Network("100.64.0.0/10"),  # shared by carriers (RFC 6598); Alibaba's metadata service
    IPv4Network("168.63.129.16/32"),  # Azure's host
    IPv4Network("192.0.0.0/24"),  # IETF's; Oracle's metadata service
    IPv4Network("192.88.99.0/24"),  # 6to4 relays (RFC 7526)
    IPv6Network("64:ff9b:1::/48"),  # NAT64 of a local network (RFC 8215)
    IPv6Network("2001::/32"),  # Teredo: an IPv4 address inside, obfuscated
    IPv6Network("3fff::/20"),  # documentation (RFC 9637)
    IPv6Network("5f00::/16"),  # segment routing (RFC 9602)
    IPv6Network("fec0::/10"),  # site-local, deprecated
)


class NotAllowedError(Exception):
    """The operator does not fetch from there: why, without the URL's query, which may hold a secret."""


class Rules(Struct, frozen=True, kw_only=True):
    """What the operator's settings allow beyond https to public addresses.

    hosts: names, whose addresses are not looked at; `.example.org` stands for every name below example.org.
    proxy: the URL of an HTTP proxy; "" where there is none.
    proxied: names, as in `hosts`, that are fetched from by the proxy. Only the proxy sees their addresses.
    """

    allows_http: bool = False
    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()
    proxy: str = ""
    proxied: frozenset[str] = frozenset()

    def trusts(self, host: str) -> bool:
        """Whether the host's name alone is enough."""
        return _is_named(host, self.hosts)

    def is_proxied(self, host: str) -> bool:
        """Whether the host is fetched from by the proxy."""
        return _is_named(host, self.proxied)


class Location(Struct, frozen=True):
    """Where a request goes: the parts of a URL that was looked at, in the one form in which they are sent."""

    scheme: str
    host: str
    port: int
    path: str
    query: str = ""

    @property
    def shown(self) -> str:
        """The address without the query: that of a presigned URL is a secret."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"

    @property
    def url(self) -> str:
        """The whole URL, percent-encoded."""
        return f"{self.shown}?{self.query}" if self.query else self.shown


def rules_of(
    allowed: Iterable[str], *, allows_http: bool = False, proxy: str = "", proxied: Iterable[str] = ()
) -> Rules:
    """The rules of a list of host names, `.suffixes` and networks in CIDR notation.

    proxy, proxied: as in `Rules`; a proxy needs hosts, and hosts a proxy.

    Raises:
        ValueError: one of them is none of these, or the proxy is no `http://HOST:PORT`.

    """
    hosts, networks = set(), []
    for one in allowed:
        network = _network(one)
        if network is not None:
            networks.append(network)
            continue
        name = _named(one)
        if not name:
            raise ValueError(f"{one!r} is no host name, .suffix, IP address or network in CIDR notation")
        hosts.add(name)
    return Rules(
        allows_http=allows_http,
        hosts=frozenset(hosts),
        networks=tuple(networks),
        proxy=_proxy(proxy),
        proxied=_proxied(proxy, proxied),
    )


def _proxied(proxy: str, hosts: Iterable[str]) -> frozenset[str]:
    """The names that are fetched from by the proxy. An address would tell nothing about who answers there."""
    names = {one: _named(one) for one in hosts}
    if wrong := [one for one, name in names.items() if not name]:
        raise ValueError(f"--import-proxy-host: {wrong[0]!r} is no host name or .suffix, such as data.example.org")
    if names and not proxy:
        raise ValueError("--import-proxy-host needs --import-proxy, such as http://proxy.example.com:3128")
    if proxy and not names:
        raise ValueError("--import-proxy needs --import-proxy-host, a host that is fetched from by the proxy")
    return frozenset(names.values())


def _proxy(url: str) -> str:
    """The proxy's URL as it is used. It is not repeated in errors, for it may have a password."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        is_proxy = parts.scheme == "http" and parts.hostname and parts.port and parts.path in ("", "/")
    except ValueError:
        is_proxy = False
    if not is_proxy:
        raise ValueError("--import-proxy is no http://HOST:PORT, such as http://proxy.example.com:3128")
    return url


def _named(text: str) -> str:
    """A host's name or a `.suffix`, in lower case; "" if it is neither."""
    name = text.strip().lower()
    return name if _is_name(name.removeprefix(".")) else ""


def _is_named(host: str, names: frozenset[str]) -> bool:
    """Whether a host is one of the names, or below one that begins with a dot."""
    parents = host.split(".")
    suffixes = {"." + ".".join(parents[start:]) for start in range(1, len(parents))}
    return host in names or not suffixes.isdisjoint(names)


def located(url: str, rules: Rules) -> Location:
    """Where a URL leads, if the operator may go there as far as the text tells.

    Raises:
        NotAllowedError: it may not.

    """
    if len(url) > URL_LIMIT or re.search(r"[\x00-\x20\x7f\\]", url):
        raise NotAllowedError("the address is too long, or has spaces, control characters or backslashes in it")
    try:
        parts = urlsplit(url)
        location = _location(parts, parts.port, rules)
    except ValueError as error:
        raise NotAllowedError("the address is not well-formed") from error
    address = _literal(location.host)
    if address is not None:
        check_address(address, location.host, rules)
    return location


def redirected(location: Location, to: str, rules: Rules) -> Location:
    """Where a redirect leads, judged as if the user had written it.

    Raises:
        NotAllowedError: the operator may not go there.

    """
    try:
        return located(urljoin(location.url, to), rules)
    except NotAllowedError as error:
        raise NotAllowedError(f"{location.shown} redirects to where the operator may not go: {error}") from error
    except ValueError as error:
        raise NotAllowedError(f"{location.shown} redirects to an address that is not well-formed") from error


def check_address(address: Address | str, host: str, rules: Rules) -> None:
    """Look at an address that a socket is about to be made for.

    Raises:
        NotAllowedError: the operator does not connect to it.

    """
    if rules.trusts(host):
        return
    found = ipaddress.ip_address(address)
    if any(found in network for network in rules.networks):
        return
    inner = _inner(found)
    if any(inner in network for network in rules.networks):
        return
    if not _is_public(inner):
        # Not which address: what names inside of the network stand for is nothing for everybody to ask.
        words = f"{host} is not" if _literal(host) is not None else f"{host} leads to what is not"
        raise NotAllowedError(f"{words} an address of the public internet; the option --import-allow could allow it")


def _location(parts: SplitResult, port: int | None, rules: Rules) -> Location:
    if parts.scheme not in _PORTS:
        raise NotAllowedError("only https addresses are fetched from")
    if parts.scheme == "http" and not rules.allows_http:
        raise NotAllowedError("only https is allowed; the operator's option --import-allow-http would allow http")
    if "@" in parts.netloc:
        raise NotAllowedError("the address has a user name or password in it")
    if port == 0:
        raise NotAllowedError("the address has the port 0")
    path = quote(parts.path or "/", safe=_PATH.removesuffix("?"))
    return Location(
        scheme=parts.scheme,
        host=_host(parts),
        port=port or _PORTS[parts.scheme],
        path=path,
        query=quote(parts.query, safe=_PATH),
    )


def _host(parts: SplitResult) -> str:
    """The host in the form in which it is resolved: ASCII, lower case, no final dot, numbers in the usual notation."""
    host = parts.hostname or ""
    if parts.netloc.startswith("["):
        if "%" in host or not isinstance(_literal(host), IPv6Address):
            raise NotAllowedError("what stands in brackets is no IPv6 address, or has a zone")
        return str(ipaddress.ip_address(host))
    try:
        name = host.encode("idna").decode().lower().removesuffix(".")
    except UnicodeError as error:
        raise NotAllowedError("the host's name is not well-formed") from error
    if not _is_name(name) and not isinstance(_literal(name), IPv4Address):
        raise NotAllowedError("the host is neither a name nor an IP address in its usual notation")
    return name


def _is_name(text: str) -> bool:
    """Whether it is a host's name: its last part is no number, or resolvers may read the whole as an address."""
    labels = text.split(".")
    return len(text) <= 253 and all(map(_LABEL.fullmatch, labels)) and not _NUMBER.fullmatch(labels[-1])


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return None


def _inner(address: Address) -> Address:
    """The IPv4 address that packets reach in the end, where an IPv6 address stands for one."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_public(address: Address) -> bool:
    special = (
        address.is_private,
        address.is_loopback,
        address.is_link_local,
        address.is_multicast,
        address.is_reserved,
        address.is_unspecified,
    )
    return address.is_global and not any(special) and not any(address in network for network in _NEVER)
