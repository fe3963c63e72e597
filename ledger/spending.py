"""What channels charged, per account and calendar month (UTC), in millionths of a dollar."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, update

from ledger.inserting import insert_or_ignore
from ledger.tables import charged_today, spending

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
    key = {"account_id": account_id, "month": month_of(at), "kind": kind}
    connection.execute(
        insert_or_ignore(connection, spending), [{**key, "units": 0, "micro_dollars": 0}]
    )
    connection.execute(
        update(spending)
        .where(*(spending.c[name] == value for name, value in key.items()))
        .values(
            units=spending.c.units + units,
            micro_dollars=spending.c.micro_dollars + units * micro_dollars_each,
        )
    )
    return units


def _count_today(connection: Connection, account_id: int) -> int:
    return connection.execute(
        select(func.count())
        .select_from(charged_today)
        .where(charged_today.c.account_id == account_id)
    ).scalar_one()
