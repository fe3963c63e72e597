"""What about the accounts an editor should know at once, and what to do about it (promise P17)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, select

from collector.channels import POLLED
from collector.meter import CAP_REACHED
from ledger.leases import WORKER
from ledger.model import Account, Channel, ReadingState
from ledger.tables import accounts, leases

#: An account that brought this many replies and then none for this long has gone quiet.
USED_TO_BRING = 5
QUIET_AFTER = timedelta(days=14)
#: An account is late when it is overdue for longer than this, and than some of its own intervals:
#: with a cron job for a worker, nobody minds a few minutes.
LATE_AFTER = timedelta(hours=1)
LATE_INTERVALS = 3
#: So many failures in a row are no hiccup.
MANY_FAILURES = 5
_IF_QUIET = (
    "Perhaps nobody answers any more. Else send it an answer of your own and see whether that "
    "arrives; pause the account when its time is over."
)


class AlertKind(StrEnum):
    REFUSED = "refused"
    FAILING = "failing"
    CAPPED = "capped"
    LATE = "late"
    QUIET = "quiet"


@dataclass(frozen=True)
class Alert:
    """`what` is a sentence about the account, `mend` what its editor can do."""

    kind: AlertKind
    account_id: int
    account: str
    what: str
    mend: str


def alerts_of(account: Account, now: datetime, *, worker_seen: datetime | None) -> list[Alert]:
    """What is the matter with one account; `worker_seen`: when a worker last was at work."""
    if account.channel not in POLLED or account.reading is not ReadingState.ON:
        return []
    found: list[tuple[AlertKind, str, str]] = []
    if account.needs_person:
        found.append((AlertKind.REFUSED, "can’t be read.", account.last_error))
    elif account.last_error.startswith(CAP_REACHED):
        found.append((AlertKind.CAPPED, "costs no more this month.", account.last_error))
    elif account.failures >= MANY_FAILURES:
        what = f"could not be read {account.failures} times in a row."
        found.append((AlertKind.FAILING, what, account.last_error))
    if _is_late(account, now, worker_seen):
        found.append(
            (
                AlertKind.LATE,
                "has not been read for much longer than planned.",
                "See whether the worker runs: definedby serve, or definedby worker.",
            )
        )
    elif _is_quiet(account, now):
        assert account.last_reply_at is not None
        days = (now - account.last_reply_at).days
        found.append(
            (
                AlertKind.QUIET,
                f"has gone quiet: it brought {account.stored} replies, and none for {days} days.",
                _IF_QUIET,
            )
        )
    return [Alert(kind, account.id, account.name, what, mend) for kind, what, mend in found]


def all_alerts(connection: Connection, now: datetime) -> list[Alert]:
    """Every alert, what needs a person first. Opens no secrets, so any page may ask."""
    seen = worker_seen(connection, now)
    rows = connection.execute(
        select(accounts)
        .where(accounts.c.channel.in_(POLLED), accounts.c.reading == ReadingState.ON)
        .order_by(accounts.c.channel, accounts.c.name)
    )
    known = [
        Account(
            row.id,
            Channel(row.channel),
            row.name,
            row.campaign_id,
            next_poll_at=row.next_poll_at,
            last_read_at=row.last_read_at,
            last_error=row.last_error,
            failures=row.failures,
            stored=row.stored,
            needs_person=row.needs_person,
            last_reply_at=row.last_reply_at,
        )
        for row in rows
    ]
    found = [alert for one in known for alert in alerts_of(one, now, worker_seen=seen)]
    return sorted(found, key=lambda alert: list(AlertKind).index(alert.kind))


def worker_seen(connection: Connection, now: datetime) -> datetime | None:
    """When a worker last held the lease, as far as that shows; None if never."""
    until: datetime | None = connection.execute(
        select(leases.c.expires_at).where(leases.c.name == WORKER)
    ).scalar()
    return None if until is None else min(until, now)


def _is_quiet(account: Account, now: datetime) -> bool:
    return (
        account.stored >= USED_TO_BRING
        and account.last_reply_at is not None
        and now - account.last_reply_at > QUIET_AFTER
    )


def _is_late(account: Account, now: datetime, seen: datetime | None) -> bool:
    if account.next_poll_at is None:
        # It is due since we can't say when: late if no worker has come for that long.
        return seen is not None and now - seen > LATE_AFTER
    planned = account.next_poll_at - (account.last_read_at or account.next_poll_at)
    return now - account.next_poll_at > max(LATE_AFTER, planned * LATE_INTERVALS)
