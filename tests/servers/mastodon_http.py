"""The HTTP under tests/servers/mastodon_api.py: requests as they came, and faults on demand."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

DOMAIN = "home.example"
Answer = tuple[int, Any, dict[str, str]]


@dataclass
class Fault:
    """What the server does in place of answering, for the next `times` requests that match.

    `cut`: ends the connection "before" or "after" doing what was asked, without an answer.
    `wait`: seconds of silence before it is done, `drip`: one byte of the body in so many seconds.
    `status` and `body` stand in for the answer; `is_done`: it is done all the same.
    """

    path: str = ""
    method: str = ""
    status: int = 0
    body: bytes = b'{"error": "as a test wants it"}'
    headers: dict[str, str] = field(default_factory=dict)
    cut: str = ""
    wait: float = 0
    drip: float = 0
    is_done: bool = False
    times: int = 1

    def takes(self, method: str, path: str) -> bool:
        is_meant = re.search(self.path, path) is not None and self.method in ("", method)
        if is_meant and self.times > 0:
            self.times -= 1
            return True
        return False


@dataclass
class Seen:
    """One request, as it came."""

    method: str
    path: str
    params: dict[str, list[str]]
    headers: dict[str, str]


def html_of(text: str) -> str:
    """A status's HTML, as Mastodon makes it of what was typed."""

    def linked(found: re.Match[str]) -> str:
        if found[1]:
            shown = re.sub(r"^(?:www\.)", "", found[2])
            hidden = found[0][: len(found[0]) - len(shown)]
            rest = shown[30:]
            return (
                f'<a href="{found[0]}" target="_blank" rel="nofollow noopener" translate="no">'
                f'<span class="invisible">{hidden}</span>'
                f'<span class="{"ellipsis" if rest else ""}">{shown[:30]}</span>'
                f'<span class="invisible">{rest}</span></a>'
            )
        return (
            '<span class="h-card" translate="no">'
            f'<a href="https://{found[4] or DOMAIN}/@{found[3]}" class="u-url mention">'
            f"@<span>{found[3]}</span></a></span>"
        )

    pattern = r"(https?://)([^\s<]+)|(?<![=/\w])@(\w+)(?:@([\w.-]+))?"
    marked = re.sub(pattern, linked, escape(text, quote=False))
    paragraphs = marked.split("\n\n")
    return "".join(f"<p>{part.replace(chr(10), '<br />')}</p>" for part in paragraphs)


def iso(moment: datetime, precision: str = "milliseconds") -> str:
    return moment.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")


class Handler(BaseHTTPRequestHandler):
    """One connection; `handler` binds it to a server."""

    protocol_version = "HTTP/1.1"
    timeout = 20
    answer: Callable[[Seen], Answer]
    faults: list[Fault]
    ended: threading.Event

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        params = parse_qs(parts.query, keep_blank_values=True) | parse_qs(body)
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = Seen(self.command, parts.path, params, headers)
        fault = next((f for f in self.faults if f.takes(self.command, self.path)), Fault())
        if fault.cut == "before" or (fault.wait and self.ended.wait(fault.wait)):
            self.close_connection = True
            return
        status, raw, more = fault.status, fault.body, {}
        if not fault.status or fault.is_done:
            status, answer, more = self.answer(seen)
            raw = json.dumps(answer).encode()
        if fault.status:
            status, raw = fault.status, fault.body
        if fault.cut == "after":
            self.close_connection = True
            return
        with contextlib.suppress(OSError):  # the client may have gone
            self._write(status, raw, more | fault.headers, fault.drip)

    def _write(self, status: int, raw: bytes, headers: dict[str, str], drip: float) -> None:
        self.send_response(status)
        given = {"Content-Type": "application/json", "Content-Length": str(len(raw)), **headers}
        for name, value in given.items():
            self.send_header(name, value)
        self.end_headers()
        for at in range(0, len(raw), 1 if drip else len(raw)):
            if drip and self.ended.wait(drip):
                return
            self.wfile.write(raw[at : at + 1] if drip else raw)
            self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        """Nothing: the requests are kept by the server."""


def handler(
    answer: Callable[[Seen], Answer], faults: list[Fault], ended: threading.Event
) -> type[Handler]:
    """A handler class of one server's own."""
    given = {"answer": staticmethod(answer), "faults": faults, "ended": ended}
    return type("BoundHandler", (Handler,), given)
