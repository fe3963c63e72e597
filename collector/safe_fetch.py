"""Fetch a stranger's page without ever reaching into our own network (promise P30).

Each hop is checked anew: the name is resolved once, every address it has must be public, and the
connection goes to an address that was checked, not to the name. No cookies, no credentials, no
proxies; at most 3 redirects, 1 MiB once unpacked and 5 seconds for everything.
"""

from __future__ import annotations

import contextlib
import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from functools import cache
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode, urljoin

import certifi
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from collector.web_address import FetchError, WebAddress, is_public, read_address
from ledger.errors import TemporaryError

MOST_SECONDS = 5.0
MOST_BYTES = 1024 * 1024
MOST_REDIRECTS = 3
#: A name with many addresses must not make us knock at all of them.
MOST_TRIES = 3
WEB_PORTS = frozenset({80, 443})
USER_AGENT = "Definedby (Webmention; +https://github.com/definedby/definedby)"
ACCEPT_HTML = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"
FORM = "application/x-www-form-urlencoded"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
#: Only these leave method and body as they were (RFC 9110, 15.4).
_SAME_METHOD = frozenset({307, 308})
#: The top-level domain of a host that only our own network knows.
_LOCAL_NAMES = frozenset({"localhost", "local", "internal", "intranet", "lan", "home", "corp"})

#: Like socket.getaddrinfo, called as resolve(host, port, type=SOCK_STREAM).
Resolve = Callable[..., Iterable[Any]]


class UnreachableError(TemporaryError):
    """The page could not be had now; it may work later."""


@dataclass(frozen=True)
class FetchedPage:
    """What a server answered. `url` is where it was found after redirects.

    Header names are in lower case; `body` is empty unless the status is 2xx.
    """

    url: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    charset: str = ""

    @property
    def is_html(self) -> bool:
        kind = self.headers.get("content-type", "text/html").partition(";")[0].strip().lower()
        return kind in ("text/html", "application/xhtml+xml")


def fetch(
    url: str,
    *,
    clock: Callable[[], float] = time.monotonic,
    resolve: Resolve = socket.getaddrinfo,
    allow_private: bool = False,
) -> FetchedPage:
    """GET a page. `clock` counts seconds; `allow_private` is for tests on one machine.

    Raises FetchError for what must not or can't be fetched, UnreachableError for what may
    work later. An answer with an error status is an answer.
    """
    return Fetcher(clock, resolve, allow_private=allow_private).fetch(url)


def post_form(
    url: str,
    fields: Mapping[str, str],
    *,
    clock: Callable[[], float] = time.monotonic,
    resolve: Resolve = socket.getaddrinfo,
    allow_private: bool = False,
) -> FetchedPage:
    """POST a form to a stranger's server, by the same rules and with the same errors."""
    return Fetcher(clock, resolve, allow_private=allow_private).post_form(url, fields)


