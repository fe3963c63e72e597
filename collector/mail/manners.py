"""Whom a mail of ours never goes to, whichever part of the program wrote it (promise P14)."""

from __future__ import annotations

from sqlalchemy import Connection, select

from collector.mail.automatic import is_server
from ledger.model import Account, Channel
from ledger.outbox import Message
from ledger.tables import accounts, replies


def refusal(connection: Connection, account: Account, message: Message) -> str:
    """Why this message must not leave, as a sentence; "" when it may.

    The last look before sending: RFC 3834 2 for what answers a machine, and no mail to a
    mailbox that we read ourselves, or two of them would write to each other for ever.
    """
    if account.channel is not Channel.EMAIL:
        return ""
    if is_server(message.recipient):
        return "It would go to a mail server, which nobody reads."
    if _bare(message.recipient) in _own_addresses(connection):
        return "It would go to a mailbox of our own."
    if message.in_reply_to and _is_automatic(connection, message.in_reply_to):
        return "It would answer an automatic message (RFC 3834)."
    return ""


def _own_addresses(connection: Connection) -> set[str]:
    rows = connection.execute(select(accounts.c.options).where(accounts.c.channel == Channel.EMAIL))
    return {
        _bare(str(options.get(name) or "")) for options in rows.scalars() for name in _NAMES
    } - {""}


_NAMES = ("address", "user")


def _bare(address: str) -> str:
    """In small letters, and without what follows a plus (RFC 5233)."""
    local, _, domain = address.strip().lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}" if local else ""


def _is_automatic(connection: Connection, external_id: str) -> bool:
    found = connection.execute(
        select(replies.c.id)
        .where(
            replies.c.channel == Channel.EMAIL,
            replies.c.external_id == external_id,
            replies.c.automatic.is_(True),
        )
        .limit(1)
    )
    return found.first() is not None
