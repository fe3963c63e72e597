"""Append consent events to the chain, and read them back.

`record` is the only way in: it opens the definition's history, asks the state machine whether
the event may follow, and appends it, all in the caller's transaction.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from ledger import chain, walk
from ledger.consent_state import (
    ABOUT_CONTRIBUTOR,
    ConsentEvent,
    ConsentState,
    EventKind,
    check,
    fold,
)
from ledger.contributors import contributor_key, open_key
from ledger.errors import DefinedbyError
from ledger.keys import Keys, seal
from ledger.model import Credit, Use
from ledger.prepared import Prepared, inserting
from ledger.tables import chain_head, contributors, event_payloads, events

_THE_HEAD = select(chain_head.c.seq, chain_head.c.hash).where(chain_head.c.id == 1)
_HEAD, _LOCKED_HEAD = Prepared(_THE_HEAD), Prepared(_THE_HEAD.with_for_update())
_ADVANCE = Prepared(
    update(chain_head)
    .where(chain_head.c.id == 1)
    .values(seq=bindparam("new_seq"), hash=bindparam("new_hash"))
)
_INSERT, _INSERT_PAYLOAD = inserting(events), inserting(event_payloads)


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
    return chain.Head(*_LOCKED_HEAD.tuples(connection)[0])


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
    new = NewEvent(kind, subject, contributor_id, payload)
    return append_all(connection, keys, at, [new])[0]


@dataclass(frozen=True)
class NewEvent:
    """An event that is to be appended; `contributor_id` says under whose key it is sealed."""

    kind: EventKind
    subject: str
    contributor_id: str
    payload: dict[str, Any]


def append_all(
    connection: Connection,
    keys: Keys,
    at: datetime,
    new: Sequence[NewEvent],
    head: chain.Head | None = None,
) -> list[ConsentEvent]:
    """Append events in this order, at most a few hundred at a time; none needs a check.

    `head` is what `lock` has returned in this transaction, for who has called it already.
    """
    head, stamp = head or lock(connection), at.isoformat(timespec="microseconds")
    if not new:
        return []
    own_keys = _contributor_keys(connection, keys, [one.contributor_id for one in new])
    links, payloads, made = [], [], []
    for one in new:
        event_key = os.urandom(32)
        commit = chain.commitment(event_key, one.payload)
        seq, prev = head.seq + 1, head.hash
        head = chain.Head(seq, chain.link_hash(seq, prev, one.kind, one.subject, stamp, commit))
        links.append(
            {
                "seq": seq,
                "prev_hash": prev,
                "hash": head.hash,
                "kind": one.kind,
                "subject": one.subject,
                "at": stamp,
                "commitment": commit,
            }
        )
        sealed = seal(
            own_keys[one.contributor_id],
            event_key + chain.canonical(one.payload),
            bound_to=head.hash.encode(),
        )
        payloads.append({"seq": seq, "contributor_id": one.contributor_id, "sealed": sealed})
        made.append(_event(one.kind, seq, stamp, head.hash, one.payload))
    _INSERT.run(connection, links)
    _INSERT_PAYLOAD.run(connection, payloads)
    _ADVANCE.run(connection, [{"new_seq": head.seq, "new_hash": head.hash}])
    return made


def _contributor_keys(
    connection: Connection, keys: Keys, contributor_ids: Sequence[str]
) -> dict[str, bytes]:
    wanted = sorted(set(contributor_ids))
    if len(wanted) == 1:
        return {wanted[0]: contributor_key(connection, keys, wanted[0])}
    rows = connection.execute(
        select(contributors.c.id, contributors.c.sealed_key).where(contributors.c.id.in_(wanted))
    )
    found = {row.id: open_key(keys, row.sealed_key) for row in rows}
    for missing in (one for one in wanted if one not in found):
        found[missing] = contributor_key(connection, keys, missing)
    return found


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
    return [_sound(link) for link in subject_links(connection, keys, subject)]


def histories(
    connection: Connection, keys: Keys, subjects: Sequence[str]
) -> dict[str, list[ConsentEvent] | DefinedbyError]:
    """The histories of many definitions at once, a few hundred at a time.

    One that has been changed is there as the error that `history` would raise.
    """
    found: dict[str, list[ConsentEvent] | DefinedbyError] = {one: [] for one in subjects}
    for link in walk.links_of(connection, keys, subjects):
        past = found[link.subject]
        if isinstance(past, DefinedbyError):
            continue
        try:
            past.append(_sound(link)[0])
        except DefinedbyError as error:
            found[link.subject] = error
    return found


def _sound(link: chain.Link) -> tuple[ConsentEvent, dict[str, Any]]:
    broken = chain.own_break(link)
    if broken:
        raise DefinedbyError(
            f"The consent record of {link.subject} does not verify: event {link.seq}, {broken}.",
            "Nothing of it is published. Run 'definedby ledger verify', then restore a backup.",
        )
    payload = link.payload
    return _event(EventKind(link.kind), link.seq, link.at, link.hash, payload), payload


def subjects_since(
    connection: Connection, after: int, kinds: Collection[EventKind]
) -> list[tuple[EventKind, str]]:
    """Kind and subject of every event of these kinds after number `after`, in order."""
    rows = _SINCE.rows(connection, {"after": after, "kinds": sorted(kinds)})
    return [(EventKind(row.kind), row.subject) for row in rows]


_SINCE = Prepared(
    select(events.c.kind, events.c.subject)
    .where(
        events.c.seq > bindparam("after"),
        events.c.kind.in_(bindparam("kinds", expanding=True)),
    )
    .order_by(events.c.seq)
)


def subject_links(connection: Connection, keys: Keys, subject: str) -> list[chain.Link]:
    """The links of one definition or contributor in order, opened and not yet judged."""
    return walk.links_of(connection, keys, [subject])


def head(connection: Connection) -> chain.Head:
    return chain.Head(*_HEAD.tuples(connection)[0])


def count_links(connection: Connection) -> int:
    return head(connection).seq


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
        credit=_credit(tuple(credit.items())) if credit else None,
        uses=_uses(tuple(payload.get("uses", ()))),
    )


# A request and its grant name the same credit and uses, and many people the same uses.
@lru_cache(maxsize=256)
def _credit(parts: tuple[tuple[str, str], ...]) -> Credit:
    return Credit.from_dict(dict(parts))


@lru_cache(maxsize=64)
def _uses(names: tuple[str, ...]) -> frozenset[Use]:
    return frozenset(map(Use, names))
