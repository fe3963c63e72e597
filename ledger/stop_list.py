"""The list of people who said stop, in a file beside the database: a backup can't forget them.

A backup is older than what was said after it. So whoever said stop is also in `stopped.json` of
the instance folder: as random ids and keyed hashes, which name nobody. The worker keeps file and
database the same; a restore takes over what the file knows and the backup does not (promise P11).
Whoever was erased is marked there as well, and is erased again from a backup that knows them (P35).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select, update

from ledger import chain, durable, stopping
from ledger.consent_state import EventKind
from ledger.contributors import stop_token
from ledger.database import Ledger
from ledger.errors import DefinedbyError, TemporaryError
from ledger.forgetting import Forgotten, forget
from ledger.inserting import insert_or_ignore
from ledger.keys import Keys, verify_signature
from ledger.tables import contributors, events, handles, stopped_addresses

FILE_NAME = "stopped.json"
FORMAT = 2
#: Lists of the first format knew of no erasures.
_FIRST_FORMAT = 1
EVIDENCE = {"channel": "stop list"}
ERASED_BEFORE = {"channel": "stop list", "because": "They were erased after this backup was made."}


@dataclass(frozen=True)
class StopList:
    """Who said stop: contributor ids and keyed hashes of addresses, each with its time.

    `erased` and `erased_addresses` are those of people who were erased.
    """

    people: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    erased: dict[str, str] = field(default_factory=dict)
    erased_addresses: dict[str, str] = field(default_factory=dict)

    def __or__(self, other: StopList) -> StopList:
        return StopList(**{name: {**own, **vars(other)[name]} for name, own in vars(self).items()})

    def knows(self, other: StopList) -> bool:
        """Whether everybody on the other list is on this one."""
        return all(theirs.keys() <= vars(self)[name].keys() for name, theirs in vars(other).items())


def sync_stops(ledger: Ledger) -> int:
    """Make file and database know the same; returns how many people the database learned of.

    Raises DefinedbyError when the file can't be relied upon: nobody may be forgotten by it.
    """
    path = ledger.settings.home / FILE_NAME
    from_file = read_stop_list(path, ledger.keys) if path.exists() else StopList()
    with ledger.read() as connection:
        known = _stored(connection)
    carried = 0
    if not known.knows(from_file):
        with ledger.write() as connection:
            carried = carry_stops(connection, ledger.keys, ledger.clock(), from_file)
            carry_erasures(connection, ledger.keys, ledger.clock(), from_file)
            known = _stored(connection)
    both = from_file | known
    if both != from_file:
        _write(path, ledger.keys, both)
    return carried


def carry_stops(connection: Connection, keys: Keys, at: datetime, stops: StopList) -> int:
    """Stop everybody in the database whom the list names; returns how many that were."""
    if stops.addresses:
        connection.execute(
            insert_or_ignore(connection, stopped_addresses),
            [
                {"token": token, "at": datetime.fromisoformat(when)}
                for token, when in sorted(stops.addresses.items())
            ],
        )
    return sum(
        stopping.stop(connection, keys, at, contributor_id, EVIDENCE)
        for contributor_id in sorted(_named(connection, keys, stops))
    )


def carry_erasures(
    connection: Connection, keys: Keys, at: datetime, stops: StopList
) -> list[Forgotten]:
    """Erase everybody in the database who was erased by the list's account; returns whom."""
    for token, when in sorted(stops.erased_addresses.items()):
        connection.execute(
            update(stopped_addresses)
            .where(stopped_addresses.c.token == token, stopped_addresses.c.erased_at.is_(None))
            .values(erased_at=datetime.fromisoformat(when))
        )
    going_on = select(contributors.c.id, contributors.c.sealed_key)
    present = {row.id for row in connection.execute(going_on) if row.sealed_key}
    named = present.intersection(stops.erased)
    if stops.erased_addresses:
        named |= _at_addresses(connection, keys, stops.erased_addresses) & present
    done: list[Forgotten] = []
    for contributor_id in sorted(named):
        if not any(contributor_id in one.people for one in done):
            done.append(forget(connection, keys, at, contributor_id, ERASED_BEFORE))
    return done


def read_stop_list(path: Path, keys: Keys) -> StopList:
    """The list in a file, proven to be this instance's. Raises DefinedbyError."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        signature = stored.pop("signature")
        if stored["format"] not in (_FIRST_FORMAT, FORMAT) or not verify_signature(
            keys.public_key, chain.canonical(stored), signature
        ):
            raise ValueError("its signature is not that of this instance")
        names = [one.name for one in fields(StopList)]
        if stored["format"] == _FIRST_FORMAT:
            stored |= {"erased": {}, "erased_addresses": {}}
        return StopList(**{name: dict(stored[name]) for name in names})
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DefinedbyError(
            f"The list of people who said stop can't be read: {path} ({error}).",
            "Put back an earlier copy of it. If there is none, move it away: a new one is "
            "written from the database, which may know less.",
        ) from error


def stop_lists_near(file: Path, home: Path) -> list[Path]:
    """Stop lists that a restore of `file` into `home` should know of: there, and by the backup."""
    folders = (home, file.resolve().parent, file.resolve().parent.parent)
    found = {(folder / FILE_NAME).resolve(): None for folder in folders}
    return [path for path in found if path.is_file()]


def _named(connection: Connection, keys: Keys, stops: StopList) -> set[str]:
    going_on = select(contributors.c.id).where(contributors.c.stopped_at.is_(None))
    found = {one for one in connection.execute(going_on).scalars() if one in stops.people}
    if stops.addresses:
        still = set(connection.execute(going_on).scalars())
        found |= _at_addresses(connection, keys, stops.addresses) & still
    return found


def _at_addresses(connection: Connection, keys: Keys, tokens: Mapping[str, str]) -> set[str]:
    """Everybody who is known by an address with one of these hashes."""
    rows = connection.execute(
        select(handles.c.contributor_id, handles.c.address, handles.c.contact)
    )
    return {
        row.contributor_id
        for row in rows
        for where in (row.address, row.contact)
        if where and stop_token(keys, where) in tokens
    }


def _stored(connection: Connection) -> StopList:
    people = connection.execute(
        select(contributors.c.id, contributors.c.stopped_at).where(
            contributors.c.stopped_at.is_not(None)
        )
    )
    addresses = connection.execute(select(stopped_addresses.c.token, stopped_addresses.c.at))
    erased = connection.execute(
        select(events.c.subject, events.c.at)
        .join(contributors, contributors.c.id == events.c.subject)
        .where(contributors.c.sealed_key == b"", events.c.kind == EventKind.ERASED)
    )
    suppressed = connection.execute(
        select(stopped_addresses.c.token, stopped_addresses.c.erased_at).where(
            stopped_addresses.c.erased_at.is_not(None)
        )
    )
    return StopList(
        _dated(people),
        _dated(addresses),
        {row.subject: _seconds(datetime.fromisoformat(row.at)) for row in erased},
        _dated(suppressed),
    )


def _dated(rows: Iterable[Any]) -> dict[str, str]:
    return {row[0]: _seconds(row[1]) for row in rows}


def _seconds(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _write(path: Path, keys: Keys, stops: StopList) -> None:
    stated = {"format": FORMAT, **vars(stops)}
    signed = {**stated, "signature": keys.sign(chain.canonical(stated))}
    try:
        durable.write_file(path, json.dumps(signed, indent=1).encode() + b"\n")
    except OSError as error:
        raise TemporaryError(
            f"The list of people who said stop can't be written: {error.strerror}.",
            "Make room, or let the user that runs definedby write the instance folder.",
        ) from error
