"""Write into the record what a publication did, and finish the jobs that asked for it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from ledger import events
from ledger.consent_state import ConsentEvent, EventKind, IllegalEventError
from ledger.database import Ledger
from ledger.events import NewEvent
from ledger.jobs import Job, finish_jobs, postpone_jobs
from publisher.holding import Holding
from publisher.intake import Taken
from publisher.site.sources import write_sources
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
    announce = taken.announce
    while len(announce) > BATCH:
        with holding.write() as connection:
            _announce(ledger, connection, announce[:BATCH], closing.cursor)
        announce = announce[BATCH:]
    retract = taken.retract
    while len(retract) > BATCH:
        with holding.write() as connection:
            _retract(ledger, connection, retract[:BATCH])
        retract = retract[BATCH:]
    with holding.write() as connection:
        if announce:
            _announce(ledger, connection, announce, closing.cursor)
        _retract(ledger, connection, retract)
        _settle_jobs(ledger, connection, taken, closing)
        note_outputs(connection, done)
        if closing.facts:
            write_sources(connection, dict(closing.facts))


def _announce(
    ledger: Ledger, connection: Connection, new: list[tuple[str, str, str]], cursor: int
) -> None:
    """Record that grants' words are public; nothing where the grant has gone meanwhile."""
    events.lock(connection)
    newer = {subject for _, _, subject in events.subjects_since(connection, cursor)}
    events.append_all(
        connection,
        ledger.keys,
        ledger.clock(),
        [
            # The history is the one that was folded, so this event may follow.
            NewEvent(EventKind.PUBLISHED, one, contributor, {"request_id": granted})
            for one, contributor, granted in new
            if one not in newer
        ],
    )
    for one, contributor, granted in new:
        if one in newer:
            # Withdrawn since: its own job, still open, takes the page away again.
            with contextlib.suppress(IllegalEventError):
                events.record(
                    connection,
                    ledger.keys,
                    ledger.clock(),
                    ConsentEvent(EventKind.PUBLISHED, request_id=granted),
                    definition_id=one,
                    contributor_id=contributor,
                )


def _retract(ledger: Ledger, connection: Connection, gone: list[tuple[str, str]]) -> None:
    for definition_id, contributor_id in gone:
        if events.state_of(connection, ledger.keys, definition_id).published:
            events.record(
                connection,
                ledger.keys,
                ledger.clock(),
                ConsentEvent(EventKind.RETRACTED),
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
