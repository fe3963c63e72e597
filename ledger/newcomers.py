"""Newcomers: people who followed us, mentioned us or stand on a list, and may be greeted.

Whoever may never be greeted is not listed at all: they are counted, by a keyed hash, with the
reason. Listing somebody sends nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from ledger.contributors import find_handle, is_stopped_address, reached_at
from ledger.etiquette import Action
from ledger.facts import FOLLOWS, account_sent, facts_of, follows, manners_of, when_it_came
from ledger.inserting import insert_new, insert_or_ignore
from ledger.keys import Keys
from ledger.model import Account, Channel, ProfileMarks, clean_name
from ledger.person import FoundPerson, PersonFacts
from ledger.profile_marks import marks_of, note_marks
from ledger.tables import follower_places, newcomers, outbox, passed_over, replies

#: Of what people say about themselves; enough to write one true sentence.
MOST_ABOUT_CHARACTERS = 500
MOST_NAME_CHARACTERS = 120


class Why(StrEnum):
    FOLLOWS = FOLLOWS
    MENTIONS = "mentions"
    LISTED = "listed"


class NewcomerState(StrEnum):
    WAITING = "waiting"
    GREETED = "greeted"
    LEFT_ALONE = "left_alone"


class PassedOver(StrEnum):
    """Why somebody is not listed."""

    STOPPED = "stopped"
    NO_BOTS = "no_bots"
    BOT = "bot"
    PROTECTED = "protected"
    GREETED = "greeted"
    ANSWERED = "answered"
    UNASKED = "wrote_first"


@dataclass(frozen=True)
class Newcomer:
    id: int
    campaign_id: str
    account_id: int
    channel: Channel
    address: str
    name: str
    url: str
    contact: str
    about: str
    zone: str
    why: Why
    state: NewcomerState
    found_at: datetime
    contributor_id: str

    @property
    def shown_name(self) -> str:
        return self.name or self.address


def add_newcomers(
    connection: Connection,
    keys: Keys,
    now: datetime,
    account: Account,
    people: Iterable[FoundPerson],
    why: Why,
    campaign_id: str = "",
) -> int:
    """List those who may be greeted, once each; count the others. Returns how many are new."""
    campaign_id = campaign_id or account.campaign_id
    added, people = 0, list(people)
    note_marks(connection, keys, account.channel, _seen(people, why), now)
    for person in people:
        if not person.address:
            continue
        if why is Why.FOLLOWS:
            _follows_too(connection, account.channel, person.address)
        reason = _passed_over(connection, keys, now, account, campaign_id, person)
        if reason is not None:
            connection.execute(
                insert_or_ignore(connection, passed_over),
                {
                    "campaign_id": campaign_id,
                    "token": passed_over_token(keys, account.channel, person.address),
                    "reason": reason,
                    "at": now,
                },
            )
            continue
        values = {
            "campaign_id": campaign_id,
            "account_id": account.id,
            "channel": account.channel,
            "address": person.address[:320],
            "name": clean_name(person.name)[:MOST_NAME_CHARACTERS],
            "url": person.url,
            "contact": person.contact,
            "about": clean_name(person.about)[:MOST_ABOUT_CHARACTERS],
            "zone": person.zone,
            "why": why,
            "state": NewcomerState.WAITING,
            "found_at": now,
        }
        columns = {name: [value] for name, value in values.items()}
        added += insert_new(connection, newcomers, columns, {})
    return added


def _seen(people: list[FoundPerson], why: Why) -> Iterator[tuple[str, ProfileMarks]]:
    """What a look brought of their profiles. Only of followers it is the whole profile."""
    is_whole = why is Why.FOLLOWS
    for one in people:
        said = (one.is_bot, one.wants_no_bots, one.is_protected)
        yield one.address, ProfileMarks(*(held if held or is_whole else None for held in said))


def _follows_too(connection: Connection, channel: Channel, address: str) -> None:
    """Somebody who stands there for another reason has begun to follow us."""
    connection.execute(
        update(newcomers)
        .where(newcomers.c.channel == channel, newcomers.c.address == address[:320])
        .values(why=Why.FOLLOWS)
    )


def facts_of_newcomer(
    connection: Connection,
    keys: Keys,
    now: datetime,
    account: Account,
    campaign_id: str,
    person: FoundPerson | Newcomer,
) -> PersonFacts:
    """The facts about somebody who need not be a contributor yet."""
    handle = find_handle(connection, account.channel, person.address)
    known = handle.contributor_id if handle else ""
    if not known:
        near = {
            one
            for where in (person.address, person.contact)
            for one in reached_at(connection, where)
        }
        known = next(iter(sorted(near)), "")
    where = [(account.channel, person.address)]
    marks: dict[str, Any] = marks_of(connection, keys, where, account.channel)
    if isinstance(person, FoundPerson):
        marks = {name: held or getattr(person, name) for name, held in marks.items()}
    if known:
        found = facts_of(
            connection,
            keys,
            now,
            campaign_id=campaign_id,
            channel=account.channel,
            contributor_id=known,
            account_id=account.id,
        )
        marks = {name: held or getattr(found, name) for name, held in marks.items()}
        if is_stopped_address(connection, keys, person.address, person.contact):
            marks["stopped_at"] = now
        return replace(found, zone=person.zone or found.zone, **marks)
    stopped = is_stopped_address(connection, keys, person.address, person.contact)
    wrote = _wrote(connection, account.channel, person.address)
    return PersonFacts(
        channel=account.channel,
        stopped_at=now if stopped else None,
        messages=wrote[0],
        last_wrote_at=wrote[1],
        has_answered=wrote[2],
        follows=follows(connection, account.channel, [person.address]),
        account_sent=account_sent(connection, account.id, now),
        zone=person.zone or manners_of(connection, campaign_id).zone,
        **marks,
    )


def people_who_mention(
    connection: Connection, account: Account, limit: int = 200
) -> list[Row[Any]]:
    """The newest reply of everybody who wrote to an account without answering the prompt."""
    last = (
        select(func.max(replies.c.id).label("id"))
        .where(
            replies.c.account_id == account.id,
            replies.c.automatic.is_(False),
            replies.c.kind.in_(["other", "question", "thanks"]),
        )
        .group_by(replies.c.address)
        .order_by(func.max(replies.c.id).desc())
        .limit(limit)
        .subquery()
    )
    rows = connection.execute(
        select(replies).join(last, last.c.id == replies.c.id).order_by(replies.c.id)
    )
    return list(rows)


def waiting_newcomers(
    connection: Connection, campaign_id: str, limit: int, offset: int = 0
) -> list[Newcomer]:
    """Who may be greeted, the longest waiting first."""
    rows = connection.execute(
        select(newcomers)
        .where(newcomers.c.campaign_id == campaign_id, newcomers.c.state == NewcomerState.WAITING)
        .order_by(newcomers.c.id)
        .limit(limit)
        .offset(offset)
    )
    return [_newcomer(row) for row in rows]


def greeted_newcomers(connection: Connection, campaign_id: str, limit: int) -> list[Newcomer]:
    """Who was greeted and has not written since, the longest waiting first."""
    wrote = (
        select(replies.c.id)
        .where(
            replies.c.channel == newcomers.c.channel,
            replies.c.address == newcomers.c.address,
            replies.c.received_at
            > select(func.max(outbox.c.created_at))
            .where(
                outbox.c.contributor_id == newcomers.c.contributor_id,
                outbox.c.purpose == Action.GREET,
                outbox.c.state == "sent",
            )
            .scalar_subquery(),
        )
        .exists()
    )
    reminded = (
        select(outbox.c.id)
        .where(
            outbox.c.contributor_id == newcomers.c.contributor_id,
            outbox.c.purpose == Action.FOLLOW_UP,
            outbox.c.state != "failed",
        )
        .exists()
    )
    greeted = (
        select(outbox.c.id)
        .where(
            outbox.c.contributor_id == newcomers.c.contributor_id,
            outbox.c.purpose == Action.GREET,
            outbox.c.state == "sent",
        )
        .exists()
    )
    rows = connection.execute(
        select(newcomers)
        .where(
            newcomers.c.campaign_id == campaign_id,
            newcomers.c.state == NewcomerState.GREETED,
            greeted,
            ~wrote,
            ~reminded,
        )
        .order_by(newcomers.c.id)
        .limit(limit)
    )
    return [_newcomer(row) for row in rows]


def find_newcomer(connection: Connection, newcomer_id: int) -> Newcomer | None:
    row = connection.execute(select(newcomers).where(newcomers.c.id == newcomer_id)).first()
    return None if row is None else _newcomer(row)


def set_newcomer_state(
    connection: Connection,
    newcomer_id: int,
    state: NewcomerState,
    contributor_id: str | None = None,
) -> None:
    values: dict[str, Any] = {"state": state}
    if contributor_id is not None:
        values["contributor_id"] = contributor_id
    connection.execute(update(newcomers).where(newcomers.c.id == newcomer_id).values(**values))


def newcomer_of(connection: Connection, contributor_id: str) -> Newcomer | None:
    """The newcomer whom this contributor was greeted as."""
    row = connection.execute(
        select(newcomers).where(newcomers.c.contributor_id == contributor_id)
    ).first()
    return None if row is None else _newcomer(row)


def passed_over_token(keys: Keys, channel: Channel, address: str) -> str:
    """Under what somebody is counted who was never listed."""
    return keys.token_hash(f"{channel}:{address}")


def forget_newcomers(connection: Connection, addresses: set[str]) -> int:
    """Take those off the list who can be reached at one of these; returns how many they were."""
    return connection.execute(
        delete(newcomers).where(
            newcomers.c.state == NewcomerState.WAITING,
            newcomers.c.address.in_(addresses) | newcomers.c.contact.in_(addresses - {""}),
        )
    ).rowcount


def count_passed_over(connection: Connection, campaign_id: str) -> dict[PassedOver, int]:
    """How many were never listed, by the reason."""
    rows = connection.execute(
        select(passed_over.c.reason, func.count())
        .where(passed_over.c.campaign_id == campaign_id)
        .group_by(passed_over.c.reason)
    )
    return {PassedOver(row[0]): row[1] for row in rows}


def follower_place(connection: Connection, account_id: int) -> tuple[str, datetime | None]:
    """How far an account's followers were looked through, and when."""
    row = connection.execute(
        select(follower_places).where(follower_places.c.account_id == account_id)
    ).first()
    return ("", None) if row is None else (row.cursor, row.looked_at)


