"""A door in front of an IMAP server: the first caller meets a script, later ones the server."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

#: A healthy dialogue up to the folder; a script says what differs. "" says nothing at all.
HEALTHY = {
    "greeting": "* OK ready",
    "CAPABILITY": "* CAPABILITY IMAP4rev1\r\nTAG OK done",
    "LOGIN": "TAG OK done",
    "EXAMINE": "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\nTAG OK [READ-ONLY] done",
    "LOGOUT": "* BYE\r\nTAG OK done",
}


@contextlib.contextmanager
def troubled_once(port: int, **answers: str) -> Iterator[int]:
    """The port of a door to `port`; its first caller gets these answers, by command."""
    script = {**HEALTHY, **answers}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        thread = threading.Thread(target=_open, args=(listener, script, port), daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])


def _open(listener: socket.socket, script: dict[str, str], port: int) -> None:
    with contextlib.suppress(OSError):
        with listener.accept()[0] as caller:
            _converse(caller, script)
        while True:
            threading.Thread(target=_pass, args=(listener.accept()[0], port), daemon=True).start()


def _converse(caller: socket.socket, script: dict[str, str]) -> None:
    caller.settimeout(20)
    with caller.makefile("rb") as lines, contextlib.suppress(OSError):
        _say(caller, script["greeting"], "")
        for line in lines:
            tag, command = (*line.decode().split(), "", "")[:2]
            _say(caller, script.get(command.upper(), "TAG BAD unknown"), tag)


def _say(caller: socket.socket, answer: str, tag: str) -> None:
    if answer:
        caller.sendall(answer.replace("TAG", tag).encode() + b"\r\n")


def _pass(caller: socket.socket, port: int) -> None:
    """Both ways until one side has had enough."""
    with contextlib.suppress(OSError), caller, socket.create_connection(("127.0.0.1", port)) as to:
        back = threading.Thread(target=_pour, args=(to, caller), daemon=True)
        back.start()
        _pour(caller, to)
        back.join(20)


def _pour(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(65536):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)