@dataclass(frozen=True)
class Fetcher:
    """The rules one fetch goes by. `allow_private` also allows any port.

    `own` is a host with its port that may be private: where an owner said that something of theirs
    is. `headers` are sent beside or in place of the usual ones. `seconds`: at most 5.
    """

    clock: Callable[[], float] = time.monotonic
    resolve: Resolve = socket.getaddrinfo
    allow_private: bool = False
    ports: frozenset[int] = WEB_PORTS
    accept: str = ACCEPT_HTML
    tls: ssl.SSLContext | None = None
    own: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = MOST_SECONDS

    def fetch(self, url: str) -> FetchedPage:
        """GET a page; raises as the function of this name does."""
        return self._follow("GET", url, None)

    def post_form(self, url: str, fields: Mapping[str, str]) -> FetchedPage:
        """POST a form under the same rules; only redirects that keep the method are followed."""
        return self._follow("POST", url, urlencode(fields).encode())

    def _follow(self, method: str, url: str, form: bytes | None) -> FetchedPage:
        deadline = self.clock() + min(self.seconds, MOST_SECONDS)
        for _ in range(MOST_REDIRECTS + 1):
            page = self._exchange(method, read_address(url), form, deadline)
            follows = page.status in (_REDIRECTS if form is None else _SAME_METHOD)
            if not follows or "location" not in page.headers:
                return page
            try:
                url = urljoin(page.url, page.headers["location"])
            except ValueError as error:
                raise _unusable(page.url, "it leads to an address that is none") from error
        raise _unusable(url, f"it was sent on more than {MOST_REDIRECTS} times")

    def _exchange(
        self, method: str, address: WebAddress, form: bytes | None, deadline: float
    ) -> FetchedPage:
        headers = {
            "Host": address.host_header,
            "User-Agent": USER_AGENT,
            "Accept": self.accept,
            "Accept-Encoding": "gzip",
            "Connection": "close",
            **self.headers,
        }
        if form is not None:
            headers["Content-Type"] = FORM
        connection = self._connect(address, deadline)
        with contextlib.closing(connection), self._cut_off(connection, deadline):
            try:
                connection.request(
                    method, address.path, form, headers, preload_content=False, decode_content=True
                )
                with contextlib.closing(connection.getresponse()) as response:
                    page = _page(address, response)
            except (OSError, HTTPException, urllib3.exceptions.HTTPError) as error:
                raise self._unreachable(address, error, deadline) from error
        if self.clock() >= deadline:  # cut off, which can look like the end of the page
            raise self._unreachable(address, TimeoutError(), deadline)
        return page

    def _connect(self, address: WebAddress, deadline: float) -> HTTPConnection:
        """A connection to an address that was checked."""
        failure: Exception = TimeoutError()
        for ip in self._checked(address, deadline)[:MOST_TRIES]:
            connection = self._connection(address, ip, self._left(deadline))
            try:
                connection.connect()
            except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
                connection.close()
                failure = error
            else:
                return connection
        raise self._unreachable(address, failure, deadline) from failure

    def _connection(self, address: WebAddress, ip: str, seconds: float) -> HTTPConnection:
        if address.scheme == "http":
            return HTTPConnection(ip, address.port, timeout=seconds)
        return HTTPSConnection(
            ip,
            address.port,
            timeout=seconds,
            server_hostname=address.host,
            ssl_context=self.tls or _tls(),
        )

    def _checked(self, address: WebAddress, deadline: float) -> list[str]:
        """The numbers that this address stands for. Raises FetchError if one is not public."""
        is_free = self._may_be_private(address)
        if not is_free and address.port not in self.ports:
            raise _unusable(address.url, "its port is not one of the web")
        ip = address.ip
        found = [ip] if ip is not None else self._resolved(address, deadline)
        if not is_free and not all(map(is_public, found)):
            raise _unusable(address.url, "it leads into a network that is not public")
        return [str(one) for one in found]

    def _resolved(self, address: WebAddress, deadline: float) -> list[Any]:
        name = address.host
        is_local = "." not in name or name.rpartition(".")[2] in _LOCAL_NAMES
        if is_local and not self._may_be_private(address):
            raise _unusable(address.url, "its name is not a public one")

        def look_up() -> list[Any]:
            answers = self.resolve(name, address.port, type=socket.SOCK_STREAM)
            # A zone ("%eth0") goes with link-local addresses only, which are refused without it.
            texts = dict.fromkeys(str(answer[4][0]).partition("%")[0] for answer in answers)
            return [ipaddress.ip_address(text) for text in texts]

        try:
            found = _within(self._left(deadline), look_up)
        except (OSError, ValueError) as error:
            raise self._unreachable(address, error, deadline) from error
        if not found:
            raise self._unreachable(address, OSError("no address"), deadline)
        return found

    def _may_be_private(self, address: WebAddress) -> bool:
        return self.allow_private or (bool(self.own) and address.host_header == self.own)

    def _left(self, deadline: float) -> float:
        return max(deadline - self.clock(), 0.001)

    @contextlib.contextmanager
    def _cut_off(self, connection: HTTPConnection, deadline: float) -> Any:
        """End the connection at the deadline, however slowly something still trickles in."""
        timer = threading.Timer(self._left(deadline), _shut, [connection.sock])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()

    def _unreachable(
        self, address: WebAddress, error: Exception, deadline: float
    ) -> UnreachableError:
        late = self.clock() >= deadline or isinstance(error, TimeoutError)
        reason = (
            f"not within {min(self.seconds, MOST_SECONDS):g} seconds"
            if late
            else str(error) or repr(error)
        )
        return UnreachableError(
            f"The page {address.url[:200]} could not be fetched: {reason[:200]}.",
            "It is tried again by itself.",
        )


def _page(address: WebAddress, response: urllib3.BaseHTTPResponse) -> FetchedPage:
    headers = {name.lower(): value for name, value in response.headers.itermerged()}
    is_good = 200 <= response.status < 300
    body = _body(address, response) if is_good else b""
    kind = Message()
    kind["content-type"] = headers.get("content-type", "")
    return FetchedPage(
        address.url, response.status, headers, body, kind.get_content_charset("") or ""
    )


def _body(address: WebAddress, response: urllib3.BaseHTTPResponse) -> bytes:
    """The body, unpacked piece by piece, so that a bomb is never whole in memory."""
    body = b""
    while read := response.read(MOST_BYTES + 1 - len(body), decode_content=True):
        body += read
        if len(body) > MOST_BYTES:
            raise _unusable(address.url, f"it is larger than {MOST_BYTES // 1024} KiB")
    return body


def _within(seconds: float, work: Callable[[], list[Any]]) -> list[Any]:
    """What `work` returns or raises; TimeoutError if it takes longer. A lookup can't be ended."""
    outcome: queue.SimpleQueue[list[Any] | Exception] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcome.put(work())
        except Exception as error:  # noqa: BLE001  raised again below, in the caller's thread
            outcome.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        found = outcome.get(timeout=seconds)
    except queue.Empty as error:
        raise TimeoutError("the name was not resolved in time") from error
    if isinstance(found, Exception):
        raise found
    return found


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        # Past the TLS layer, which another thread may be reading from.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certifi.where())


def _unusable(url: str, reason: str) -> FetchError:
    return FetchError(
        f"The page {url[:200]} is not fetched: {reason}.",
        "Make it available at a public address, then send it again.",
    )
