"""The HTTP session under Mastodon.py: time-outs, bounded bodies, no other host, plain answers.

Importing this costs the import of requests: it is done when a connector is used.
"""

from __future__ import annotations

import io
import json
import re
import ssl
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from collector.mastodon_errors import NoAnswer, Refused, detail_of

MAX_BYTES = 10 * 1024 * 1024
MOST_REDIRECTS = 3
_CHUNK = 64 * 1024
#: A body may take this many time-outs in all: a trickle must not hold the worker for ever.
_BODY_TIMEOUTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
#: Before the request itself left: finding, reaching and trusting the host.
_NEVER_LEFT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    ssl.SSLCertVerificationError,
)
_TIMED_OUT = (urllib3.exceptions.TimeoutError, TimeoutError)
#: From 4.3 on, a server may set aside what strangers write; an answer to a prompt is that.
_UNFILTERED = {"/api/v1/notifications": {"include_filtered": "true"}}


class ApiSession(requests.Session):
    """Raises Refused for an answer that is not 2xx, NoAnswer where there is none to use.

    `answer` is the last answer as plain JSON: Mastodon.py's entities are not what was sent.
    `newer` is the id after which newer items come, by the answer's Link header, or "".
    `remaining` is how many requests the server still allows in this window, if it says so.
    """

    def __init__(self, timeout: float) -> None:
        super().__init__()
        self.timeout = timeout
        self.answer: Any = None
        self.newer = ""
        self.remaining: int | None = None
        # Neither proxies nor a .netrc, which would replace our own login: settings are options.
        self.trust_env = False
        self.headers["Connection"] = "close"

    def request(self, method: str, url: str | bytes, *args: Any, **given: Any) -> requests.Response:
        """Send one request; its answer is JSON, and at most 10 MiB long."""
        # Mastodon.py ends some paths in a slash, which not every server knows.
        address = str(url).rstrip("/")
        given |= {"timeout": self.timeout, "allow_redirects": False, "stream": True}
        extra = _UNFILTERED.get(urlsplit(address).path)
        if extra and method == "GET":
            given["params"] = {**(given.get("params") or {}), **extra}
        for _ in range(MOST_REDIRECTS + 1):
            response, body = self._exchange(method, address, *args, **given)
            target = urljoin(response.url, response.headers.get("Location", ""))
            if method != "GET" or response.status_code not in _REDIRECTS:
                break
            if _origin(target) != _origin(address):
                break
            address = target
            given.pop("params", None)
        self._judge(response, body, target)
        # `answer` has it all. Making entities of it takes Mastodon.py 5 ms for each status.
        response.raw = io.BytesIO(b"[]" if isinstance(self.answer, list) else b"{}")
        return response

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002 - see below
        """None: redirects are ours to judge, and requests would read their bodies to the end."""
        return None

    def _exchange(
        self, method: str, address: str, *args: Any, **given: Any
    ) -> tuple[requests.Response, bytes]:
        try:
            response = super().request(method, address, *args, **given)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise _no_answer(error, may_have_arrived=not _never_left(error)) from error
        try:
            return response, self._body(response)
        finally:
            # A connection kept for the next request may be closed meanwhile: that looks like a
            # loss, and of a post nobody would know whether it arrived.
            response.close()
            self.close()

    def _body(self, response: requests.Response) -> bytes:
        body = bytearray()
        ends = time.monotonic() + _BODY_TIMEOUTS * self.timeout
        try:
            # Not iter_content: it waits for whole chunks, however slowly they trickle in.
            while chunk := response.raw.read1(_CHUNK, decode_content=True):
                body += chunk
                if len(body) > MAX_BYTES:
                    raise NoAnswer("its answer is longer than 10 MiB", may_have_arrived=True)
                if time.monotonic() > ends:
                    raise NoAnswer("its answer does not end", may_have_arrived=True)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _no_answer(error, may_have_arrived=True) from error
        # A body cut short ends like a whole one here, if the server said how long it would be.
        length = response.headers.get("Content-Length", "")
        encoded = response.headers.get("Content-Encoding")
        if length.isdecimal() and not encoded and len(body) < int(length):
            raise NoAnswer("its answer was cut off", may_have_arrived=True, is_cut=True)
        return bytes(body)

    def _judge(self, response: requests.Response, body: bytes, target: str) -> None:
        """Keep what we need of the answer, and take away what Mastodon.py would stumble over."""
        headers = {name.lower(): value for name, value in response.headers.items()}
        left = headers.get("x-ratelimit-remaining", "")
        self.remaining = int(left) if re.fullmatch(r"[0-9]{1,9}", left) else None
        self.newer = _newer(headers.get("link", ""))
        self.answer = _read(body)
        if not 200 <= response.status_code < 300:
            is_elsewhere = response.status_code in _REDIRECTS
            detail = f"{urlsplit(target).scheme}://{urlsplit(target).netloc}"
            raise Refused(
                response.status_code, headers, detail if is_elsewhere else detail_of(self.answer)
            )
        if self.answer is None:
            raise NoAnswer("its answer can't be understood", may_have_arrived=True)
        # It fails on a reset that is no date, and warns of addresses the server calls old.
        response.headers.clear()


def _origin(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.scheme, parts.netloc.lower()


def _newer(link: str) -> str:
    for entry in requests.utils.parse_header_links(link) if link else []:
        if entry.get("rel") == "prev":
            found = re.search(r"[?&](?:min|since)_id=([^&]+)", entry["url"])
            return found[1] if found else ""
    return ""


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _no_answer(error: BaseException, *, may_have_arrived: bool) -> NoAnswer:
    if any(isinstance(each, _TIMED_OUT) for each in _causes(error)):
        return NoAnswer("it does not answer in time", may_have_arrived)
    if any(isinstance(each, ssl.SSLCertVerificationError) for each in _causes(error)):
        return NoAnswer("its certificate can't be trusted", may_have_arrived)
    if may_have_arrived:
        return NoAnswer("the connection was lost", may_have_arrived, is_cut=True)
    return NoAnswer("nothing answers at its address", may_have_arrived)


def _never_left(error: BaseException) -> bool:
    return any(isinstance(each, _NEVER_LEFT) for each in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what is inside it: requests wraps urllib3, which wraps the socket."""
    todo: list[object] = [error]
    seen: set[int] = set()
    while todo:
        each = todo.pop()
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            yield each
            todo += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
