"""Write into the record what a publication did, and finish the jobs that asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from ledger import events
from ledger.consent_state import ConsentEvent, EventKind, IllegalEventError
from ledger.database import Ledger
from ledger.events import NewEvent
from ledger.jobs import Job, JobKind, finish_jobs, open_jobs, postpone_jobs
from ledger.told_pages import tell_gone, tell_page
from publisher.holding import Holding
from publisher.intake import Announced, Taken
from publisher.site.behind import changed_since, count_posts
from publisher.site.sources import CURSOR, write_sources
from publisher.site.writing import Written, note_outputs

#: Rows per transaction: long ones would keep the web server's writers waiting.
BATCH = 200


@dataclass(frozen=True)
class Closing:
    """`cursor` is the newest event that was taken in; `held` says why definitions wait.

    With `ends_holding` the publisher steps down in the same moment, if there is no more to do.
    """

    cursor: int
    facts: Mapping[str, str | None]
    jobs: list[Job]
    held: str
    ends_holding: bool


@dataclass(frozen=True)
class Finished:
    """Whether more has changed meanwhile; how many definitions stand."""

    more: bool
    posts: int


def finish(
    ledger: Ledger, holding: Holding, taken: Taken, done: Written, closing: Closing
) -> Finished:
    """The last transaction (for many definitions, the last ones) of a publication."""
    announce, retract = taken.announce, taken.retract
    seen = _Seen(closing.cursor)
    while len(announce) + len(retract) > BATCH:
        with holding.write() as connection:
            _append(ledger, connection, announce[:BATCH], retract[:BATCH], seen)
        announce, retract = announce[BATCH:], retract[BATCH:]
    with holding.write() as connection:
        _append(ledger, connection, announce, retract, seen)
        tell_gone(connection, taken.gone, ledger.clock())
        # What follows the events that were taken in is ours, unless somebody came between.
        facts = {**closing.facts, CURSOR: str(closing.cursor if seen.newer else seen.head)}
        _settle_jobs(ledger, connection, taken, closing)
        note_outputs(connection, done)
        write_sources(connection, facts)
        due = open_jobs(connection, JobKind.PUBLISH, ledger.clock(), limit=1)
        finished = Finished(bool(due or seen.newer), count_posts(connection))
        if closing.ends_holding and not finished.more:
            holding.give_back(connection)
    return finished


@dataclass
class _Seen:
    """How far the chain was looked at for consent that changed meanwhile, and whose did."""

    head: int
    newer: set[str] = field(default_factory=set)

    def look(self, connection: Connection, head: int) -> None:
        """Call this with the chain locked, at this head."""
        if head > self.head:
            self.newer |= changed_since(connection, self.head)
        self.head = head


def _append(
    ledger: Ledger,
    connection: Connection,
    announce: list[Announced],
    retract: list[tuple[str, str]],
    seen: _Seen,
) -> None:
    """Record whose words are public now, and whose are no more."""
    head = events.lock(connection)
    seen.look(connection, head.seq)
    newer = seen.newer
    # Where nothing is newer the history is the one that was folded: these events may follow it.
    new = [
        NewEvent(EventKind.PUBLISHED, one.id, one.contributor_id, {"request_id": one.grant_hash})
        for one in announce
        if one.id not in newer
    ]
    new += [
        NewEvent(EventKind.RETRACTED, one, contributor, {})
        for one, contributor in retract
        if one not in newer
    ]
    made = events.append_all(connection, ledger.keys, ledger.clock(), new, head)
    for announced in announce:
        # Withdrawn since: its own job, still open, takes the page away again.
        if announced.id not in newer or _record_published(ledger, connection, announced):
            _tell_its_source(ledger, connection, announced)
    for one, contributor in retract:
        if one in newer and events.state_of(connection, ledger.keys, one).published:
            _record(ledger, connection, ConsentEvent(EventKind.RETRACTED), one, contributor)
    if newer:
        seen.head = events.head(connection).seq
    elif made:
        seen.head = made[-1].seq


def _record_published(ledger: Ledger, connection: Connection, one: Announced) -> bool:
    published = ConsentEvent(EventKind.PUBLISHED, request_id=one.grant_hash)
    return _record(ledger, connection, published, one.id, one.contributor_id)


def _record(
    ledger: Ledger,
    connection: Connection,
    event: ConsentEvent,
    definition_id: str,
    contributor_id: str,
) -> bool:
    """Append an event; False when its history has gone on in a way that it can't follow."""
    try:
        events.record(
            connection,
            ledger.keys,
            ledger.clock(),
            event,
            definition_id=definition_id,
            contributor_id=contributor_id,
        )
    except IllegalEventError:
        return False
    return True


def _tell_its_source(ledger: Ledger, connection: Connection, one: Announced) -> None:
    """A page that the words come from wants to know of it; the collector tells it."""
    if one.page:
        tell_page(connection, ledger.keys, one.id, one.page, one.post, ledger.clock())


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
