"""IDLE (RFC 2177): the mail server says that something has arrived instead of being asked.

The lines are read from the socket by hand: imaplib's reader keeps what it has read ahead to
itself, so that nobody can tell whether the socket is worth waiting for.
"""

from __future__ import annotations

import contextlib
import re
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

from imap_tools.mailbox import BaseMailBox

from collector.mail.server import TIMEOUT

#: RFC 2177 3 allows 29 minutes; routers on the way forget a silent connection much sooner.
RENEW_SECONDS = 9 * 60.0
#: Between two reports, so that a server that talks all the time costs next to nothing.
GAP_SECONDS = 0.5
#: An untagged answer that we care for has 20 characters.
LONGEST_LINE = 64 * 1024
_COUNT = re.compile(rb"\* (\d{1,10}) (EXISTS|EXPUNGE)\b", re.IGNORECASE)


class NoIdleError(Exception):
    """The server doesn't offer IDLE, or refuses it."""


class Ear:
    """Where arrivals are reported to; whoever listens can be sent away from any thread."""

    def __init__(self, heard: Callable[[], None]) -> None:
        self.heard = heard
        self.closed = threading.Event()
        self.bell, self._rope = socket.socketpair()

    def close(self) -> None:
        """End the listening now. May be called more than once."""
        self.closed.set()
        with contextlib.suppress(OSError):
            self._rope.send(b"!")

    def dispose(self) -> None:
        """Free the sockets; for the listening thread, when it is done."""
        self.closed.set()
        self.bell.close()
        self._rope.close()


def listen(mailbox: BaseMailBox, count: int, ear: Ear, renew_seconds: float) -> None:
    """Tell `ear` of every arrival in the open folder, which holds `count` messages.

    It is told once at the start, for what came since the last reading. Returns when the ear is
    closed. Raises NoIdleError, and OSError when the connection breaks.
    """
    # Asked anew: many servers tell only after the login what they really offer.
    _, offered = mailbox.client.capability()
    if b"IDLE" not in b" ".join(line for line in offered if line).upper().split():
        raise NoIdleError
    with _Wire(mailbox.client.socket(), count, ear) as wire:
        number = 0
        while not ear.closed.is_set():
            number += 1
            tag = b"idle%d" % number
            wire.say(tag + b" IDLE\r\n")
            wire.expect(b"+", tag)
            wire.wait(renew_seconds)
            if not ear.closed.is_set():
                wire.say(b"DONE\r\n")
                wire.expect(tag, tag)


class _Wire:
    """The connection while it idles."""

    def __init__(self, sock: Any, count: int, ear: Ear) -> None:
        self._sock = sock
        self._count = count
        self._ear = ear
        self._rest = b""
        self._arrived = True  # for all we know: something may have come since the last reading
        self._selector = selectors.DefaultSelector()
        self._selector.register(sock, selectors.EVENT_READ)
        self._selector.register(ear.bell, selectors.EVENT_READ)

    def __enter__(self) -> _Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()
        # No goodbye: a server that hangs would keep us waiting for its answer.
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def say(self, line: bytes) -> None:
        self._sock.settimeout(TIMEOUT)
        self._sock.sendall(line)

    def expect(self, start: bytes, tag: bytes) -> None:
        """Read on to the line that starts so. Raises NoIdleError for a refusal, TimeoutError."""
        until = time.monotonic() + TIMEOUT
        found = False
        while not found and not self._ear.closed.is_set():
            for line in self._lines(until):
                self._note(line)
                if line.startswith(tag + b" ") and not line[len(tag) :].upper().startswith(b" OK"):
                    raise NoIdleError
                found = found or line.startswith(start)
            if not found and time.monotonic() >= until:
                raise TimeoutError("no answer to IDLE")

    def wait(self, seconds: float) -> None:
        """Report arrivals for so long, or until the ear is closed."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._ear.closed.is_set():
            if self._arrived:
                self._arrived = False
                self._ear.heard()
                self._ear.closed.wait(GAP_SECONDS)
                continue
            for line in self._lines(until):
                self._note(line)

    def _lines(self, until: float) -> list[bytes]:
        """The lines that have come, perhaps none. Raises OSError when the connection is over."""
        if not (isinstance(self._sock, ssl.SSLSocket) and self._sock.pending()):
            ready = self._selector.select(max(until - time.monotonic(), 0))
            if not any(key.fileobj is self._sock for key, _ in ready):
                return []
        self._sock.settimeout(0)
        try:
            got: bytes = self._sock.recv(LONGEST_LINE)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return []
        if not got:
            raise ConnectionResetError("the server closed the connection")
        *lines, self._rest = (self._rest + got).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            raise ConnectionResetError("the server sent a line without an end")
        return lines

    def _note(self, line: bytes) -> None:
        """Remember whether this line tells of a message that was not there before."""
        if line[:5].upper() == b"* BYE":
            raise ConnectionResetError("the server said goodbye")
        found = _COUNT.match(line)
        if found is None:
            return
        if found[2].upper() == b"EXPUNGE":
            self._count -= 1
            return
        self._arrived = self._arrived or int(found[1]) > self._count
        self._count = int(found[1])
