"""What channels charged, per account and calendar month (UTC), in millionths of a dollar."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from ledger.inserting import insert_or_ignore
from ledger.tables import charged_today, spending

#: What requests that have not ended yet may still cost.
HELD = "held"
#: An id longer than this is cut; platforms' ids are far shorter.
MOST_ID_CHARACTERS = 200


def month_of(at: datetime) -> str:
    return at.strftime("%Y-%m")


def spent(connection: Connection, account_id: int, at: datetime) -> int:
    """Millionths of a dollar that this account has cost this month."""
    total = connection.execute(
        select(func.coalesce(func.sum(spending.c.micro_dollars), 0)).where(
            spending.c.account_id == account_id, spending.c.month == month_of(at)
        )
    ).scalar_one()
    return int(total)


def spent_on(connection: Connection, account_id: int, kind: str, at: datetime) -> int:
    """Millionths of a dollar that one kind of unit has cost this account this month."""
    cost = connection.execute(
        select(spending.c.micro_dollars).where(*_row(account_id, month_of(at), kind))
    ).scalar()
    return int(cost or 0)


def hold(
    connection: Connection,
    account_id: int,
    count: int,
    micro_dollars_each: int,
    cap: int,
    at: datetime,
) -> int:
    """Hold back what up to `count` units cost; returns how many fit under the cap (millionths).

    Requests side by side, in any process, never hold more than the cap together. What a process
    that died held stays held this month: the platform may have charged it.
    """
    month = month_of(at)
    _add(connection, account_id, month, HELD, 0, 0)  # locks the row: one at a time
    left = cap - spent(connection, account_id, at)
    fitting = max(0, min(count, left // micro_dollars_each))
    _add(connection, account_id, month, HELD, 0, fitting * micro_dollars_each)
    return fitting


def let_go(connection: Connection, account_id: int, month: str, micro_dollars: int) -> None:
    """What was held is charged or was not needed."""
    _add(connection, account_id, month, HELD, 0, -micro_dollars)


def charge(
    connection: Connection,
    account_id: int,
    kind: str,
    ids: Sequence[str],
    micro_dollars_each: int,
    at: datetime,
) -> int:
    """Note what was read or sent; what was charged today already costs nothing again.

    Returns how many units were charged.
    """
    day = at.strftime("%Y-%m-%d")
    connection.execute(
        delete(charged_today).where(
            charged_today.c.account_id == account_id, charged_today.c.day != day
        )
    )
    items = {f"{kind}:{item}"[:MOST_ID_CHARACTERS] for item in ids}
    before = _count_today(connection, account_id)
    if items:
        rows = [{"account_id": account_id, "day": day, "item": item} for item in sorted(items)]
        connection.execute(insert_or_ignore(connection, charged_today), rows)
    units = _count_today(connection, account_id) - before
    _add(connection, account_id, month_of(at), kind, units, units * micro_dollars_each)
    return units


def _add(
    connection: Connection, account_id: int, month: str, kind: str, units: int, micro_dollars: int
) -> None:
    key = {"account_id": account_id, "month": month, "kind": kind}
    connection.execute(
        insert_or_ignore(connection, spending), [{**key, "units": 0, "micro_dollars": 0}]
    )
    connection.execute(
        update(spending)
        .where(*_row(account_id, month, kind))
        .values(
            units=spending.c.units + units, micro_dollars=spending.c.micro_dollars + micro_dollars
        )
    )


def _row(account_id: int, month: str, kind: str) -> tuple[ColumnElement[bool], ...]:
    return (
        spending.c.account_id == account_id,
        spending.c.month == month,
        spending.c.kind == kind,
    )


def _count_today(connection: Connection, account_id: int) -> int:
    return connection.execute(
        select(func.count())
        .select_from(charged_today)
        .where(charged_today.c.account_id == account_id)
    ).scalar_one()
