"""The HTTP under tests/servers/x.py: requests, faults, signatures."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote, unquote, urlsplit


@dataclass
class Fault:
    """What an endpoint does once instead of answering.

    `cut`: "before" drops the connection at once, "after" does what was asked and then drops it.
    `body` is sent as it is. `seconds` are waited first.
    """

    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: str = ""
    seconds: float = 0
    chunk_seconds: float = 0


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    authorization: str
    body: dict[str, Any]


class Problem(Exception):  # noqa: N818 - X calls it that
    """An answer that is not 2xx, as problem JSON (RFC 9457)."""

    def __init__(self, status: int, title: str, detail: str, kind: str = "about:blank") -> None:
        super().__init__(detail)
        self.status = status
        self.body = {"title": title, "detail": detail, "status": status, "type": kind}


class Answering(Protocol):
    url: str
    lock: threading.RLock
    seen: list[Seen]

    def fault_for(self, path: str) -> Fault | None: ...

    def answer(self, seen: Seen, raw_url: str) -> tuple[dict[str, Any], dict[str, str]]: ...


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of_x: Answering
    #: Head and body are two writes; without this the second waits for an acknowledgement.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Tests read `seen` instead."""

    def _answer(self) -> None:
        x = self.server_of_x
        address = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        seen = Seen(
            self.command,
            address.path,
            dict(parse_qsl(address.query)),
            self.headers.get("authorization", ""),
            self._parsed(body),
        )
        fault = x.fault_for(address.path)
        if fault is not None and self._misbehave(fault, seen):
            return
        try:
            answer, headers = x.answer(seen, x.url + self.path)
            status = 200 if self.command == "GET" else 201
        except Problem as problem:
            headers = problem.body.pop("_headers", {})
            answer, status = problem.body, problem.status
        if fault is not None and fault.cut == "after":
            self.close_connection = True
            return
        self._send(status, json.dumps(answer).encode(), headers)

    def _parsed(self, body: bytes) -> dict[str, Any]:
        if self.headers.get("content-type", "").startswith("application/json"):
            parsed: dict[str, Any] = json.loads(body)
            return parsed
        return dict(parse_qsl(body.decode()))

    def _misbehave(self, fault: Fault, seen: Seen) -> bool:
        """True when nothing else is to be answered."""
        time.sleep(fault.seconds)
        if fault.cut == "before":
            self.close_connection = True
            return True
        if fault.body is None and fault.status == 200:
            return False
        with self.server_of_x.lock:
            self.server_of_x.seen.append(seen)
        self._send(fault.status, fault.body or b"", fault.headers, fault.chunk_seconds)
        return True

    def _send(
        self, status: int, body: bytes, headers: dict[str, str], chunk_seconds: float = 0
    ) -> None:
        try:
            self.send_response(status)
            self.send_header("content-type", "application/json; charset=utf-8")
            self.send_header("content-length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if chunk_seconds:
                for start in range(len(body)):
                    self.wfile.write(body[start : start + 1])
                    self.wfile.flush()
                    time.sleep(chunk_seconds)
            else:
                self.wfile.write(body)
        except OSError:  # the client had enough
            self.close_connection = True


def is_signed(seen: Seen, value: str, raw_url: str, login: dict[str, str]) -> bool:
    """RFC 5849, 3.4: the signature over method, address and parameters."""
    given = {
        unquote(name): unquote(part) for name, part in re.findall(r'([a-z_]+)="([^"]*)"', value)
    }
    signature = given.pop("oauth_signature", "")
    known = (login["consumer_key"], login["access_token"])
    if (given.get("oauth_consumer_key"), given.get("oauth_token")) != known:
        return False
    parts = sorted(
        (quote(name, safe=""), quote(part, safe=""))
        for name, part in [*given.items(), *seen.query.items()]
    )
    parameters = "&".join(f"{name}={part}" for name, part in parts)
    base = "&".join(
        quote(part, safe="") for part in (seen.method, raw_url.partition("?")[0], parameters)
    )
    key = f"{login['consumer_secret']}&{login['access_token_secret']}"
    digest = hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()
    return hmac.compare_digest(base64.b64encode(digest).decode(), signature)
