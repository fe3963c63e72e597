"""A mail server that takes mail and can be told to fail in the worst moments (RFC 5321)."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP


class SmtpPeer:
    """Use as a context manager. `faults`: what happens to the next mails, one each: "before"
    (cut before its body is taken), "after" (taken, then cut), "busy" (451), "" (nothing).
    """

    def __init__(self, arrived: Callable[[], None]) -> None:
        self.arrived = arrived
        self.faults: list[str] = []
        self.texts: list[str] = []

    def __enter__(self) -> SmtpPeer:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
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
        with contextlib.suppress(OSError), client:
            stream = client.makefile("rwb")

            def say(line: str) -> None:
                stream.write(line.encode() + b"\r\n")
                stream.flush()

            say("220 mail.sample.example ESMTP")
            while line := stream.readline():
                word = line.split(None, 1)[0].upper() if line.strip() else b""
                if word == b"EHLO":
                    say("250-mail.sample.example\r\n250 AUTH PLAIN LOGIN")
                elif word == b"AUTH":
                    say("235 2.7.0 welcome")
                elif word == b"DATA":
                    fault = self.faults.pop(0) if self.faults else ""
                    say("354 go on")
                    raw = b"".join(iter(stream.readline, b".\r\n"))
                    if fault == "before":
                        return
                    if fault == "busy":
                        say("451 4.3.0 later")
                        continue
                    self._take(raw)
                    if fault == "after":
                        return
                    say("250 2.0.0 taken")
                elif word == b"QUIT":
                    say("221 2.0.0 goodbye")
                    return
                else:
                    say("250 2.1.0 fine")

    def _take(self, raw: bytes) -> None:
        mail = message_from_bytes(raw, policy=SMTP)
        assert isinstance(mail, EmailMessage)
        text = mail.get_body(("plain",))
        assert text is not None
        self.texts.append(str(text.get_content()))
        self.arrived()
