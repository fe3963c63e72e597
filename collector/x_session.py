"""The HTTP session under tweepy's client: other host, time-outs, bounded bodies, no redirects.

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

from collector.x_errors import NoAnswer, Refused, detail_of
from collector.x_login import TWEEPY_HOST

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


class ApiSession(requests.Session):
    """Raises Refused for an answer that is not 2xx, NoAnswer where there is none to use.

    Raised here and not by tweepy, whose own errors fail on bodies that aren't objects. OAuth 1.0a
    signs the address that is called, so the host is replaced before a request is prepared.
    """

    def __init__(self, base_url: str, timeout: float) -> None:
        super().__init__()
        self.base_url = base_url
        self.timeout = timeout
        # Neither proxies nor a .netrc, which would replace our own login: settings are options.
        self.trust_env = False

    def request(self, method: str, url: str | bytes, *args: Any, **given: Any) -> requests.Response:
        """Send one request; its answer's body is read, and at most 10 MiB long."""
        address = self.base_url + str(url).removeprefix(TWEEPY_HOST)
        given |= {"timeout": self.timeout, "allow_redirects": False, "stream": True}
        try:
            response = super().request(method, address, *args, **given)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise NoAnswer(_why(error), may_have_arrived=not _never_left(error)) from error
        with response:
            body = self._body(response)
        if not 200 <= response.status_code < 300:
            headers = {name.lower(): value for name, value in response.headers.items()}
            raise Refused(response.status_code, headers, detail_of(_read(body)))
        response.raw = io.BytesIO(body)
        return response

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
            raise NoAnswer(_why(error), may_have_arrived=True) from error
        return bytes(body)


def json_object(response: requests.Response) -> dict[str, Any]:
    """The answer as an object. Raises NoAnswer when it is anything else."""
    answer = _read(response.content)
    if not isinstance(answer, dict):
        raise NoAnswer("its answer can't be understood", may_have_arrived=True)
    return answer


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _never_left(error: BaseException) -> bool:
    return any(isinstance(cause, _NEVER_LEFT) for cause in _causes(error))


def _why(error: BaseException) -> str:
    """One clause for people; the library's own text names objects and repeats itself."""
    causes = list(_causes(error))
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return "no secure connection could be made"
    if any(isinstance(cause, urllib3.exceptions.NameResolutionError) for cause in causes):
        return "its name can't be looked up"
    if any(isinstance(cause, (requests.Timeout, TimeoutError)) for cause in causes):
        return "it took too long to answer"
    if any(isinstance(cause, urllib3.exceptions.DecodeError) for cause in causes):
        return "its answer can't be understood"
    if any(isinstance(cause, urllib3.exceptions.NewConnectionError) for cause in causes):
        return "no connection could be made"
    return "the connection was cut"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it came from; libraries put that in three places."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        yield error
        inner = getattr(error, "reason", None)
        if not isinstance(inner, BaseException) and error.args:
            inner = error.args[0]
        error = inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__
