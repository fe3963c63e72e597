"""Erase a person: whatever is held of them goes, but for what keeps us from starting anew (P35).

All of it is one transaction: no crash leaves half a person. What stands on the blog is taken away
by the publisher, which finds a job for each definition; the addresses answer 410 from here on.
What the database file still holds between its rows goes when it is scrubbed (ledger/scrub.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from ledger import events, stopping
from ledger import tables as t
from ledger.consent_state import EventKind
from ledger.contributors import stop_token
from ledger.erasures import erase_payloads
from ledger.events import NewEvent
from ledger.jobs import JobKind, add_job
from ledger.keys import Keys
from ledger.posts import bury_post
from ledger.whose import WHOSE, Trace, trace, with_shares

LATE = {"channel": "erasure", "because": "Taken in while its author was being erased."}
#: The first characters of a definition's id, with which the file of its post ends.
ID_CHARACTERS = 8
#: The fact that says which definitions' rows have to leave the database file (ledger/scrub.py).
TO_SCRUB = "to_scrub"
#: In this order, because of what refers to what. The publisher clears what it keeps of the site
#: itself: without its notes it would not know which pages to make anew.
_ROWS_THAT_GO = (
    *("answers", "rights_requests", "told_pages", "mentions", "newcomers", "outbox", "requests"),
    *(
        "piece_sources",
        "definition_versions",
        "definitions",
        "replies",
        "threads",
        "handles",
        "joins",
    ),
    *("links", "stop_links", "skipped_items", "gone_sources", "charged_today"),
    *("profile_marks", "profile_pictures", "pictures", "passed_over", "jobs", "places"),
)


@dataclass(frozen=True)
class Forgotten:
    """Who was erased: the contributors that they were, and their definitions' ids.

    `editions` are those they were in: their introductions are an editor's, and may name them.
    """

    people: tuple[str, ...]
    definitions: tuple[str, ...]
    editions: tuple[str, ...] = ()


def forget(
    connection: Connection, keys: Keys, at: datetime, contributor_id: str, stated: dict[str, Any]
) -> Forgotten:
    """Withdraw everything of this person, then delete it, with the key of their record.

    `stated` says who asked for it and how, in the clear, and is kept: it names nobody. Whoever
    is joined with them is the same person and is erased as well. Of somebody who was erased
    already nothing happens.
    """
    of = with_shares(connection, trace(connection, keys, contributor_id))
    going = _with_a_key(connection, of.person)
    if going:
        stopping.stop(connection, keys, at, contributor_id, stated)
        _take_back(connection, keys, at, of, stated)
        _take_over(connection, of, going[0])
        for one in going:
            erase_payloads(connection, keys, at, one, stated)
    _suppress(connection, of, at)
    _leave_editions(connection, of)
    for name in _ROWS_THAT_GO:
        table = t.metadata.tables[name]
        connection.execute(delete(table).where(WHOSE[name](of)))
    connection.execute(
        update(t.contributors)
        .where(t.contributors.c.id.in_(of.person))
        .values(person_id="", zone="")
    )
    _forget_errors(connection, of)
    for one in of.definitions:
        add_job(connection, JobKind.PUBLISH, one, at)
    _want_scrub(connection, of.definitions)
    return Forgotten(of.person, of.definitions, of.editions)


def forget_files(folder: Path, definitions: Iterable[str]) -> int:
    """Remove the composed posts of these definitions below `folder`; returns how many."""
    removed = 0
    for one in definitions:
        for file in folder.rglob(f"*-{one[:ID_CHARACTERS]}.md"):
            file.unlink(missing_ok=True)
            removed += 1
    return removed


def forget_late(connection: Connection, keys: Keys, at: datetime) -> list[Forgotten]:
    """Erase what was being taken in at the very moment when its author was erased.

    Whoever comes by the form comes of their own accord, under an address of that visit alone.
    """
    erased = set(
        connection.execute(
            select(t.stopped_addresses.c.token).where(t.stopped_addresses.c.erased_at.is_not(None))
        ).scalars()
    )
    rows = connection.execute(select(t.handles.c.contributor_id, t.handles.c.address))
    late = {row.contributor_id for row in rows if stop_token(keys, row.address) in erased}
    return [forget(connection, keys, at, one, LATE) for one in sorted(late)]


def forget_edges(connection: Connection, definitions: Sequence[str]) -> None:
    """Which editions they were in: the publisher needs that once more, to make those anew."""
    connection.execute(delete(t.site_edges).where(t.site_edges.c.definition_id.in_(definitions)))


def to_scrub(connection: Connection) -> list[str] | None:
    """The definitions whose rows have to leave the database file; None when nothing was erased."""
    value = connection.execute(
        select(t.instance.c.value).where(t.instance.c.name == TO_SCRUB)
    ).scalar()
    return None if value is None else list(json.loads(value))


def _want_scrub(connection: Connection, definitions: Sequence[str]) -> None:
    wanted = sorted({*(to_scrub(connection) or ()), *definitions})
    connection.execute(delete(t.instance).where(t.instance.c.name == TO_SCRUB))
    connection.execute(insert(t.instance).values(name=TO_SCRUB, value=json.dumps(wanted)))


def is_erased(connection: Connection, contributor_id: str) -> bool:
    """Whether everything of this contributor was erased."""
    key = connection.execute(
        select(t.contributors.c.sealed_key).where(t.contributors.c.id == contributor_id)
    ).scalar()
    return key is not None and not key


def _with_a_key(connection: Connection, person: Sequence[str]) -> list[str]:
    rows = connection.execute(
        select(t.contributors.c.id, t.contributors.c.sealed_key)
        .where(t.contributors.c.id.in_(person))
        .order_by(t.contributors.c.id)
    )
    return [row.id for row in rows if row.sealed_key]


def _take_back(
    connection: Connection, keys: Keys, at: datetime, of: Trace, stated: dict[str, Any]
) -> None:
    """A withdrawal for whatever was ever granted, so that the publisher looks at it.

    Withdrawing may follow anything, so no history is opened: a damaged one keeps nobody here.
    """
    granted = set(
        connection.execute(
            select(t.events.c.subject).where(
                t.events.c.subject.in_(of.definitions), t.events.c.kind == EventKind.GRANTED
            )
        ).scalars()
    )
    whose = connection.execute(
        select(t.definitions.c.id, t.definitions.c.contributor_id)
        .where(t.definitions.c.id.in_(granted))
        .order_by(t.definitions.c.id)
    ).all()
    events.append_all(
        connection,
        keys,
        at,
        [
            NewEvent(
                # Another's yes to a piece ends with it, and is no "no" of theirs.
                EventKind.WITHDRAWN if row.contributor_id in of.person else EventKind.INVALIDATED,
                row.id,
                row.contributor_id,
                stated,
            )
            for row in whose
        ],
    )
    for one in of.definitions:
        bury_post(connection, keys, one, at)


def _take_over(connection: Connection, of: Trace, contributor_id: str) -> None:
    """What others were shown of a piece has this person's words in it: it is erased as theirs."""
    shares = select(t.events.c.seq).where(t.events.c.subject.in_(of.definitions))
    connection.execute(
        update(t.event_payloads)
        .where(
            t.event_payloads.c.seq.in_(shares),
            t.event_payloads.c.contributor_id.not_in(of.person),
        )
        .values(contributor_id=contributor_id)
    )


