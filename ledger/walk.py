"""Open stored events, one by one or the whole chain in bulk.

An event's payload is sealed under its contributor's key. Only that of an `erased` event lies open,
signed by the instance: there is no key left that could open it, and what it lists (the numbers
of the events whose payloads were destroyed with it) has to be checked ever after.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, type_coerce
from sqlalchemy.types import NullType

from ledger import chain
from ledger.consent_state import EventKind
from ledger.errors import DefinedbyError
from ledger.keys import Keys, Unsealer, verify_signature
from ledger.prepared import Prepared
from ledger.tables import contributors, event_payloads, events

#: How many events are read at a time.
BATCH = 1000
#: Opened keys of contributors that are remembered during a walk.
MOST_KEYS = 50_000
KEY_BYTES = 32

#: Numbers of erased events, each with the number of the event that erased it and whose it was.
Erasures = Mapping[int, tuple[int, str]]
#: Made of the library's own functions: it is called for every text of every event.
_any_text = partial(str, encoding="utf-8", errors="surrogateescape")
#: Gives what opens a row's payload. Raises DefinedbyError or ValueError where the key is gone.
UnsealerOf = Callable[[Row[Any]], Unsealer]


def links(connection: Connection, keys: Keys) -> Iterator[chain.Link]:
    """The whole chain in order, payloads opened, for `chain.verify`."""
    with _damaged_text_too(connection):
        erasures = read_erasures(connection, keys)
        unsealer_of = _remembering(keys)
        for row in _in_order(connection, _with_keys()):
            yield open_link(row, keys, erasures, unsealer_of)


def links_of(connection: Connection, keys: Keys, subjects: Sequence[str]) -> list[chain.Link]:
    """The links of these definitions and contributors in order, at most a few hundred subjects."""
    with _damaged_text_too(connection):
        rows = _of_subjects().rows(connection, {"subjects": list(subjects)})
        # The whole list of erasures is read only for rows that need one.
        missing = any(row.sealed is None for row in rows)
        erasures = read_erasures(connection, keys) if missing else {}
    unsealer_of = _remembering(keys)
    return [open_link(row, keys, erasures, unsealer_of) for row in rows]


def bare_links(connection: Connection, start: int = 1) -> Iterator[chain.Link]:
    """The chain from event `start` on without payloads: proves its links and none of its words."""
    with _damaged_text_too(connection):
        after = -(2**31) if start == 1 else start - 1
        for row in _in_order(connection, select(events).order_by(events.c.seq), after):
            yield _link(row, "erased")


def open_link(row: Row[Any], keys: Keys, erasures: Erasures, unsealer_of: UnsealerOf) -> chain.Link:
    """One joined row with its payload, and with what was found where that should be."""
    eraser, whose = erasures.get(row.seq, (0, ""))
    if row.sealed is None:
        erased = eraser > row.seq and whose == row.contributor_id
        return _link(row, "erased" if erased else "missing")
    if eraser:
        return _link(row, "kept")
    try:
        if row.kind == EventKind.ERASED:
            plain = bytes(row.sealed)
            if _numbers(row, keys) is None:
                return _link(row, "unsigned")
        else:
            plain = unsealer_of(row).open(bytes(row.sealed), bound_to=row.hash.encode())
        return _link(row, "open", plain[:KEY_BYTES], plain[KEY_BYTES:])
    except (ValueError, TypeError, AttributeError, DefinedbyError):
        return _link(row, "unreadable")


def read_erasures(connection: Connection, keys: Keys) -> Erasures:
    """What has been erased, by the signed word of this instance alone."""
    found: dict[int, tuple[int, str]] = {}
    for row in connection.execute(joined().where(events.c.kind == EventKind.ERASED)):
        for number in _numbers(row, keys) or ():
            found[number] = (row.seq, row.subject)
    return found


def erasure_statement(contributor_id: str, previous: str, numbers: list[int]) -> bytes:
    """What an erasure's signature is over; `previous` is the hash of the event before it."""
    return chain.canonical({"erased": numbers, "previous": previous, "subject": contributor_id})


def _numbers(row: Row[Any], keys: Keys) -> list[int] | None:
    try:
        payload = json.loads(bytes(row.sealed)[KEY_BYTES:])
        numbers, signature = payload["erased"], payload["signature"]
        stated = erasure_statement(row.subject, row.prev_hash, numbers)
        if row.contributor_id == row.subject and any(
            verify_signature(key, stated, signature) for key in keys.public_keys
        ):
            return [int(number) for number in numbers]
    except (ValueError, TypeError, KeyError, AttributeError):
        pass
    return None


def _link(row: Row[Any], seal: str, key: bytes = b"", stated: bytes | None = None) -> chain.Link:
    return chain.Link(
        row.seq,
        row.prev_hash,
        row.hash,
        row.kind,
        row.subject,
        row.at,
        row.commitment,
        seal,
        key,
        stated,
    )


def joined(*also: Any) -> Any:
    """Events with their payloads, in order; the rows that `open_link` takes."""
    return (
        select(
            events,
            event_payloads.c.contributor_id,
            # As it is: a damaged cell must not fail before the walk can name its event.
            type_coerce(event_payloads.c.sealed, NullType()).label("sealed"),
            *also,
        )
        .join_from(events, event_payloads, events.c.seq == event_payloads.c.seq, isouter=True)
        .order_by(events.c.seq)
    )


@cache
def _with_keys() -> Any:
    """Built once: to put a statement together takes longer than to run it for one definition."""
    return joined(contributors.c.sealed_key).outerjoin(
        contributors, contributors.c.id == event_payloads.c.contributor_id
    )


@cache
def _of_subjects() -> Prepared:
    wanted = events.c.subject.in_(bindparam("subjects", expanding=True))
    return Prepared(_with_keys().where(wanted))


def _in_order(connection: Connection, statement: Any, after: int = -(2**31)) -> Iterator[Row[Any]]:
    while True:
        rows = connection.execute(statement.where(events.c.seq > after).limit(BATCH)).all()
        yield from rows
        if len(rows) < BATCH:
            return
        after = rows[-1].seq


def _remembering(keys: Keys) -> UnsealerOf:
    """Opens each contributor's key once: that costs more than all of an event's own checks."""
    known: dict[str, Unsealer] = {}
    opener = keys.opener()

    def unsealer_of(row: Row[Any]) -> Unsealer:
        found = known.get(row.contributor_id)
        if found is None:
            if len(known) >= MOST_KEYS:
                known.clear()
            found = Unsealer(bytes.fromhex(opener(bytes(row.sealed_key).decode())))
            known[row.contributor_id] = found
        return found

    return unsealer_of


@contextlib.contextmanager
def _damaged_text_too(connection: Connection) -> Iterator[None]:
    """Let SQLite hand out text that is not UTF-8, so that the walk can name the event."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name != "sqlite":
        yield
        return
    usual, driver.text_factory = driver.text_factory, _any_text
    try:
        yield
    finally:
        driver.text_factory = usual
