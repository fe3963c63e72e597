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
from tests.contract.kinds import Hooks, Kind, Trouble, Troubled
from tests.servers.imap_front import troubled_once
from tests.servers.mail import MailServer

LONG = 11 * 1024 * 1024
CANNOT = {
    Kind.EDIT: "A mail that was sent can't be changed; a correction is another mail.",
    Kind.DELETION: "What lies in our mailbox is ours: its author deletes only their own copy.",
}
#: What an IMAP server says where a web server has a status (RFC 5530); it never names a time.
SAYS = {
    Kind.RATE_LIMIT: {"LOGIN": "TAG NO [LIMIT] too many connections"},
    Kind.UNAUTHORISED: {"LOGIN": "TAG NO [AUTHENTICATIONFAILED] no"},
    Kind.FORBIDDEN: {"EXAMINE": "TAG NO [NOPERM] not yours"},
    Kind.SERVER_ERROR: {"UID": "TAG NO [SERVERBUG] disk trouble"},
    Kind.UNAVAILABLE: {"LOGIN": "TAG NO [UNAVAILABLE] the directory is down"},
    Kind.MALFORMED_BODY: {"greeting": "HTTP/1.1 200 OK"},
    Kind.TIME_OUT: {"UID": ""},
}


def email_case(server: MailServer) -> ConnectorCase:
    def fill(folder: Path, texts: Sequence[str]) -> str:
        # Every test has a folder, and so a mailbox, of its own.
        user = "contract-" + hashlib.sha256(str(folder).encode()).hexdigest()[:12]
        with server.imap(user) as client:
            for number, text in enumerate(texts):
                head = f"From: p{number}@far.example\r\nMessage-ID: <m{number}@far.example>\r\n"
                if text == MALFORMED:  # headers beyond what any mail has
                    head += "X-Long: " + "x" * 300_000 + "\r\n"
                assert client.append("INBOX", "", "", f"{head}\r\n{text}\r\n".encode())[0] == "OK"
        return user

    @contextlib.contextmanager
    def prepare(folder: Path, texts: Sequence[str]) -> Iterator[Connector]:
        yield EmailConnector(server.options(fill(folder, texts)), server.password)

    @contextlib.contextmanager
    def broken(_folder: Path) -> Iterator[Connector]:
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
            nobody = probe.getsockname()[1]
        yield EmailConnector(
            {**server.options("contract"), "imap_port": nobody, "smtp_port": nobody},
            server.password,
        )

    def says(answers: dict[str, str]) -> Trouble:
        @contextlib.contextmanager
        def trouble(folder: Path, texts: Sequence[str]) -> Iterator[Troubled]:
            user = fill(folder, texts)
            with troubled_once(server.imap_port, **answers) as port:
                options = {**server.options(user), "imap_port": port, "timeout": 1}
                connector = EmailConnector(options, server.password)
                yield Troubled(lambda: connector.fetch("", 5))

        return trouble

    @contextlib.contextmanager
    def huge(folder: Path, texts: Sequence[str]) -> Iterator[Troubled]:
        user = fill(folder, texts)
        server.append(user, b"Message-ID: <huge@far.example>\r\n\r\n" + b"x " * (LONG // 2))
        connector = EmailConnector(server.options(user), server.password)
        yield Troubled(lambda: connector.fetch("", 5), left_out=True)

    hooks = Hooks(
        troubles={**{kind: says(answers) for kind, answers in SAYS.items()}, Kind.HUGE_BODY: huge},
        cannot=CANNOT,
    )
    return ConnectorCase("email", prepare, broken, is_permanent=False, can_send=True, hooks=hooks)
