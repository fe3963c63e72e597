"""How each account fares: what the desk and `definedby status` show (promise P17)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from collector.channels import POLLED
from ledger.accounts import all_accounts
from ledger.database import Ledger
from ledger.model import Account, Skipped
from ledger.replies import recently_skipped
from ledger.spending import spent
from ledger.tables import replies

#: An account that brought this many replies and then none for this long has gone quiet.
USED_TO_BRING = 5
QUIET_AFTER = timedelta(days=14)


@dataclass(frozen=True)
class AccountStatus:
    """One account: how far it is read, what is next, what went wrong and how to mend it."""

    account: Account
    replies_today: int
    newest: datetime | None
    spent_dollars: float
    is_quiet: bool
    not_collected: tuple[Skipped, ...]

    def as_dict(self) -> dict[str, Any]:
        account = self.account
        return {
            "channel": account.channel,
            "name": account.name,
            "last_read_at": account.last_read_at,
            "next_poll_at": account.next_poll_at,
            "cursor": account.cursor,
            "replies": account.stored,
            "replies_today": self.replies_today,
            "newest_reply_at": self.newest,
            "spent_this_month": self.spent_dollars,
            "quiet": self.is_quiet,
            "failures": account.failures,
            "last_error": account.last_error,
            "not_collected": [vars(item) for item in self.not_collected],
        }


def status(ledger: Ledger) -> list[AccountStatus]:
    """Every account, in the order of channel and name."""
    with ledger.read() as connection:
        return [
            _status(ledger, connection, account)
            for account in all_accounts(connection, ledger.keys)
        ]


def _status(ledger: Ledger, connection: Connection, account: Account) -> AccountStatus:
    now = ledger.clock()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    own = replies.c.account_id == account.id
    today = connection.execute(
        select(func.count()).select_from(replies).where(own, replies.c.received_at >= midnight)
    ).scalar_one()
    newest = connection.execute(
        select(replies.c.received_at).where(own).order_by(replies.c.received_at.desc()).limit(1)
    ).scalar()
    quiet = (
        account.channel in POLLED
        and account.stored >= USED_TO_BRING
        and newest is not None
        and now - newest > QUIET_AFTER
    )
    return AccountStatus(
        account,
        today,
        newest,
        spent(connection, account.id, now) / 1_000_000,
        quiet,
        tuple(recently_skipped(connection, account.id)),
    )
