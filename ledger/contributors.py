"""Contributors, their handles on the channels, and the key each one's records are sealed with."""

from __future__ import annotations

import os
import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from ledger.errors import DefinedbyError
from ledger.keys import Keys
from ledger.model import Channel, Handle, clean_name
from ledger.tables import contributors, handles


def new_id() -> str:
    """A random id of 128 bits that says nothing about its bearer."""
    return secrets.token_hex(16)


def add_contributor(connection: Connection, keys: Keys, at: datetime) -> str:
    contributor_id = new_id()
    sealed = keys.encrypt(os.urandom(32).hex())
    connection.execute(
        insert(contributors).values(id=contributor_id, sealed_key=sealed.encode(), created_at=at)
    )
    return contributor_id


def contributor_key(connection: Connection, keys: Keys, contributor_id: str | None) -> bytes:
    """The 256-bit key of one contributor. Raises DefinedbyError when it is gone."""
    sealed = connection.execute(
        select(contributors.c.sealed_key).where(contributors.c.id == contributor_id)
    ).scalar()
    return open_key(keys, sealed)


def open_key(keys: Keys, sealed: bytes | None) -> bytes:
    """A contributor's key as it is stored, opened. Raises DefinedbyError when it is gone."""
    if not sealed:
        raise DefinedbyError(
            "The records of this contributor have been erased.", "Nothing can be read of them."
        )
    return bytes.fromhex(keys.decrypt(bytes(sealed).decode()))


def find_handle(connection: Connection, channel: Channel, address: str) -> Handle | None:
    row = connection.execute(
        select(handles).where(handles.c.channel == channel, handles.c.address == address)
    ).first()
    return None if row is None else _handle(row)


def handles_of(connection: Connection, contributor_id: str) -> list[Handle]:
    rows = connection.execute(
        select(handles).where(handles.c.contributor_id == contributor_id).order_by(handles.c.id)
    )
    return [_handle(row) for row in rows]


def find_or_add_handle(
    connection: Connection,
    keys: Keys,
    at: datetime,
    *,
    channel: Channel,
    address: str,
    name: str = "",
    url: str = "",
    contact: str = "",
) -> tuple[int, Handle]:
    """The handle with this address, made together with its contributor when it is new."""
    row = connection.execute(
        select(handles).where(handles.c.channel == channel, handles.c.address == address)
    ).first()
    if row is not None:
        return row.id, _handle(row)
    contributor_id = add_contributor(connection, keys, at)
    made = connection.execute(
        insert(handles).values(
            contributor_id=contributor_id,
            channel=channel,
            address=address,
            name=clean_name(name),
            url=url,
            contact=contact,
        )
    )
    assert made.inserted_primary_key is not None
    return made.inserted_primary_key[0], Handle(
        contributor_id, channel, address, clean_name(name), url, contact
    )


def reached_at(connection: Connection, address: str) -> list[str]:
    """Everybody whom a message to this address would reach, whatever channel they came by."""
    if not address:
        return []
    rows = connection.execute(
        select(handles.c.contributor_id)
        .where((handles.c.address == address) | (handles.c.contact == address))
        .distinct()
    )
    return list(rows.scalars())


def stop_contact(connection: Connection, contributor_id: str, at: datetime) -> bool:
    """Mark that this person wants no more messages; False when that was known already."""
    changed = connection.execute(
        update(contributors)
        .where(contributors.c.id == contributor_id, contributors.c.stopped_at.is_(None))
        .values(stopped_at=at)
    )
    return changed.rowcount == 1


def has_stopped_contact(connection: Connection, contributor_id: str) -> bool:
    """Whether this person, or anybody reached at the same address, wants no more messages."""
    mine = {
        where
        for handle in handles_of(connection, contributor_id)
        for where in (handle.address, handle.contact)
        if where
    }
    same = {contributor_id, *(one for where in mine for one in reached_at(connection, where))}
    stopped = connection.execute(
        select(contributors.c.id)
        .where(contributors.c.id.in_(same), contributors.c.stopped_at.is_not(None))
        .limit(1)
    )
    return stopped.first() is not None


def _handle(row: Row[Any]) -> Handle:
    return Handle(
        row.contributor_id,
        Channel(row.channel),
        row.address,
        row.name,
        row.url,
        row.contact,
    )
