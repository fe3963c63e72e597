"""The HTTP session under Mastodon.py: no other host, and plain answers.

Importing this costs the import of requests: it is done when a connector is used.
"""

from __future__ import annotations

import io
import re
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from collector.bounded_session import BoundedSession, json_of
from collector.mastodon.errors import detail_of
from collector.platform_answers import NoAnswer, Refused

MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
#: From 4.3 on, a server may set aside what strangers write; an answer to a prompt is that.
_UNFILTERED = {"/api/v1/notifications": {"include_filtered": "true"}}


class ApiSession(BoundedSession):
    """Raises Refused for an answer that is not 2xx, NoAnswer where there is none to use.

    `answer` is the last answer as plain JSON: Mastodon.py's entities are not what was sent.
    `newer` is the id after which newer items come, by the answer's Link header, or "".
    `remaining` is how many requests the server still allows in this window, if it says so.
    """

    def __init__(self, timeout: float) -> None:
        super().__init__(timeout)
        self.answer: Any = None
        self.newer = ""
        self.remaining: int | None = None
        self.headers["Connection"] = "close"

    def request(self, method: str, url: str | bytes, *args: Any, **given: Any) -> requests.Response:
        """Send one request; its answer is JSON, and at most 10 MiB long."""
        # Mastodon.py ends some paths in a slash, which not every server knows.
        address = str(url).rstrip("/")
        extra = _UNFILTERED.get(urlsplit(address).path)
        if extra and method == "GET":
            given["params"] = {**(given.get("params") or {}), **extra}
        for _ in range(MOST_REDIRECTS + 1):
            try:
                response, body = self.exchange(method, address, *args, **given)
            finally:
                # A connection kept for the next request may be closed meanwhile: that looks like
                # a loss, and of a post nobody would know whether it arrived.
                self.close()
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

    def _judge(self, response: requests.Response, body: bytes, target: str) -> None:
        """Keep what we need of the answer, and take away what Mastodon.py would stumble over."""
        headers = {name.lower(): value for name, value in response.headers.items()}
        left = headers.get("x-ratelimit-remaining", "")
        self.remaining = int(left) if re.fullmatch(r"[0-9]{1,9}", left) else None
        self.newer = _newer(headers.get("link", ""))
        self.answer = json_of(body)
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