def _suppress(connection: Connection, of: Trace, at: datetime) -> None:
    """Their addresses stay as keyed hashes: nothing goes there, and nothing from there is kept."""
    tokens = of.tokens["stopped_addresses"]
    this = t.stopped_addresses.c.token.in_(tokens)
    known = set(connection.execute(select(t.stopped_addresses.c.token).where(this)).scalars())
    new = [{"token": token, "at": at} for token in tokens if token not in known]
    if new:
        connection.execute(insert(t.stopped_addresses), new)
    connection.execute(
        update(t.stopped_addresses)
        .where(this, t.stopped_addresses.c.erased_at.is_(None))
        .values(erased_at=at)
    )


def _leave_editions(connection: Connection, of: Trace) -> None:
    gone = set(of.definitions)
    rows = connection.execute(
        select(t.editions.c.id, t.editions.c.definition_ids, t.editions.c.winner_id).where(
            WHOSE["editions"](of)
        )
    ).all()
    for row in rows:
        left = [one for one in row.definition_ids if one not in gone]
        connection.execute(
            update(t.editions)
            .where(t.editions.c.id == row.id)
            .values(definition_ids=left, winner_id="" if row.winner_id in gone else row.winner_id)
        )


def _forget_errors(connection: Connection, of: Trace) -> None:
    """Errors of other jobs may name the file of a post, and that has words in its name."""
    for one in of.definitions:
        connection.execute(
            update(t.jobs)
            .where(t.jobs.c.error.contains(f"-{one[:ID_CHARACTERS]}", autoescape=True))
            .values(error="")
        )
