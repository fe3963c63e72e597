"""Where people's profiles show their picture: the address alone, as a profile was read last.

It is kept by the address of its owner, as replies are: most people who answer never become anybody
of whom more is known. Nothing is fetched before its owner wants to see it (ledger/pictures.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, select, update

from ledger.inserting import BATCH, insert_new
from ledger.model import Channel
from ledger.tables import handles, profile_pictures

MOST_CHARACTERS = 2000
#: Between two tries to fetch a picture that could not be had.
BETWEEN_TRIES = timedelta(minutes=1)

_P = profile_pictures.c
_CHANGE = (
    update(profile_pictures)
    .where(_P.channel == bindparam("of_channel"), _P.address == bindparam("of_address"))
    .values(url=bindparam("now_url"), seen_at=bindparam("now_seen"), tried_at=None)
)


def note_profile_pictures(
    connection: Connection, channel: Channel, seen: Iterable[tuple[str, str]], now: datetime
) -> None:
    """Keep where these addresses' profiles show a picture; what one does not tell stays."""
    told = {address: url for address, url in seen if address and _is_usable(url)}
    known = _known(connection, channel, list(told))
    new = {address: url for address, url in told.items() if address not in known}
    columns = {"address": list(new), "url": list(new.values())}
    same = {"channel": channel.value, "seen_at": now}
    insert_new(connection, profile_pictures, columns, same)
    changed = [
        {"of_channel": channel, "of_address": address, "now_url": url, "now_seen": now}
        for address, url in told.items()
        if known.get(address, url) != url
    ]
    if changed:
        connection.execute(_CHANGE, changed)


def profile_picture(connection: Connection, contributor_id: str) -> str:
    """Where the newest picture of this contributor's profiles is; "" where none is known."""
    row = _newest(connection, contributor_id)
    return "" if row is None else str(row.url)


def may_try(connection: Connection, contributor_id: str, now: datetime) -> str:
    """Its address, and that it is fetched now; "" when that was tried a moment ago."""
    row = _newest(connection, contributor_id)
    if row is None or (row.tried_at is not None and now - row.tried_at < BETWEEN_TRIES):
        return ""
    connection.execute(
        update(profile_pictures)
        .where(_P.channel == row.channel, _P.address == row.address)
        .values(tried_at=now)
    )
    return str(row.url)


def _newest(connection: Connection, contributor_id: str) -> Row[Any] | None:
    return connection.execute(
        select(profile_pictures)
        .join(handles, _is_theirs())
        .where(handles.c.contributor_id == contributor_id)
        .order_by(_P.seen_at.desc(), _P.channel, _P.address)
        .limit(1)
    ).first()


def _is_theirs() -> ColumnElement[bool]:
    return and_(_P.channel == handles.c.channel, _P.address == handles.c.address)


def _is_usable(url: str) -> bool:
    is_web = url.startswith(("https://", "http://")) and url.isprintable()
    return is_web and len(url) <= MOST_CHARACTERS


def _known(connection: Connection, channel: Channel, addresses: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(addresses), BATCH):
        rows = connection.execute(
            select(_P.address, _P.url).where(
                _P.channel == channel, _P.address.in_(addresses[start : start + BATCH])
            )
        )
        found |= {row.address: row.url for row in rows}
    return found
