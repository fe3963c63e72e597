"""E-mail: read a mailbox by IMAP without touching it, send by SMTP.

The cursor is "UIDVALIDITY:UID of the last message read". How it is done is in collector/mail/: the
IMAP connection in mailbox.py, reading on in walk.py, one message and its limits in message.py,
listening in idle.py, sending in sending.py.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from imap_tools.mailbox import BaseMailBox

from collector.connector import Connector, Context, OutgoingMessage
from collector.mail import idle, sending
from collector.mail.idle import Ear
from collector.mail.mailbox import open_folder
from collector.mail.server import MailHost
from collector.mail.walk import read_page, uids_after, uidvalidity
from ledger.clock import Clock, system_clock
from ledger.model import Account, IncomingReply, Page, Skipped


def open_connector(account: Account, _context: Context | None = None) -> Connector:
    """The connector of an e-mail account; wrong options are reported when it is used."""
    return EmailConnector(account.options, account.secret)


class EmailConnector:
    """One mailbox, read by IMAP, and the SMTP login that goes with it.

    Options: imap_host, imap_port, imap_security, smtp_host, smtp_port, smtp_security (security:
    ssl, starttls, or none to a loopback address), user, address, sender_name, folder,
    plus_addresses, timeout (seconds that IMAP may take for each answer).
    """

    def __init__(
        self,
        options: dict[str, Any],
        secret: str,
        *,
        own_address: str = "",
        clock: Clock = system_clock,
    ) -> None:
        self._options = options
        self._secret = secret
        self._user = str(options.get("user") or options.get("address") or "")
        self._address = own_address or str(options.get("address") or self._user)
        self._folder = str(options.get("folder") or "INBOX")
        self._clock = clock

    def fetch(self, cursor: str, limit: int) -> Page:
        """The next messages in UID order. Marks nothing as read and changes nothing.

        When UIDVALIDITY has changed, reading starts again at the first message; the ledger
        knows the replies by their Message-ID. Raises ChannelError.
        """
        with self._open_folder() as (mailbox, count):
            validity = uidvalidity(mailbox)
            known, _, uid = cursor.partition(":")
            last = int(uid) if known == str(validity) and uid.isdecimal() else 0
            uids = uids_after(mailbox, last, count)
            page = uids[: max(limit, 1)]
            items, last = read_page(mailbox, validity, page, last, self._address)
        return Page(
            replies=tuple(item for item in items if isinstance(item, IncomingReply)),
            skipped=tuple(item for item in items if isinstance(item, Skipped)),
            next_cursor=f"{validity}:{last}",
            more=bool(uids) and uids[-1] > last,
        )

    def listen(self, ear: Ear, renew_seconds: float = idle.RENEW_SECONDS) -> None:
        """Tell `ear` of every arrival until it is closed (RFC 2177); read nothing.

        Raises ChannelError, and NoIdleError when the server doesn't offer IDLE.
        """
        with self._open_folder() as (mailbox, count):
            idle.listen(mailbox, count, ear, renew_seconds)

    def send(self, message: OutgoingMessage) -> str:
        """Send once; return the Message-ID. Raises ChannelError (promise P10)."""
        mail = sending.compose(
            message,
            sender=self._address,
            sender_name=str(self._options.get("sender_name") or ""),
            at=self._now(),
        )
        with self._smtp() as client:
            sending.deliver(client, mail, sender=self._address, recipient=message.recipient)
        return message.message_id

    def check(self) -> str:
        """Log in to both servers and say what answered; sends nothing. Raises ChannelError."""
        with self._open_folder() as (_, count):
            answer = (
                f"IMAP answered as {self._user}: {count} "
                f"{'message' if count == 1 else 'messages'} in {self._folder}"
            )
        with self._smtp():
            return f"{answer}; SMTP accepted the login."

    def _now(self) -> datetime:
        return self._clock()

    def _smtp(self) -> AbstractContextManager[Any]:
        host = MailHost.of(self._options, "smtp", ssl_port=465, starttls_port=587)
        return sending.logged_in(
            host, self._user, self._secret, own_domain=self._address.rpartition("@")[2]
        )

    def _open_folder(self) -> AbstractContextManager[tuple[BaseMailBox, int]]:
        host = MailHost.of(self._options, "imap", ssl_port=993, starttls_port=143)
        return open_folder(host, self._user, self._secret, self._folder)
