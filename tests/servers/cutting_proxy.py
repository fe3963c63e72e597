"""A TCP proxy on loopback that cuts one connection at a chosen moment."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def cutting_proxy(port: int, *, after: bytes, then: int) -> Iterator[int]:
    """Passes SMTP on until the server says `after`, then `then` bytes more, then cuts both ways.

    With `then` below zero everything is passed on, and the cut comes in place of the answer.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_pass_on, args=(listener, port, after, then))
        thread.start()
        yield listener.getsockname()[1]
        thread.join(20)
        assert not thread.is_alive()


def _pass_on(listener: socket.socket, port: int, after: bytes, then: int) -> None:
    listener.settimeout(20)
    client = listener.accept()[0]
    with client, socket.create_connection(("127.0.0.1", port), timeout=20) as server:
        client.settimeout(20)
        for _ in range(100):
            answer = server.recv(65536)
            if not answer:
                return
            if answer.startswith(after):
                break
            client.sendall(answer)
            # Each side says one thing at a time: SMTP without pipelining.
            server.sendall(client.recv(65536))
        if then == 0:
            return
        client.sendall(answer)
        passed, end = 0, b""
        while passed < then or then < 0:
            taken = client.recv(65536 if then < 0 else then - passed)
            server.sendall(taken)
            passed += len(taken)
            end = (end + taken)[-5:]
            if then < 0 and end == b"\r\n.\r\n":
                server.recv(65536)
                return
