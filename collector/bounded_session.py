"""The HTTP session under tweepy and Mastodon.py: time-outs, bounded bodies, no redirects.

Importing this costs the import of requests: it is done when a connector is used.
"""

from __future__ import annotations

import io
import json
import ssl
import time
from collections.abc import Iterator
from typing import Any

import requests
import urllib3

from collector.platform_answers import NoAnswer

MAX_BYTES = 10 * 1024 * 1024
_CHUNK = 64 * 1024
#: A body may take this many time-outs in all: a trickle must not hold the worker for ever.
_BODY_TIMEOUTS = 3
#: Before the request itself left: finding, reaching and trusting the host.
_NEVER_LEFT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    ssl.SSLCertVerificationError,
)
#: A secure connection that just ends.
_CUT = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
_TIMED_OUT = (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)
#: Why there was no answer, as one clause for people: the library's own text names objects.
_WHYS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    (ssl.SSLCertVerificationError, "its certificate can't be trusted"),
    (ssl.SSLError, "no secure connection could be made"),
    (urllib3.exceptions.NameResolutionError, "its name can't be looked up"),
    (
        (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError),
        "it does not answer in time",
    ),
    (urllib3.exceptions.DecodeError, "its answer can't be understood"),
    (urllib3.exceptions.NewConnectionError, "nothing answers at its address"),
)


class BoundedSession(requests.Session):
    """Its subclasses say what a request is and how an answer is judged, in `request`.

    The clients bring the platform's rules, but sessions that follow redirects, read logins from
    the environment and download bodies of any size: that is decided here.
    """

    def __init__(self, timeout: float) -> None:
        super().__init__()
        self.timeout = timeout
        # Neither proxies nor a .netrc, which would replace our own login: settings are options.
        self.trust_env = False

    def exchange(
        self, method: str, address: str, *args: Any, **given: Any
    ) -> tuple[requests.Response, bytes]:
        """One request, whatever the answer: it, and its whole body. Raises NoAnswer."""
        given |= {"timeout": self.timeout, "allow_redirects": False, "stream": True}
        try:
            response = super().request(method, address, *args, **given)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise _no_answer(error, may_have_arrived=not _never_left(error)) from error
        with response:
            body = self._body(response)
        # The clients read it once more.
        response.raw = io.BytesIO(body)
        return response, body

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002 - see below
        """None: redirects are ours to judge, and requests would read their bodies to the end."""
        return None

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


def json_of(body: bytes) -> Any:
    """What a body says; None when it is no JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _no_answer(error: BaseException, *, may_have_arrived: bool) -> NoAnswer:
    causes = list(_causes(error))
    is_cut = any(isinstance(each, _CUT) for each in causes)
    for kinds, why in _WHYS:
        if not is_cut and any(isinstance(each, kinds) for each in causes):
            return NoAnswer(why, may_have_arrived)
    return NoAnswer("the connection was cut", may_have_arrived, is_cut=True)


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
