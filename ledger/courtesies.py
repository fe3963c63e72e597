"""Greeting, follow-up, reminder, thanks: what a person gets once, by an editor's own press.

There is no way to give more than one person at a time. The rules are asked in the transaction
that stores the message, and by the outbox again in the one that claims it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, not_, or_, select, update
from sqlalchemy.exc import IntegrityError

from ledger.errors import DefinedbyError
from ledger.etiquette import Action, Block, Verdict, may
from ledger.facts import manners_of, once_key
from ledger.keys import Keys
from ledger.model import Account
from ledger.outbox import MessageState, add_draft, approve, is_stopped, mark_failed
from ledger.person import PersonFacts
from ledger.tables import outbox

DROPPED = "An editor dropped it."
#: What a person may hold, to send it by their own hand.
BY_HAND = (Action.GREET, Action.FOLLOW_UP, Action.THANK)


class NotPolite(DefinedbyError):  # noqa: N818 - it names what it is
    """A rule of etiquette is in the way."""

    def __init__(self, block: Block) -> None:
        when = (
            f" It unlocks on {block.unlocks_at:%Y-%m-%d at %H:%M} UTC." if block.unlocks_at else ""
        )
        super().__init__(f"{block.sentence}{when}", f"Leave it. ({block.source})")
        self.block = block


@dataclass(frozen=True)
class Courtesy:
    """One message to one person, as an editor wrote it."""

    action: Action
    campaign_id: str
    account: Account
    contributor_id: str
    recipient: str
    body: str
    subject: str = ""
    in_reply_to: str = ""
    likeness: str = ""
    definition_id: str = ""
    request_id: str = ""


@dataclass(frozen=True)
class Prepared:
    """A stored courtesy. `by_hand`: a person sends it in the platform's own composer."""

    message_id: int
    by_hand: bool


@dataclass(frozen=True)
class HeldDraft:
    """A message that a person is to send by hand, opened for that person."""

    id: int
    action: Action
    contributor_id: str
    account_id: int
    recipient: str
    subject: str
    body: str
    created_at: datetime


def store_courtesy(
    connection: Connection,
    keys: Keys,
    now: datetime,
    courtesy: Courtesy,
    facts: PersonFacts,
    *,
    by: str,
    domain: str,
    only_by_hand: bool = False,
) -> Prepared:
    """Let one message to one person go, or hold it for an editor's own hand.

    Raises NotPolite when a rule is in the way, and DefinedbyError when another editor was first.
    """
    verdict = verdict_for(connection, courtesy.action, courtesy.campaign_id, facts, now)
    by_hand = only_by_hand or verdict.by_hand is not None
    # What the outbox sends may wait there for its hour; a person would send it at once.
    if verdict.block is not None and (by_hand or not verdict.block.waits):
        raise NotPolite(verdict.block)
    try:
        message = add_draft(
            connection,
            keys,
            now,
            account_id=courtesy.account.id,
            contributor_id=courtesy.contributor_id,
            recipient=courtesy.recipient,
            subject=courtesy.subject,
            body=courtesy.body,
            domain=domain,
            in_reply_to=courtesy.in_reply_to,
            purpose=courtesy.action,
            request_id=courtesy.request_id or None,
            once=once_key(
                courtesy.action,
                courtesy.contributor_id,
                courtesy.request_id or courtesy.definition_id,
            ),
            likeness=courtesy.likeness,
        )
    except IntegrityError as error:
        raise DefinedbyError(
            "Somebody else has just written this message.", "Nothing is left to be done."
        ) from error
    if not by_hand:
        approve(connection, message, by)
    return Prepared(message, by_hand)


def verdict_for(
    connection: Connection, action: Action, campaign_id: str, facts: PersonFacts, now: datetime
) -> Verdict:
    """Whether the rules of this campaign and channel allow it now."""
    rules = manners_of(connection, campaign_id).rules(facts.channel)
    return may(action, facts, rules, now)


def was_written_before(connection: Connection, likeness: str) -> bool:
    """Whether this personal sentence has been written to somebody; `likeness` is its keyed hash."""
    found = connection.execute(
        select(outbox.c.id)
        .where(outbox.c.likeness == likeness, outbox.c.state != MessageState.FAILED)
        .limit(1)
    )
    return found.first() is not None


def held_draft(connection: Connection, keys: Keys, message_id: int) -> HeldDraft | None:
    """A message that waits for an editor's hand; None when it waits no more."""
    row = connection.execute(_held().where(outbox.c.id == message_id)).first()
    return None if row is None else _opened(keys, row)


def held_drafts(connection: Connection, keys: Keys, limit: int = 50) -> list[HeldDraft]:
    """Everything that waits for an editor's hand, oldest first."""
    rows = connection.execute(_held().order_by(outbox.c.id).limit(limit))
    return [_opened(keys, row) for row in rows]


def settle_held(
    connection: Connection, message_id: int, at: datetime, by: str, *, sent: bool
) -> bool:
    """A person has sent what they held, or dropped it; False when it waits no more.

    `at` is when they say they sent it (see `time_sent`).

    What they sent counts as sent, also when a rule has put it away while their page was open:
    else the same person could be written to again.
    """
    if not sent:
        known = connection.execute(_held().where(outbox.c.id == message_id)).first()
        if known is not None:
            mark_failed(connection, message_id, DROPPED)
        return known is not None
    changed = connection.execute(
        update(outbox)
        .where(
            outbox.c.id == message_id,
            outbox.c.once.is_not(None),
            outbox.c.purpose.in_(BY_HAND),
            or_(outbox.c.state == MessageState.DRAFT, _put_away()),
        )
        .values(
            state=MessageState.SENT,
            sent_at=at,
            approved_by=by,
            attempts=1,
            sealed_body="",
            error="",
            rule="",
        )
    )
    return changed.rowcount == 1


def courtesies_to(connection: Connection, contributor_id: str) -> list[Any]:
    """The courtesies somebody got or is to get, newest first: purpose, state, sent_at, error."""
    rows = connection.execute(
        select(
            outbox.c.id,
            outbox.c.purpose,
            outbox.c.state,
            outbox.c.once,
            outbox.c.sent_at,
            outbox.c.not_before,
            outbox.c.error,
        )
        .where(
            outbox.c.contributor_id == contributor_id,
            outbox.c.purpose.in_(BY_HAND),
        )
        .order_by(outbox.c.id.desc())
    )
    return list(rows.all())


def _held() -> Any:
    return select(outbox).where(
        outbox.c.state == MessageState.DRAFT,
        outbox.c.purpose.in_(BY_HAND),
        not_(is_stopped()),
    )


def _put_away() -> Any:
    """A rule ended it while a person held it: nobody had approved, tried or dropped it."""
    return and_(
        outbox.c.state == MessageState.FAILED,
        outbox.c.approved_by == "",
        outbox.c.attempts == 0,
        outbox.c.error != DROPPED,
    )


def _opened(keys: Keys, row: Row[Any]) -> HeldDraft:
    return HeldDraft(
        row.id,
        Action(row.purpose),
        row.contributor_id,
        row.account_id,
        row.recipient,
        row.subject,
        keys.decrypt(row.sealed_body),
        row.created_at,
    )
