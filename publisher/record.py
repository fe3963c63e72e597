"""Write into the record what a publication did, and finish the jobs that asked for it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from ledger import events
from ledger.consent_state import ConsentEvent, EventKind, IllegalEventError
from ledger.database import Ledger
from ledger.events import NewEvent
from ledger.jobs import Job, finish_jobs, postpone_jobs
from publisher.holding import Holding
from publisher.intake import Taken
from publisher.site.behind import changed_since
from publisher.site.sources import CURSOR, write_sources
from publisher.site.writing import Written, note_outputs

#: Rows per transaction: long ones would keep the web server's writers waiting.
BATCH = 200


@dataclass(frozen=True)
class Closing:
    """`cursor` is the newest event that was taken in; `held` says why definitions wait."""

    cursor: int
    facts: Mapping[str, str | None]
    jobs: list[Job]
    held: str


def finish(ledger: Ledger, holding: Holding, taken: Taken, done: Written, closing: Closing) -> None:
    """The last transaction (for many definitions, the last ones) of a publication."""
    announce, retract = taken.announce, taken.retract
    seen = _Seen(closing.cursor)
    while len(announce) + len(retract) > BATCH:
        with holding.write() as connection:
            _append(ledger, connection, announce[:BATCH], retract[:BATCH], seen)
        announce, retract = announce[BATCH:], retract[BATCH:]
    with holding.write() as connection:
        _append(ledger, connection, announce, retract, seen)
        # What follows the events that were taken in is ours, unless somebody came between.
        facts = {**closing.facts, CURSOR: str(closing.cursor if seen.newer else seen.head)}
        _settle_jobs(ledger, connection, taken, closing)
        note_outputs(connection, done)
        write_sources(connection, facts)


@dataclass
class _Seen:
    """How far the chain was looked at for consent that changed meanwhile, and whose did."""

    head: int
    newer: set[str] = field(default_factory=set)

    def look(self, connection: Connection) -> None:
        """Call this with the chain locked."""
        self.newer |= changed_since(connection, self.head)
        self.head = events.head(connection).seq


def _append(
    ledger: Ledger,
    connection: Connection,
    announce: list[tuple[str, str, str]],
    retract: list[tuple[str, str]],
    seen: _Seen,
) -> None:
    """Record whose words are public now, and whose are no more."""
    events.lock(connection)
    seen.look(connection)
    newer = seen.newer
    # Where nothing is newer the history is the one that was folded: these events may follow it.
    new = [
        NewEvent(EventKind.PUBLISHED, one, contributor, {"request_id": granted})
        for one, contributor, granted in announce
        if one not in newer
    ]
    new += [
        NewEvent(EventKind.RETRACTED, one, contributor, {})
        for one, contributor in retract
        if one not in newer
    ]
    events.append_all(connection, ledger.keys, ledger.clock(), new)
    for one, contributor, granted in announce:
        if one in newer:
            # Withdrawn since: its own job, still open, takes the page away again.
            published = ConsentEvent(EventKind.PUBLISHED, request_id=granted)
            _record(ledger, connection, published, one, contributor)
    for one, contributor in retract:
        if one in newer and events.state_of(connection, ledger.keys, one).published:
            _record(ledger, connection, ConsentEvent(EventKind.RETRACTED), one, contributor)
    seen.head = events.head(connection).seq


def _record(
    ledger: Ledger,
    connection: Connection,
    event: ConsentEvent,
    definition_id: str,
    contributor_id: str,
) -> None:
    """Append an event unless its history has gone on in a way that it can't follow."""
    with contextlib.suppress(IllegalEventError):
        events.record(
            connection,
            ledger.keys,
            ledger.clock(),
            event,
            definition_id=definition_id,
            contributor_id=contributor_id,
        )


def _settle_jobs(ledger: Ledger, connection: Connection, taken: Taken, closing: Closing) -> None:
    finished, now = [], ledger.clock()
    for job in closing.jobs:
        if job.subject in taken.refused:
            postpone_jobs(connection, [job], taken.refused[job.subject].sentence, now)
        elif job.subject in taken.held:
            postpone_jobs(connection, [job], closing.held, now)
        else:
            finished.append(job)
    for start in range(0, len(finished), BATCH):
        finish_jobs(connection, finished[start : start + BATCH], now)
