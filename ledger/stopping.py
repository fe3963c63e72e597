"""The word "stop" in any channel closes all channels: one place that every stage uses."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from ledger import events
from ledger.consent_state import ConsentEvent, EventKind
from ledger.contributors import addresses_of, remember_stop, stop_contact
from ledger.keys import Keys
from ledger.newcomers import forget_newcomers
from ledger.outbox import cancel_messages, refuse_messages
from ledger.requests import close_request, live_request
from ledger.together import people_of


def stop(
    connection: Connection, keys: Keys, at: datetime, contributor_id: str, evidence: dict[str, Any]
) -> bool:
    """Record that a person wants no more messages; False when that was known.

    Contributors that are joined with this one are the same person: they are stopped as well,
    and stay so when they are parted. Their addresses are remembered as keyed hashes, so that
    neither an import nor a merge nor a restored backup lets them be written to again. An open
    request is closed with it, and no message waits to be sent any more. What they granted
    stays: that is theirs to withdraw.
    """
    stopped = [
        _stop_one(connection, keys, at, one, evidence)
        for one in people_of(connection, contributor_id)
    ]
    return any(stopped)


def _stop_one(
    connection: Connection, keys: Keys, at: datetime, contributor_id: str, evidence: dict[str, Any]
) -> bool:
    # Also when it was known: they may have been met at another address since.
    remember_stop(connection, keys, contributor_id, at)
    forget_newcomers(connection, addresses_of(connection, contributor_id))
    if not stop_contact(connection, contributor_id, at):
        return False
    refuse_messages(connection, contributor_id)
    events.append(connection, keys, at, EventKind.STOPPED, contributor_id, contributor_id, evidence)
    request = live_request(connection, contributor_id)
    if request is not None:
        cancelled = ConsentEvent(EventKind.CANCELLED, request_id=request.id)
        events.record(
            connection,
            keys,
            at,
            cancelled,
            definition_id=request.definition_id,
            contributor_id=request.contributor_id,
            evidence=evidence,
        )
        close_request(connection, request.id, at)
        cancel_messages(connection, request.id)
    return True
