"""Gather the facts about a person from the ledger, for the rules and for the stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, insert, or_, select, update

from ledger.contributors import (
    addresses_of,
    has_stopped_contact,
    is_stopped_address,
    stopped_since,
)
from ledger.etiquette import Action, Rules, rules_for
from ledger.keys import Keys
from ledger.model import Channel, PostKind
from ledger.person import PersonFacts
from ledger.profile_marks import marks_of
from ledger.tables import (
    contributors,
    definitions,
    events,
    handles,
    manners,
    newcomers,
    outbox,
    posts,
    replies,
    requests,
)
from ledger.together import people_of

#: Messages that we begin; the others are part of a conversation that somebody else began.
BEGINNING = (Action.GREET, Action.FOLLOW_UP, Action.ASK, Action.REMIND, Action.THANK)
#: States in which a message has left, may have left, or is on its way; "draft": a person holds it.
_COUNTS = ("draft", "approved", "claimed", "sent", "unknown")
_LEFT = ("claimed", "sent", "unknown")
_DAY = timedelta(days=1)
#: Why a newcomer is listed, if we saw them among our followers.
FOLLOWS = "follows"


@dataclass(frozen=True)
class Manners:
    """How a campaign treats people: its time zone, what it is stricter in, its own templates."""

    zone: str = ""
    stricter: Mapping[str, Any] | None = None
    greeting: str = ""
    follow_up: str = ""

    def rules(self, channel: Channel | None) -> Rules:
        return rules_for(channel, self.stricter)


def manners_of(connection: Connection, campaign_id: str) -> Manners:
    row = connection.execute(select(manners).where(manners.c.campaign_id == campaign_id)).first()
    if row is None:
        return Manners()
    return Manners(row.zone, row.stricter, row.greeting, row.follow_up)


def keep_manners(connection: Connection, campaign_id: str, kept: Manners) -> None:
    """Store them; they have been checked (ledger.etiquette.checked_overrides)."""
    values = {
        "zone": kept.zone,
        "stricter": dict(kept.stricter or {}),
        "greeting": kept.greeting,
        "follow_up": kept.follow_up,
    }
    changed = connection.execute(
        update(manners).where(manners.c.campaign_id == campaign_id).values(**values)
    )
    if not changed.rowcount:
        connection.execute(insert(manners).values(campaign_id=campaign_id, **values))


def facts_of(
    connection: Connection,
    keys: Keys,
    now: datetime,
    *,
    campaign_id: str,
    channel: Channel,
    contributor_id: str,
    account_id: int | None = None,
    definition_id: str = "",
    without_message: int = 0,
) -> PersonFacts:
    """What the rules need to know about a contributor, and whoever is the same person.

    With `definition_id`, grants and refusals are those of that definition, else of any of theirs.
    `without_message` leaves one message out of the count: the one that is being decided.
    """
    person = people_of(connection, contributor_id)
    names = _addresses(connection, person)
    written = _written(connection, person)
    sent = _sent(connection, person, contributor_id, definition_id, without_message)
    stopped = stopped_since(connection, contributor_id)
    if stopped is None and (
        has_stopped_contact(connection, contributor_id)
        or is_stopped_address(connection, keys, *addresses_of(connection, contributor_id))
    ):
        stopped = now
    zone = connection.execute(
        select(contributors.c.zone).where(contributors.c.id == contributor_id)
    ).scalar()
    return PersonFacts(
        channel=channel,
        stopped_at=stopped,
        messages=written[0],
        last_wrote_at=written[1],
        follows=follows(connection, channel, [one for where, one in names if where is channel]),
        **marks_of(connection, keys, names, channel),
        **sent,
        **_consent(connection, person, definition_id),
        **_question(connection, person, without_message),
        account_sent=account_sent(connection, account_id, now, without_message),
        zone=zone or manners_of(connection, campaign_id).zone,
    )


def follows(connection: Connection, channel: Channel, addresses: Sequence[str]) -> bool:
    """Whether somebody with one of these addresses was seen among our followers there."""
    found = connection.execute(
        select(newcomers.c.id)
        .where(
            newcomers.c.channel == channel,
            newcomers.c.address.in_(addresses),
            newcomers.c.why == FOLLOWS,
        )
        .limit(1)
    )
    return found.first() is not None


def _addresses(connection: Connection, person: Sequence[str]) -> list[tuple[Channel, str]]:
    rows = connection.execute(
        select(handles.c.channel, handles.c.address).where(handles.c.contributor_id.in_(person))
    )
    return [(Channel(row.channel), row.address) for row in rows]


def account_sent(
    connection: Connection, account_id: int | None, now: datetime, without_message: int = 0
) -> tuple[datetime, ...]:
    """When this account wrote to people of its own accord, within the last day."""
    if account_id is None:
        return ()
    rows = connection.execute(
        select(func.coalesce(outbox.c.sent_at, outbox.c.claimed_at)).where(
            outbox.c.account_id == account_id,
            outbox.c.purpose.in_(BEGINNING),
            outbox.c.state.in_(_LEFT),
            outbox.c.id != without_message,
            or_(outbox.c.sent_at > now - _DAY, outbox.c.claimed_at > now - _DAY),
        )
    )
    return tuple(at for at in rows.scalars() if at is not None)


def campaign_of_message(connection: Connection, row: Any) -> str:
    """The campaign that a message belongs to: that of its definition, else of its account."""
    from ledger.tables import accounts

    found = None
    if row.request_id:
        found = connection.execute(
            select(definitions.c.campaign_id)
            .join(requests, requests.c.definition_id == definitions.c.id)
            .where(requests.c.id == row.request_id)
        ).scalar()
    if found is None:
        found = connection.execute(
            select(accounts.c.campaign_id).where(accounts.c.id == row.account_id)
        ).scalar_one()
    return str(found)


def _written(connection: Connection, person: Sequence[str]) -> tuple[int, datetime | None]:
    """How often they wrote, and when last. What a program wrote is no word of theirs."""
    row = connection.execute(
        select(func.count(), func.max(when_it_came(), type_=replies.c.received_at.type))
        .select_from(replies)
        .join(
            handles,
            and_(
                replies.c.address == handles.c.address,
                replies.c.channel == handles.c.channel,
            ),
        )
        .where(handles.c.contributor_id.in_(person), replies.c.automatic.is_(False))
    ).one()
    return row[0], row[1]


def when_it_came() -> ColumnElement[Any]:
    """When a reply reached us, by our clock: a sender's date may be wrong, or a lie.

    What an editor pasted or imported had come before, on the day they gave.
    """
    brought = replies.c.channel.in_([Channel.PASTE, Channel.IMPORT])
    return case(
        (and_(brought, replies.c.written_at < replies.c.received_at), replies.c.written_at),
        else_=replies.c.received_at,
    )


def _sent(
    connection: Connection,
    person: Sequence[str],
    contributor_id: str,
    definition_id: str,
    without: int,
) -> dict[str, Any]:
    rows = connection.execute(
        select(
            outbox.c.purpose,
            func.count(),
            func.max(
                func.coalesce(outbox.c.sent_at, outbox.c.claimed_at, outbox.c.created_at),
                type_=outbox.c.created_at.type,
            ),
            func.max(outbox.c.created_at),
        )
        .where(
            outbox.c.contributor_id.in_(person),
            outbox.c.state.in_(_COUNTS),
            outbox.c.id != without,
            or_(
                outbox.c.purpose != Action.THANK,
                outbox.c.once == once_key(Action.THANK, contributor_id, definition_id)
                if definition_id
                else outbox.c.purpose == Action.THANK,
            ),
        )
        .group_by(outbox.c.purpose)
    ).all()
    counted = {row[0]: tuple(row[1:]) for row in rows}
    greeted, follow_ups, thanks = (
        counted.get(purpose, (0, None, None))
        for purpose in (Action.GREET, Action.FOLLOW_UP, Action.THANK)
    )
    return {
        "greetings": greeted[0],
        "greeted_at": greeted[1],
        "greeted_from": greeted[2],
        "follow_ups": follow_ups[0],
        "thanks": thanks[0],
    }


def _question(
    connection: Connection, person: Sequence[str], without_message: int
) -> dict[str, Any]:
    """When the question that is open left for them, and how often they were reminded of it."""
    rows = connection.execute(
        select(outbox.c.purpose, outbox.c.sent_at)
        .join(requests, requests.c.id == outbox.c.request_id)
        .where(
            requests.c.contributor_id.in_(person),
            requests.c.closed_at.is_(None),
            or_(
                and_(
                    outbox.c.purpose == Action.ASK,
                    outbox.c.state == "sent",
                    outbox.c.private,
                ),
                and_(outbox.c.purpose == Action.REMIND, outbox.c.state.in_(_COUNTS)),
            ),
            outbox.c.id != without_message,
        )
    ).all()
    asked = [row.sent_at for row in rows if row.purpose == Action.ASK and row.sent_at]
    return {
        "question_left_at": max(asked, default=None),
        "reminders": sum(row.purpose == Action.REMIND for row in rows),
    }


def once_key(action: Action, contributor_id: str, about: str = "") -> str:
    """What only one message may hold: the greeting of a person, or the thanks or reminder `about`
    a definition or a question.
    """
    is_about = action in (Action.THANK, Action.REMIND)
    return f"{action}:{about if is_about else contributor_id}"


def _consent(connection: Connection, person: Sequence[str], definition_id: str) -> dict[str, Any]:
    own = [definition_id] if definition_id else _definitions_of(connection, person)
    rows = connection.execute(
        select(events.c.kind, events.c.at, events.c.subject)
        .where(events.c.subject.in_(own))
        .order_by(events.c.seq)
    ).all()
    asked = connection.execute(
        select(requests.c.closed_at).where(requests.c.contributor_id.in_(person))
    ).all()
    granted = _granted(rows)
    standing = connection.execute(
        select(posts.c.kind, definitions.c.id)
        .join(
            definitions,
            or_(
                posts.c.subject == definitions.c.id,
                and_(definitions.c.part > 1, posts.c.subject == definitions.c.piece_id),
            ),
        )
        .where(definitions.c.id.in_(own), posts.c.gone_at.is_(None))
    ).all()
    return {
        "has_answered": bool(_definitions_of(connection, person)),
        "was_asked": bool(asked),
        "question_is_open": any(row.closed_at is None for row in asked),
        "granted": bool(granted),
        "published": bool(standing),
        "interviewed": any(kind == PostKind.INTERVIEW and one in granted for kind, one in standing),
        **_answers(rows),
    }


def _granted(rows: Sequence[Any]) -> set[str]:
    """Definitions whose latest answer is a grant; the words themselves are checked elsewhere."""
    live: set[str] = set()
    for row in rows:
        if row.kind == "granted":
            live.add(row.subject)
        elif row.kind in ("withdrawn", "invalidated"):
            live.discard(row.subject)
    return live


def _answers(rows: Sequence[Any]) -> dict[str, datetime | None]:
    """The latest no, silence and "not now", unless a yes or other words came after it."""
    refused = expired = postponed = None
    for row in rows:
        at = datetime.fromisoformat(row.at)
        if row.kind in ("refused", "withdrawn"):
            refused, expired, postponed = at, None, None
        elif row.kind == "expired":
            expired = at
        elif row.kind == "postponed":
            postponed = at
        elif row.kind in ("granted", "proposed"):
            refused = expired = postponed = None
    return {"refused_at": refused, "expired_at": expired, "postponed_at": postponed}


def _definitions_of(connection: Connection, person: Sequence[str]) -> list[str]:
    rows = connection.execute(
        select(definitions.c.id).where(definitions.c.contributor_id.in_(person))
    )
    return list(rows.scalars())
