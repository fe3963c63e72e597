"""Forget what the chain holds of one person, and say in the chain exactly what was forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from ledger import events
from ledger.consent_state import ConsentEvent, EventKind
from ledger.contributors import contributor_key
from ledger.keys import Keys, unseal
from ledger.tables import contributors, event_payloads
from ledger.walk import erasure_statement


def erase_payloads(
    connection: Connection,
    keys: Keys,
    at: datetime,
    contributor_id: str,
    stated: Mapping[str, Any] | None = None,
) -> ConsentEvent:
    """Destroy the payloads of all events of one contributor, and the key they are sealed under.

    The `erased` event lists their numbers in clear, signed: `ledger verify` accepts that these
    payloads are missing and no others, so an erasure can't be forged, nor widened afterwards.
    `stated` says who asked for it and how; it stays readable, so it may name nobody.
    Nothing can be recorded under this contributor any more; withdraw and retract first. Raises
    DefinedbyError when the contributor's records were erased already.
    """
    head = events.lock(connection)
    key = contributor_key(connection, keys, contributor_id)
    theirs = event_payloads.c.contributor_id == contributor_id
    numbers = list(
        connection.execute(
            select(event_payloads.c.seq).where(theirs).order_by(event_payloads.c.seq)
        ).scalars()
    )
    signature = keys.sign(erasure_statement(contributor_id, head.hash, numbers))
    payload = {**(stated or {}), "erased": numbers, "signature": signature}
    kind = EventKind.ERASED
    event = events.append(connection, keys, at, kind, contributor_id, contributor_id, payload)
    own = event_payloads.c.seq == event.seq
    sealed = connection.execute(select(event_payloads.c.sealed).where(own)).scalar_one()
    # In clear: the key it was sealed under goes with everything else.
    plain = unseal(key, sealed, bound_to=event.hash.encode())
    connection.execute(update(event_payloads).where(theirs).values(sealed=None))
    connection.execute(update(event_payloads).where(own).values(sealed=plain))
    connection.execute(
        update(contributors).where(contributors.c.id == contributor_id).values(sealed_key=b"")
    )
    return event
