"""Addresses on the web as strangers write them, and which of them are public (promise P30).

An address is read strictly: what two programs could read differently (octal and short IPv4,
user names, backslashes) is refused, because what we check must be what is connected to.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit

import idna

from ledger.errors import DefinedbyError

MOST_CHARACTERS = 2000
DEFAULT_PORTS = {"http": 80, "https": 443}
#: RFC 1035, 2.3.4; the underscore is not allowed there but in use.
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_ESCAPE = re.compile("%[0-9a-fA-F]{2}")
_SAFE_IN_PATH = "/%:@!$&'()*+,;=~-._"
#: Global by the registry, and yet not a public web server.
_SPECIAL = [
    ipaddress.ip_network(network)
    for network in (
        "100.64.0.0/10",  # shared address space, RFC 6598
        "168.63.129.16/32",  # a cloud's own server, reached from inside it
        "192.0.0.0/24",  # IETF protocol assignments, RFC 6890
        "192.88.99.0/24",  # 6to4 relays, RFC 7526
        "198.18.0.0/15",  # benchmarks, RFC 2544
    )
]
#: The only IPv6 space given out for public use (IANA), and what is special inside it.
_PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")
_SPECIAL_IPV6 = [
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo among them: RFC 2928, RFC 4380
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, RFC 3056
        "3ffe::/16",  # the old 6bone
        "3fff::/20",  # documentation, RFC 9637
    )
]
#: ISATAP puts an IPv4 address behind this in the last 64 bits (RFC 5214, 6.1).
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class FetchError(DefinedbyError):
    """This will not be fetched, however often it is tried."""


@dataclass(frozen=True)
class WebAddress:
    """An address taken apart. `host` is in ASCII; `path` is what stands in the request line."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def ip(self) -> IpAddress | None:
        """The host, when it is a number and no name."""
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The normal spelling, without a fragment: what two equal addresses share."""
        return f"{self.scheme}://{self.host_header}{self.path}"


def read_address(url: str) -> WebAddress:
    """Take an http or https address apart. Raises FetchError for what is unclear or no address."""
    if len(url) > MOST_CHARACTERS or not _is_plain(url):
        raise _refused(url, "it holds spaces, controls or backslashes, or is too long")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = _host(parts)
    except ValueError as error:
        raise _refused(url, str(error)) from error
    if parts.scheme not in DEFAULT_PORTS:
        raise _refused(url, "it does not start with http:// or https://")
    path = quote(parts.path, safe=_SAFE_IN_PATH) or "/"
    if parts.query:
        path += "?" + quote(parts.query, safe=_SAFE_IN_PATH + "?")
    path = _ESCAPE.sub(lambda found: found[0].upper(), path)
    return WebAddress(parts.scheme, host, port or DEFAULT_PORTS[parts.scheme], path)


def normal_url(url: str) -> str:
    """The address in its normal spelling, without a fragment; empty when it is none."""
    try:
        return read_address(url).url
    except FetchError:
        return ""


def is_public(ip: IpAddress) -> bool:
    """Whether this is the address of a public server, and no way into a network of ours."""
    if isinstance(ip, ipaddress.IPv6Address):
        inside = ip in _PUBLIC_IPV6 and not any(ip in network for network in _SPECIAL_IPV6)
        return inside and (int(ip) >> 32) & 0xFFFFFFFF not in _ISATAP
    unusual = ip.is_multicast or ip.is_reserved or ip.is_link_local or ip.is_unspecified
    return ip.is_global and not unusual and not any(ip in network for network in _SPECIAL)


def _is_plain(url: str) -> bool:
    return "\\" not in url and not any(
        char.isspace() or unicodedata.category(char) in ("Cc", "Cf", "Cs", "Cn", "Co")
        for char in url
    )


def _host(parts: SplitResult) -> str:
    """Raises ValueError saying what is wrong."""
    if "@" in parts.netloc:
        raise ValueError("it holds a user name")
    host = parts.hostname or ""
    if "%" in host:
        raise ValueError("its host is escaped or has a zone")
    if parts.netloc.startswith("["):
        return str(ipaddress.IPv6Address(host))
    host = _ascii(host).removesuffix(".")
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("its host can't be a name")
    # Whatever ends in a number is an IPv4 address to a browser (URL standard, 3.5).
    return str(ipaddress.IPv4Address(host)) if _NUMBER.fullmatch(labels[-1]) else host


def _ascii(host: str) -> str:
    """The host in ASCII (UTS #46), which turns all other digits and dots into the usual ones."""
    if host.isascii():
        return host.lower()
    try:
        return idna.encode(host, uts46=True).decode()
    except idna.IDNAError as error:
        raise ValueError("its host can't be a name") from error


def _refused(url: str, reason: str) -> FetchError:
    shown = ascii(url[:100])[1:-1]
    return FetchError(
        f"The address {shown} can't be used: {reason}.",
        "Give a whole public address such as https://ada.example/notes/1.",
    )
