"""Append consent events to the chain, and read them back.

`record` is the only way in: it opens the definition's history, asks the state machine whether
the event may follow, and appends it, all in the caller's transaction.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from ledger import chain, walk
from ledger.consent_state import (
    ABOUT_CONTRIBUTOR,
    ConsentEvent,
    ConsentState,
    EventKind,
    check,
    fold,
)
from ledger.contributors import contributor_key
from ledger.errors import DefinedbyError
from ledger.keys import Keys, seal
from ledger.model import Credit, Use
from ledger.tables import chain_head, event_payloads, events


def record(
    connection: Connection,
    keys: Keys,
    at: datetime,
    event: ConsentEvent,
    *,
    definition_id: str,
    contributor_id: str,
    evidence: dict[str, Any] | None = None,
) -> ConsentEvent:
    """Append `event` to a definition's history and return it with its number and hash.

    `evidence` is kept in the payload beside the event's own fields: notice version, channel,
    page or message id. Raises IllegalEventError when the event can't follow.
    """
    lock(connection)
    check(state_of(connection, keys, definition_id), event)
    payload = {**(evidence or {}), **_payload(event)}
    return append(connection, keys, at, event.kind, definition_id, contributor_id, payload)


def lock(connection: Connection) -> chain.Head:
    """Hold the chain's tail until the transaction ends, so that nobody else appends."""
    row = connection.execute(
        select(chain_head.c.seq, chain_head.c.hash).where(chain_head.c.id == 1).with_for_update()
    ).one()
    return chain.Head(row.seq, row.hash)


def append(
    connection: Connection,
    keys: Keys,
    at: datetime,
    kind: EventKind,
    subject: str,
    contributor_id: str,
    payload: dict[str, Any],
) -> ConsentEvent:
    """Append one event whose right to follow has been checked, or needs no check."""
    head = lock(connection)
    seq, stamp = head.seq + 1, at.isoformat(timespec="microseconds")
    event_key = os.urandom(32)
    commit = chain.commitment(event_key, payload)
    own_hash = chain.link_hash(seq, head.hash, kind, subject, stamp, commit)
    connection.execute(
        insert(events).values(
            seq=seq,
            prev_hash=head.hash,
            hash=own_hash,
            kind=kind,
            subject=subject,
            at=stamp,
            commitment=commit,
        )
    )
    sealed = seal(
        contributor_key(connection, keys, contributor_id),
        event_key + chain.canonical(payload),
        bound_to=own_hash.encode(),
    )
    connection.execute(
        insert(event_payloads).values(seq=seq, contributor_id=contributor_id, sealed=sealed)
    )
    connection.execute(
        update(chain_head).where(chain_head.c.id == 1).values(seq=seq, hash=own_hash)
    )
    return _event(kind, seq, stamp, own_hash, payload)


def state_of(connection: Connection, keys: Keys, definition_id: str) -> ConsentState:
    return fold(history(connection, keys, definition_id))


def history(connection: Connection, keys: Keys, subject: str) -> list[ConsentEvent]:
    """All events of a definition or contributor, in order. Erased ones have empty fields."""
    return [event for event, _ in full_history(connection, keys, subject)]


def full_history(
    connection: Connection, keys: Keys, subject: str
) -> list[tuple[ConsentEvent, dict[str, Any]]]:
    """The events with their whole payloads, evidence included.

    Raises DefinedbyError when a stored event has been changed: nothing may be decided on it.
    """
    opened = []
    for link in subject_links(connection, keys, subject):
        broken = chain.own_break(link)
        if broken:
            raise DefinedbyError(
                f"The consent record of {subject} does not verify: event {link.seq}, {broken}.",
                "Nothing of it is published. Run 'definedby ledger verify', then restore a backup.",
            )
        payload = link.payload
        kind = EventKind(link.kind)
        opened.append((_event(kind, link.seq, link.at, link.hash, payload), payload))
    return opened


def subject_links(connection: Connection, keys: Keys, subject: str) -> list[chain.Link]:
    """The links of one definition or contributor in order, opened and not yet judged."""
    rows = connection.execute(walk.joined().where(events.c.subject == subject)).all()
    return [_open(connection, keys, row) for row in rows]


def head(connection: Connection) -> chain.Head:
    row = connection.execute(select(chain_head.c.seq, chain_head.c.hash)).one()
    return chain.Head(row.seq, row.hash)


def count_links(connection: Connection) -> int:
    return head(connection).seq


def _open(connection: Connection, keys: Keys, row: Row[Any]) -> chain.Link:
    # The whole list of erasures is read only for a row that needs one.
    erasures = walk.read_erasures(connection, keys) if row.sealed is None else {}
    return walk.open_link(
        row, keys, erasures, lambda row: contributor_key(connection, keys, row.contributor_id)
    )


def _payload(event: ConsentEvent) -> dict[str, Any]:
    payload: dict[str, Any] = {}
    if event.request_id:
        payload["request_id"] = event.request_id
    if event.text:
        payload["text"] = event.text
    if event.credit is not None:
        payload["credit"] = event.credit.as_dict()
        payload["credit_line"] = event.credit.line
    if event.uses:
        payload["uses"] = sorted(event.uses)
    return payload


def _event(
    kind: EventKind, seq: int, at: str, own_hash: str, payload: dict[str, Any]
) -> ConsentEvent:
    if kind in ABOUT_CONTRIBUTOR:
        return ConsentEvent(kind, seq, at, own_hash)
    credit = payload.get("credit")
    return ConsentEvent(
        kind,
        seq,
        at,
        own_hash,
        request_id=payload.get("request_id", ""),
        text=payload.get("text", ""),
        credit=Credit.from_dict(credit) if credit else None,
        uses=frozenset(Use(use) for use in payload.get("uses", ())),
    )
