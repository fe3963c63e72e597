"""How each account fares: what the desk and `definedby status` show (promise P17)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from collector.alerts import Alert, AlertKind, alerts_of, worker_seen
from collector.meter import cap_of
from ledger.accounts import all_accounts
from ledger.database import Ledger
from ledger.model import Account, SkipKind, Skipped
from ledger.replies import count_skipped, recently_skipped
from ledger.spending import spent
from ledger.tables import replies

#: The newest examples of each kind of what was not collected.
MOST_EXAMPLES = 5


@dataclass(frozen=True)
class NotCollected:
    """What an account did not collect for one kind of reason: how much, and the newest of it."""

    kind: SkipKind
    count: int
    examples: tuple[Skipped, ...]


@dataclass(frozen=True)
class AccountStatus:
    """One account: how far it is read, what is next, what went wrong and how to mend it."""

    account: Account
    replies_today: int
    newest: datetime | None
    spent_dollars: float
    cap_dollars: float | None
    alerts: tuple[Alert, ...]
    reasons: tuple[NotCollected, ...]

    @property
    def is_quiet(self) -> bool:
        return any(alert.kind is AlertKind.QUIET for alert in self.alerts)

    @property
    def not_collected(self) -> tuple[Skipped, ...]:
        """The newest examples of everything that was not collected."""
        return tuple(item for reason in self.reasons for item in reason.examples)

    def as_dict(self) -> dict[str, Any]:
        account = self.account
        return {
            "channel": account.channel,
            "name": account.name,
            "reading": account.reading,
            "last_read_at": account.last_read_at,
            "next_poll_at": account.next_poll_at,
            "cursor": account.cursor,
            "replies": account.stored,
            "replies_today": self.replies_today,
            "newest_reply_at": self.newest,
            "spent_this_month": self.spent_dollars,
            "monthly_cap": self.cap_dollars,
            "quiet": self.is_quiet,
            "alerts": [
                {"kind": alert.kind, "what": alert.what, "mend": alert.mend}
                for alert in self.alerts
            ],
            "failures": account.failures,
            "needs_person": account.needs_person,
            "last_error": account.last_error,
            "not_collected_by_kind": {reason.kind: reason.count for reason in self.reasons},
            "not_collected": [vars(item) for item in self.not_collected],
        }


def status(ledger: Ledger) -> list[AccountStatus]:
    """Every account, in the order of channel and name."""
    with ledger.read() as connection:
        seen = worker_seen(connection, ledger.clock())
        return [
            _status(ledger, connection, account, seen)
            for account in all_accounts(connection, ledger.keys)
        ]


def _status(
    ledger: Ledger, connection: Connection, account: Account, seen: datetime | None
) -> AccountStatus:
    now = ledger.clock()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    today = connection.execute(
        select(func.count())
        .select_from(replies)
        .where(replies.c.account_id == account.id, replies.c.received_at >= midnight)
    ).scalar_one()
    return AccountStatus(
        account,
        today,
        account.last_reply_at,
        spent(connection, account.id, now) / 1_000_000,
        cap_of(account.options),
        tuple(alerts_of(account, now, worker_seen=seen)),
        tuple(
            NotCollected(
                kind,
                count,
                tuple(recently_skipped(connection, account.id, MOST_EXAMPLES, kind)),
            )
            for kind, count in count_skipped(connection, account.id).items()
        ),
    )
