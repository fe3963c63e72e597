"""A small web server on loopback whose pages a test sets: good ones, slow ones and bombs.

It counts the connections it accepts and keeps the requests it reads, so that a test can say that
nobody came. `Names` is a resolver in which a test gives hosts their addresses, one list per look.
"""

from __future__ import annotations

import contextlib
import gzip
import socket
import socketserver
import ssl
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    """What a path answers with. `pieces` come `pause` seconds apart, as they are if `raw`."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", HTML),)
    pieces: tuple[bytes, ...] = ()
    pause: float = 0.0
    raw: bool = False


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class WebPages(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Serves while it is entered. `accepted` counts connections, `seen` are the requests."""

    allow_reuse_address = True
    request_queue_size = 64

    def __init__(
        self, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__((host, port), _Handler)
        self.host, self.port = host, int(self.server_address[1])
        self.tls = tls
        self.base = f"{'https' if tls else 'http'}://{host}:{self.port}"
        self.answers: dict[str, Answer] = {}
        self.accepted = 0
        self.seen: list[Seen] = []
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)

    def put(self, path: str, body: str = "", *, status: int = 200, **headers: str) -> str:
        """Set a page; returns its address. Header names are given with underscores."""
        named = {"Content-Type": HTML} | {
            name.replace("_", "-").title(): value for name, value in headers.items()
        }
        self.answers[path] = Answer(status, tuple(named.items()), (body.encode(),))
        return self.base + path

    def put_answer(self, path: str, answer: Answer) -> str:
        self.answers[path] = answer
        return self.base + path

    def redirect(self, path: str, to: str, status: int = 302) -> str:
        return self.put(path, status=status, location=to)

    def __enter__(self) -> WebPages:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.ended.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self.accepted += 1
        return connection, address

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        with (
            contextlib.suppress(OSError),
            self.tls.wrap_socket(request.dup(), server_side=True) as wrapped,
        ):
            super().finish_request(wrapped, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that leave early are what many tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: WebPages

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *_arguments: object) -> None:
        """Tests look at `seen`."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append(Seen(self.command, self.path, dict(self.headers), body))
        answer = self.server.answers.get(self.path, Answer(404))
        if not answer.raw:
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.end_headers()
        for piece in answer.pieces if self.command != "HEAD" else ():
            self.wfile.write(piece)
            self.wfile.flush()
            if answer.pause and self.server.ended.wait(answer.pause):
                return


def gzip_bomb(unpacked_bytes: int, layers: int = 1) -> Answer:
    """A page that is small on the way and huge once unpacked."""
    packed = b"\0" * unpacked_bytes
    for _ in range(layers):
        packed = gzip.compress(packed, 9)
    encoding = ", ".join(["gzip"] * layers)
    return Answer(200, (("Content-Type", HTML), ("Content-Encoding", encoding)), (packed,))


@dataclass
class Names:
    """A resolver: each look-up of a host takes its next list of addresses; the last one stays."""

    known: dict[str, list[Sequence[str]]] = field(default_factory=dict)
    looked_up: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def __call__(self, host: str, port: int, **_given: object) -> Iterator[Any]:
        if host not in self.known:
            raise socket.gaierror(socket.EAI_NONAME, f"{host} is not known")
        answers = self.known[host]
        found = answers[min(self.looked_up[host], len(answers) - 1)]
        self.looked_up[host] += 1
        for address in found:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            yield family, socket.SOCK_STREAM, 6, "", (address, port)
