"""The headers beside a mail's words: ways to stop, and where the answer shall go."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from ledger.database import Ledger
from ledger.model import Account, Channel
from ledger.outbox import Message
from ledger.sent import tag_of
from ledger.stop_links import PATH, new_stop_link


def mail_headers(
    connection: Connection, ledger: Ledger, account: Account, message: Message
) -> dict[str, str]:
    """What `message` carries; nothing on channels other than e-mail.

    To be called in the transaction that claims the message: its stop link must be safe before
    the mail leaves. RFC 8058 2 wants https for the link; without it there is the mailto alone,
    an answer that is read as "stop" (RFC 2369 3.2).
    """
    if account.channel is not Channel.EMAIL:
        return {}
    address, tag = str(account.options["address"]), tag_of(message.message_id)
    mailto = f"<mailto:{address}?subject=stop{f'%20{tag}' if tag else ''}>"
    headers = {"List-Unsubscribe": mailto}
    if ledger.settings.public_url.startswith("https://"):
        token = new_stop_link(connection, ledger.keys, message.contributor_id, ledger.clock())
        link = f"<{ledger.settings.public_url}{PATH}{token}>"
        headers = {
            "List-Unsubscribe": f"{link}, {mailto}",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    reply_to = _reply_to(account.options, address, tag)
    return {**headers, "Reply-To": reply_to} if reply_to else headers


def _reply_to(options: dict[str, Any], address: str, tag: str) -> str:
    """An address of our own that names the mail, where the mailbox takes such (RFC 5233)."""
    if not options.get("plus_addresses") or not tag:
        return ""
    local, _, domain = address.rpartition("@")
    return f"{local}+{tag}@{domain}"
