"""What must be true after the year, each as a list of what is not."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import select

from ledger import chain
from ledger.contributors import find_handle, has_stopped_contact
from ledger.etiquette import Action
from ledger.heads import verify_chain
from ledger.outbox import MessageState
from ledger.outbox_moves import MOVES
from ledger.tables import contributors, outbox, replies, requests
from tests.simulation.manners import begun_at, by_person
from tests.simulation.year import Person, Year
from tests.watched_outbox import moves_seen

_MAY_HAVE_ARRIVED = (MessageState.SENT, MessageState.UNKNOWN, MessageState.CLAIMED)


def verdict(year: Year) -> dict[str, list[Any]]:
    """By promise, everything that breaks it; all lists are empty when the year went well."""
    with year.ledger.read() as connection:
        messages = connection.execute(select(outbox)).all()
        people = connection.execute(select(contributors)).all()
        stored = connection.execute(select(replies)).all()
        asked = connection.execute(select(requests)).all()
    state = {token: row for row in messages if (token := year.token_of(row))}
    arrived = year.tokens()
    stopped = {row.id: row.stopped_at for row in people if row.stopped_at is not None}
    texts = Counter(row.text for row in stored)
    return {
        "arrived twice": [token for token, times in arrived.items() if times > 1],
        "receipts arrived twice": [
            entry for entry, times in Counter(year.receipts()).items() if times > 1
        ],
        "greeted twice": _greeted_twice(messages, arrived, year),
        "begun after a stop": [
            row.id
            for row in messages
            if (at := begun_at(row)) is not None
            and row.contributor_id in stopped
            and at > stopped[row.contributor_id]
            and row.purpose != Action.GOODBYE
        ],
        # On X it is expected that a stop is acknowledged, once.
        "acknowledged twice": [
            whose
            for whose, times in Counter(
                row.contributor_id for row in messages if row.purpose == Action.GOODBYE
            ).items()
            if times > 1
        ],
        "waiting for somebody who stopped": [
            row.id
            for row in messages
            if row.contributor_id in stopped
            and row.state in (MessageState.APPROVED, MessageState.DRAFT)
        ],
        "stops not obeyed": [
            person.number
            for person in year.people
            if person.has_stopped and not _obeyed(year, person)
        ],
        "arrived and forgotten": [
            token
            for token in arrived
            if token not in state or state[token].state not in _MAY_HAVE_ARRIVED
        ],
        "called sent and not arrived": [
            token
            for token, row in state.items()
            if row.state == MessageState.SENT and token not in arrived
        ],
        "lost on the way out": [
            row.id
            for row in messages
            if row.state in (MessageState.APPROVED, MessageState.CLAIMED)
            or (row.state == MessageState.FAILED and not row.error)
        ],
        "unknown, and settled by nobody": [
            row.id
            for row in messages
            if row.id in year.tally.unknown
            and row.state != MessageState.UNKNOWN
            and row.id not in year.tally.settled
        ],
        "replies lost": [words for words in year.tally.written if not _has(texts, words)],
        "replies stored twice": [
            words for words, times in texts.items() if times > 1 and " word " in words
        ],
        "replies in no conversation": [
            row.id for row in stored if row.thread_id is None and not row.automatic
        ],
        "asked twice at once": _twice(asked, people),
        **by_person(year),
        "moves that are not documented": sorted(
            f"{before} to {after}"
            for before, after in moves_seen(year.ledger)
            - {(move.before, move.after) for move in MOVES}
        ),
        "chain": [] if isinstance(verify_chain(year.ledger), chain.Head) else ["broken"],
    }


def _greeted_twice(messages: Any, arrived: Counter[int], year: Year) -> list[Any]:
    greetings = [row for row in messages if row.purpose == Action.GREET]
    whom = Counter(
        row.contributor_id for row in greetings for _ in range(arrived[year.token_of(row)])
    )
    begun = Counter(row.contributor_id for row in greetings if row.state in _MAY_HAVE_ARRIVED)
    return [whose for whose, times in (whom | begun).items() if times > 1]


def _has(texts: Counter[str], words: str) -> bool:
    return texts[words] > 0 or any(words in text for text in texts)


def _obeyed(year: Year, person: Person) -> bool:
    with year.ledger.read() as connection:
        known = find_handle(connection, person.peer.channel, person.peer.address(person.number))
        if known is None:  # a form person whose only word, a stop, came by mail
            return False
        return has_stopped_contact(connection, known.contributor_id)


def _twice(asked: Any, people: Any) -> list[Any]:
    person = {row.id: row.person_id or row.id for row in people}
    live = Counter(person[row.contributor_id] for row in asked if row.closed_at is None)
    return [whose for whose, times in live.items() if times > 1]
