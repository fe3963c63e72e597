"""Leases: who may act on one thing for a while, with a fencing token.

A holder that was frozen past its lease still believes that it may act; `check_fence`, called in
the transaction that writes, finds that a newer holder has a higher fence and stops it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from ledger.errors import TemporaryError
from ledger.inserting import insert_or_ignore
from ledger.prepared import Prepared
from ledger.tables import leases

#: The lease of the one worker of an instance.
WORKER = "worker"
_TAKE = Prepared(
    update(leases)
    .where(
        leases.c.name == bindparam("lease"),
        (leases.c.expires_at <= bindparam("now")) | (leases.c.holder == bindparam("who")),
    )
    .values(holder=bindparam("who"), fence=leases.c.fence + 1, expires_at=bindparam("until"))
    .returning(leases.c.fence)
)
_RELEASE = Prepared(
    update(leases)
    .where(leases.c.name == bindparam("lease"), leases.c.fence == bindparam("held"))
    .values(holder="", expires_at=bindparam("now"))
)
_FENCE = Prepared(select(leases.c.fence).where(leases.c.name == bindparam("lease")))


class LeaseLostError(TemporaryError):
    """Somebody else holds this lease by now."""


@dataclass(frozen=True)
class Lease:
    name: str
    holder: str
    fence: int


def acquire(
    connection: Connection, name: str, holder: str, now: datetime, length: timedelta
) -> Lease | None:
    """The lease with a new fence, or None while somebody else holds it."""
    values = {"lease": name, "who": holder, "now": now, "until": now + length}
    fence: int | None = _TAKE.scalar(connection, values)
    if fence is None:
        # Somebody else holds it, or nobody ever has.
        never: dict[str, Any] = {"name": name, "holder": "", "fence": 0}
        never["expires_at"] = datetime.fromtimestamp(0, now.tzinfo)
        connection.execute(insert_or_ignore(connection, leases), [never])
        fence = _TAKE.scalar(connection, values)
    return None if fence is None else Lease(name, holder, fence)


def renew(connection: Connection, lease: Lease, now: datetime, length: timedelta) -> None:
    """Hold on to a lease. Raises LeaseLostError when somebody else has taken it."""
    changed = connection.execute(
        update(leases)
        .where(leases.c.name == lease.name, leases.c.fence == lease.fence)
        .values(expires_at=now + length)
    )
    if changed.rowcount != 1:
        raise _lost(lease)


def release(connection: Connection, lease: Lease, now: datetime) -> None:
    _RELEASE.run(connection, [{"lease": lease.name, "held": lease.fence, "now": now}])


def check_fence(connection: Connection, lease: Lease) -> None:
    """Raise LeaseLostError unless this is still the newest holder."""
    fence = _FENCE.scalar(connection, {"lease": lease.name})
    if fence != lease.fence:
        raise _lost(lease)


def _lost(lease: Lease) -> LeaseLostError:
    return LeaseLostError(
        f"Another worker has taken over '{lease.name}'.", "Nothing is lost; it goes on there."
    )