def keep_follower_place(
    connection: Connection, account_id: int, cursor: str, now: datetime
) -> None:
    connection.execute(delete(follower_places).where(follower_places.c.account_id == account_id))
    connection.execute(
        insert(follower_places).values(account_id=account_id, cursor=cursor, looked_at=now)
    )


def _passed_over(
    connection: Connection,
    keys: Keys,
    now: datetime,
    account: Account,
    campaign_id: str,
    person: FoundPerson,
) -> PassedOver | None:
    facts = facts_of_newcomer(connection, keys, now, account, campaign_id, person)
    rules = manners_of(connection, campaign_id).rules(account.channel)
    reasons = (
        (PassedOver.STOPPED, facts.stopped_at is not None),
        (PassedOver.NO_BOTS, facts.wants_no_bots),
        (PassedOver.BOT, facts.is_bot),
        (PassedOver.PROTECTED, facts.is_protected),
        (PassedOver.GREETED, facts.greetings > 0),
        (PassedOver.ANSWERED, facts.has_answered or facts.was_asked),
        (PassedOver.UNASKED, bool(rules["wrote_first"].value) and facts.messages == 0),
    )
    return next((reason for reason, holds in reasons if holds), None)


def _wrote(
    connection: Connection, channel: Channel, address: str
) -> tuple[int, datetime | None, bool]:
    row = connection.execute(
        select(
            func.count(),
            func.max(when_it_came(), type_=replies.c.received_at.type),
        ).where(
            replies.c.address == address,
            replies.c.channel == channel,
            replies.c.automatic.is_(False),
        )
    ).one()
    answered = connection.execute(
        select(replies.c.id)
        .where(
            replies.c.address == address,
            replies.c.channel == channel,
            replies.c.kind == "definition",
        )
        .limit(1)
    ).first()
    return row[0], row[1], answered is not None


def _newcomer(row: Row[Any]) -> Newcomer:
    return Newcomer(
        row.id,
        row.campaign_id,
        row.account_id,
        Channel(row.channel),
        row.address,
        row.name,
        row.url,
        row.contact,
        row.about,
        row.zone,
        Why(row.why),
        NewcomerState(row.state),
        row.found_at,
        row.contributor_id or "",
    )
