"""Contributors, their handles on the channels, and the key each one's records are sealed with."""

from __future__ import annotations

import os
import secrets
import unicodedata
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from ledger.errors import DefinedbyError
from ledger.inserting import insert_or_ignore
from ledger.keys import Keys
from ledger.model import Channel, Handle, clean_name
from ledger.prepared import Prepared
from ledger.tables import contributors, handles, stopped_addresses
from ledger.together import people_of

_KEY = Prepared(
    select(contributors.c.sealed_key).where(contributors.c.id == bindparam("contributor"))
)


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
    sealed = _KEY.scalar(connection, {"contributor": contributor_id})
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
    # Whoever said stop may come again by a file or another account: they are still left alone.
    stopped = _address_stopped(connection, keys, [address, contact])
    if stopped is not None:
        stop_contact(connection, contributor_id, stopped)
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


def stopped_since(connection: Connection, contributor_id: str) -> datetime | None:
    """When this person said stop themselves; None when they did not."""
    return connection.execute(
        select(contributors.c.stopped_at).where(contributors.c.id == contributor_id)
    ).scalar()


def remember_stop(connection: Connection, keys: Keys, contributor_id: str, at: datetime) -> None:
    """Keep every address of a person who said stop, as a keyed hash (promise P35)."""
    tokens = {stop_token(keys, where) for where in addresses_of(connection, contributor_id)}
    if tokens:
        connection.execute(
            insert_or_ignore(connection, stopped_addresses),
            [{"token": token, "at": at} for token in sorted(tokens)],
        )


def stop_token(keys: Keys, address: str) -> str:
    """The keyed hash of an address, however it is spelled: letter case, width, a leading @."""
    plain = unicodedata.normalize("NFKC", address).strip().removeprefix("mailto:")
    return keys.token_hash("stopped:" + plain.lstrip("@").casefold())


def is_stopped_address(connection: Connection, keys: Keys, *addresses: str) -> bool:
    """Whether one of these addresses belongs to somebody who said stop, known here or not."""
    return _address_stopped(connection, keys, list(addresses)) is not None


def has_stopped_contact(connection: Connection, contributor_id: str) -> bool:
    """Whether this person, or anybody reached at the same address, wants no more messages."""
    person = people_of(connection, contributor_id)
    mine = {where for one in person for where in addresses_of(connection, one)}
    same = {*person, *(one for where in mine for one in reached_at(connection, where))}
    stopped = connection.execute(
        select(contributors.c.id)
        .where(contributors.c.id.in_(same), contributors.c.stopped_at.is_not(None))
        .limit(1)
    )
    return stopped.first() is not None


def set_zone(connection: Connection, contributor_id: str, zone: str) -> None:
    """Their time zone, an IANA name that has been checked; empty: not known."""
    connection.execute(
        update(contributors).where(contributors.c.id == contributor_id).values(zone=zone)
    )


def addresses_of(connection: Connection, contributor_id: str) -> set[str]:
    """Every address and contact by which this person is known."""
    return {
        where
        for handle in handles_of(connection, contributor_id)
        for where in (handle.address, handle.contact)
        if where
    }


def _address_stopped(connection: Connection, keys: Keys, addresses: list[str]) -> datetime | None:
    tokens = [stop_token(keys, address) for address in addresses if address]
    if not tokens:
        return None
    return connection.execute(
        select(stopped_addresses.c.at).where(stopped_addresses.c.token.in_(tokens)).limit(1)
    ).scalar()


def _handle(row: Row[Any]) -> Handle:
    return Handle(
        row.contributor_id,
        Channel(row.channel),
        row.address,
        row.name,
        row.url,
        row.contact,
    )
