"""A TCP proxy on loopback that cuts connections before or after an HTTP request is delivered."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType


class CuttingHttp:
    """Passes everything on, but cuts the next `times` requests that begin with `wanted`.

    `when` "before": the request never reaches the server. "after": it does, and the server's
    answer is waited for and thrown away, so that it has surely acted.
    """

    def __init__(self, port: int, wanted: bytes, when: str, times: int = 1) -> None:
        self.port, self.wanted, self.when, self.left = port, wanted, when, times
        self.cuts = 0

    def __enter__(self) -> str:
        """The address to use instead of the server's."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with (
            contextlib.suppress(OSError),
            client,
            socket.create_connection(("127.0.0.1", self.port), timeout=20) as server,
        ):
            client.settimeout(20)
            while request := _whole(client):
                is_cut = self.left > 0 and request.startswith(self.wanted)
                if is_cut:
                    self.left, self.cuts = self.left - 1, self.cuts + 1
                    if self.when == "before":
                        return
                server.sendall(request)
                answer = _whole(server)
                if is_cut or not answer:
                    return
                client.sendall(answer)


def _whole(peer: socket.socket) -> bytes:
    """One request or answer with its body (these have a length); empty when the peer has left."""
    taken = b""
    while b"\r\n\r\n" not in taken:
        chunk = peer.recv(65536)
        if not chunk:
            return b""
        taken += chunk
    head, _, body = taken.partition(b"\r\n\r\n")
    lengths = [
        int(line.partition(b":")[2])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    ]
    while len(body) < sum(lengths):
        chunk = peer.recv(65536)
        if not chunk:
            break
        body += chunk
    return head + b"\r\n\r\n" + body
