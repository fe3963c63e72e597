"""The rows of threads: one for each campaign and contributor, made when it is first needed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, select

from ledger.inserting import insert_or_ignore
from ledger.tables import accounts, definitions, requests, threads


def thread_row(connection: Connection, campaign_id: str, contributor_id: str, now: datetime) -> int:
    """The row of a contributor's conversation, made now if there is none."""
    pair = (campaign_id, contributor_id)
    return rows_of(connection, [pair], now)[pair]


def rows_of(
    connection: Connection, pairs: Iterable[tuple[str, str]], now: datetime
) -> dict[tuple[str, str], int]:
    """The row of each (campaign, contributor); missing ones are made in this order."""
    wanted = list(dict.fromkeys(pairs))
    known = _known_rows(connection, set(wanted))
    missing = [pair for pair in wanted if pair not in known]
    if missing:
        connection.execute(
            insert_or_ignore(connection, threads),
            [
                {"campaign_id": campaign, "contributor_id": whose, "opened_at": now}
                for campaign, whose in missing
            ],
        )
        known |= _known_rows(connection, set(missing))
    return known


def _known_rows(connection: Connection, pairs: set[tuple[str, str]]) -> dict[tuple[str, str], int]:
    rows = connection.execute(
        select(threads.c.campaign_id, threads.c.contributor_id, threads.c.id).where(
            threads.c.contributor_id.in_({whose for _, whose in pairs})
        )
    )
    return {
        (row.campaign_id, row.contributor_id): row.id
        for row in rows
        if (row.campaign_id, row.contributor_id) in pairs
    }


def about_campaign(connection: Connection, account_id: int, request_id: str | None) -> str:
    """What a message of ours is about: the campaign of its question, else of its account."""
    asked = connection.execute(
        select(definitions.c.campaign_id)
        .join(requests, requests.c.definition_id == definitions.c.id)
        .where(requests.c.id == request_id)
    ).scalar()
    if asked is not None:
        return str(asked)
    return str(
        connection.execute(
            select(accounts.c.campaign_id).where(accounts.c.id == account_id)
        ).scalar_one()
    )
