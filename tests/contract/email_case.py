"""The e-mail connector under the contract, at a real mail server."""

from __future__ import annotations

import contextlib
import hashlib
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

from collector.channels.email import EmailConnector
from collector.connector import Connector
from tests.contract.cases import MALFORMED, ConnectorCase
from tests.servers.mail import MailServer


def email_case(server: MailServer) -> ConnectorCase:
    @contextlib.contextmanager
    def prepare(folder: Path, texts: Sequence[str]) -> Iterator[Connector]:
        # Every test has a folder, and so a mailbox, of its own.
        user = "contract-" + hashlib.sha256(str(folder).encode()).hexdigest()[:12]
        with server.imap(user) as client:
            for number, text in enumerate(texts):
                head = f"From: p{number}@far.example\r\nMessage-ID: <m{number}@far.example>\r\n"
                if text == MALFORMED:  # headers beyond what any mail has
                    head += "X-Long: " + "x" * 300_000 + "\r\n"
                assert client.append("INBOX", "", "", f"{head}\r\n{text}\r\n".encode())[0] == "OK"
        yield EmailConnector(server.options(user), server.password)

    @contextlib.contextmanager
    def broken(_folder: Path) -> Iterator[Connector]:
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
            nobody = probe.getsockname()[1]
        yield EmailConnector(
            {**server.options("contract"), "imap_port": nobody, "smtp_port": nobody},
            server.password,
        )

    return ConnectorCase("email", prepare, broken, is_permanent=False, can_send=True)
