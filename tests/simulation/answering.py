"""Who was asked answers: on their page or in words, yes or no, and some change their minds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from consent import decisions
from consent.answering import confirm_yes, read_answers
from consent.answers import Decided
from consent.errors import NotNowError
from consent.thanking import draft_thanks, thank
from ledger.consent_state import ConsentEvent
from ledger.contributors import handles_of
from ledger.errors import DefinedbyError
from ledger.etiquette import Action
from ledger.events import state_of
from ledger.model import Use
from ledger.outbox import MessageState
from ledger.posts import find_post
from ledger.tables import answers, outbox, requests
from publisher.publish import publish_pending

if TYPE_CHECKING:
    from tests.simulation.year import Person, Year

EVIDENCE = {"channel": "page", "page": "simulated", "notice": "simulated"}
YES = ("Yes, please do.", "Yes, you may publish it.", "Yes!")
NO = ("No, I'd rather not.", "No, please don't publish it.")
UNSURE = ("Yes, but without my name.", "Maybe. Where would it stand?")
TAKE_DOWN = "I have changed my mind: please take my words down."
PUBLISHED_EVERY = 10


def answer_some(year: Year) -> None:
    """Some of those with an open question answer it today."""
    with year.ledger.read() as connection:
        waiting = connection.execute(
            select(requests, outbox.c.id.label("message"))
            .join(outbox, outbox.c.request_id == requests.c.id, isouter=True)
            .where(
                requests.c.closed_at.is_(None),
                (outbox.c.id.is_(None)) | (outbox.c.state == MessageState.SENT),
            )
        ).all()
        people = [person_of(year, connection, row.contributor_id) for row in waiting]
    for row, person in zip(waiting, people, strict=True):
        if not person.has_stopped and year.chance.random() < 0.2:
            _answer(year, row, person)


def person_of(year: Year, connection: Connection, contributor_id: str) -> Person:
    """Whose contributor this is: every address of the simulation has its number in it."""
    address = handles_of(connection, contributor_id)[0].address
    found = re.search(r"\d+", address)
    assert found is not None, address
    return year.people[int(found[0])]


def _answer(year: Year, row: Any, person: Person) -> None:
    draw, chance = year.chance.random(), year.chance
    if row.message is None or draw < 0.4:
        says_yes = chance.random() < 0.7
        with year.ledger.read() as connection:
            shown = state_of(connection, year.ledger.keys, row.definition_id).request
        if shown is None or shown.id != row.id:
            return
        try:
            _decide(year, row, shown, says_yes=says_yes)
        except DefinedbyError as error:
            year.tally.counts[f"refused: {str(error).partition('.')[0]}"] += 1
        return
    words = chance.choice(YES if draw < 0.75 else NO if draw < 0.9 else UNSURE)
    _in_words(year, person, words, row.message)


def _decide(year: Year, row: Any, shown: ConsentEvent, *, says_yes: bool) -> None:
    assert shown.credit is not None
    year.tally.counts["yes on the page" if says_yes else "no on the page"] += 1
    if not says_yes:
        decisions.refuse(year.ledger, row.id, EVIDENCE)
        return
    decisions.grant(
        year.ledger,
        row.id,
        text=shown.text,
        credit=shown.credit,
        uses=frozenset({Use.POST}),
        evidence=EVIDENCE,
    )
    year.granted.add(row.definition_id)


def _in_words(year: Year, person: Person, words: str, message: int) -> None:
    with year.ledger.read() as connection:
        row = connection.execute(select(outbox).where(outbox.c.id == message)).one()
    person.peer.answer(person.number, words, row)
    year.tally.counts["answered in words"] += 1


def hear_answers(year: Year) -> None:
    """The worker reads them; the editor looks at each yes and presses once."""
    read_answers(year.ledger)
    with year.ledger.read() as connection:
        rows = connection.execute(
            select(answers.c.reply_id, requests.c.definition_id)
            .join(requests, requests.c.id == answers.c.request_id)
            .where(answers.c.decision == Decided.GRANT, answers.c.done == "")
        ).all()
    for row in rows:
        if row.reply_id in year.looked_at:
            continue
        year.looked_at.add(row.reply_id)
        try:
            confirm_yes(year.ledger, row.reply_id, "robin")
        except NotNowError as error:
            year.tally.counts[f"no yes: {str(error).partition('.')[0]}"] += 1
        else:
            year.granted.add(row.definition_id)
            year.tally.counts["yes in words"] += 1


def publish(year: Year, day: int) -> None:
    if day % PUBLISHED_EVERY == PUBLISHED_EVERY - 1:
        publish_pending(year.ledger)


def change_minds(year: Year) -> None:
    """Some take back what they allowed, on their page or in words, whether it is published yet."""
    for definition_id in sorted(year.granted):
        if year.chance.random() > 0.004:
            continue
        if year.chance.random() < 0.5:
            decisions.withdraw(year.ledger, definition_id, EVIDENCE)
            year.tally.counts["taken back on the page"] += 1
            year.granted.discard(definition_id)
            continue
        with year.ledger.read() as connection:
            row = connection.execute(
                select(outbox.c.id, outbox.c.contributor_id)
                .join(requests, requests.c.id == outbox.c.request_id)
                .where(
                    requests.c.definition_id == definition_id,
                    outbox.c.purpose == Action.ASK,
                    outbox.c.state == MessageState.SENT,
                )
                .order_by(outbox.c.id.desc())
            ).first()
            person = row and person_of(year, connection, row.contributor_id)
        if row and person and not person.has_stopped:
            _in_words(year, person, TAKE_DOWN, row.id)
            year.tally.counts["taken back in words"] += 1
            year.granted.discard(definition_id)
            year.taken_back_in_words.add(definition_id)


def thank_some(year: Year) -> None:
    """Once their words are published; now and then the editor presses twice."""
    for definition_id in sorted(year.granted - year.thanked):
        with year.ledger.read() as connection:
            post = find_post(connection, definition_id)
            request = connection.execute(
                select(requests.c.contributor_id).where(requests.c.definition_id == definition_id)
            ).first()
        if post is None or request is None or year.chance.random() > 0.3:
            continue
        year.thanked.add(definition_id)
        for _ in range(2 if year.chance.random() < 0.2 else 1):
            token = year.token(request.contributor_id)
            try:
                _, body = draft_thanks(year.ledger, definition_id)
                prepared = thank(year.ledger, definition_id, f"{body.strip()}\n{token}", "robin")
            except DefinedbyError as error:
                year.tally.counts[f"no thanks: {str(error).partition('.')[0]}"] += 1
            else:
                year.tally.counts["thanked by hand" if prepared.by_hand else "thanked"] += 1
