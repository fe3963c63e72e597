"""The outbox: draft -> approved -> claimed -> sent | failed | unknown.

A message is claimed and that is committed before any network call (promise P09). A claim whose
outcome nobody knows becomes `unknown` and waits for a human; it is never sent again by itself
(P10). Whether its recipient wants no more messages is read in the claiming transaction (P11), and
so is every other rule of etiquette: one may have been broken since the message was approved.

What a platform leaves to people has failed, and keeps its words and the address of the platform's
own composer until somebody has sent it by hand, or dropped it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, insert, not_, or_, select, update

from ledger.attachments import Attachment, opened, seal
from ledger.contributors import is_stopped_address, new_id
from ledger.etiquette import Action, Block, Verdict, may
from ledger.facts import campaign_of_message, facts_of, manners_of
from ledger.keys import Keys
from ledger.model import Channel
from ledger.said import seal_words
from ledger.tables import accounts, contributors, handles, outbox
from ledger.thread_rows import about_campaign, thread_row


class MessageState(StrEnum):
    DRAFT = "draft"
    APPROVED = "approved"
    CLAIMED = "claimed"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


STOPPED = "They asked not to be written to."
DROPPED = "An editor dropped it."
#: What is gone from a message that has left, or never will.
_GONE = {"sealed_body": "", "sealed_composer": "", "sealed_attachment": ""}
_ENDED = {"state": MessageState.FAILED, **_GONE}


@dataclass(frozen=True)
class Message:
    """One message to one person. `body` and `attachment` are opened for the one who claimed it.

    `private`: to them alone, else below their post. `external_id`: the channel's id of what was
    sent. `waits_for_hand`: a person shall send it; `composer` is opened with the body for them.
    `rule`: the rule of etiquette that `error` tells of, if one holds it back.
    """

    id: int
    account_id: int
    contributor_id: str
    request_id: str
    message_id: str
    state: MessageState
    recipient: str
    subject: str
    in_reply_to: str
    attempts: int
    error: str
    created_at: datetime
    sent_at: datetime | None
    body: str = ""
    private: bool = True
    external_id: str = ""
    composer: str = ""
    waits_for_hand: bool = False
    purpose: Action = Action.ANSWER
    not_before: datetime | None = None
    rule: str = ""
    attachment: Attachment | None = None


def add_draft(
    connection: Connection,
    keys: Keys,
    at: datetime,
    *,
    account_id: int,
    contributor_id: str,
    recipient: str,
    subject: str,
    body: str,
    domain: str,
    in_reply_to: str = "",
    request_id: str | None = None,
    private: bool = True,
    purpose: Action = Action.ANSWER,
    once: str | None = None,
    likeness: str = "",
    campaign_id: str = "",
    attachment: Attachment | None = None,
) -> int:
    """Keep a message, its body encrypted; nothing leaves until somebody approves it.

    `domain` makes the message id: one that stays the same whenever this message is tried.
    `purpose` decides which rules of etiquette hold for it. Of messages with the same `once` only
    one can be under way or have left; a second raises sqlalchemy's IntegrityError.
    `campaign_id` says whose conversation it is part of, where neither request nor account does.
    """
    if once is not None:
        _free(connection, once)
    about = campaign_id or about_campaign(connection, account_id, request_id)
    message_id = f"<{new_id()}@{domain}>"
    made = connection.execute(
        insert(outbox).values(
            thread_id=thread_row(connection, about, contributor_id, at),
            sealed_words=seal_words(connection, keys, contributor_id, message_id, body),
            account_id=account_id,
            contributor_id=contributor_id,
            request_id=request_id,
            message_id=message_id,
            state=MessageState.DRAFT,
            recipient=recipient,
            subject=subject,
            sealed_body=keys.encrypt(body),
            in_reply_to=in_reply_to,
            private=private,
            created_at=at,
            purpose=purpose,
            once=once,
            likeness=likeness,
            sealed_attachment=seal(keys, attachment),
        )
    )
    assert made.inserted_primary_key is not None
    return int(made.inserted_primary_key[0])


def approve(connection: Connection, message_pk: int, approved_by: str) -> bool:
    """A person lets this message go; False when it was not a draft."""
    changed = connection.execute(
        update(outbox)
        .where(outbox.c.id == message_pk, outbox.c.state == MessageState.DRAFT)
        .values(state=MessageState.APPROVED, approved_by=approved_by)
    )
    return changed.rowcount == 1


def claim(connection: Connection, keys: Keys, now: datetime) -> Message | None:
    """The next approved message, now ours, or None. Commit before sending it."""
    refuse_stopped(connection)
    waiting = _next_allowed(connection, keys, now)
    if waiting is None:
        return None
    changed = connection.execute(
        update(outbox)
        .where(
            outbox.c.id == waiting.id,
            outbox.c.state == MessageState.APPROVED,
            not_(is_stopped()),
        )
        .values(
            state=MessageState.CLAIMED,
            claimed_at=now,
            attempts=outbox.c.attempts + 1,
            error="",
            rule="",
        )
    )
    if changed.rowcount != 1:
        return None
    row = connection.execute(select(outbox).where(outbox.c.id == waiting.id)).one()
    message = message_of_row(row, body=keys.decrypt(row.sealed_body))
    return replace(message, attachment=opened(keys, row.sealed_attachment))


def _next_allowed(connection: Connection, keys: Keys, now: datetime) -> Row[Any] | None:
    """The oldest message that is due and that no rule holds back; held ones wait, or end here."""
    while True:
        row = connection.execute(
            select(outbox, accounts.c.channel)
            .join(accounts, accounts.c.id == outbox.c.account_id)
            .where(
                outbox.c.state == MessageState.APPROVED,
                or_(outbox.c.not_before.is_(None), outbox.c.not_before <= now),
            )
            .order_by(outbox.c.id)
            .limit(1)
        ).first()
        if row is None:
            return None
        block = _block(connection, keys, row, now)
        if block is None:
            return row
        if block.waits and block.unlocks_at is not None:
            postpone(connection, row.id, block.sentence, block.unlocks_at, block.rule)
        else:
            mark_failed(connection, row.id, block.sentence, block.rule)


def _block(connection: Connection, keys: Keys, row: Row[Any], now: datetime) -> Block | None:
    """The rule that keeps this message from leaving now; one writer at a time: caps are exact."""
    if row.purpose == Action.GOODBYE:  # the one that may follow a stop; `once` keeps it single
        return None
    verdict = verdict_on(connection, keys, row, now)
    if verdict.block is None and verdict.by_hand is not None:
        rule = verdict.by_hand
        return Block(rule.name, rule.sentence, rule.source, rule.url)
    return verdict.block


def verdict_on(connection: Connection, keys: Keys, row: Row[Any], now: datetime) -> Verdict:
    """What the rules say of a stored message now; `row` is of the outbox, with its `channel`."""
    purpose = Action(row.purpose)
    campaign_id = campaign_of_message(connection, row)
    channel = Channel(row.channel)
    facts = facts_of(
        connection,
        keys,
        now,
        campaign_id=campaign_id,
        channel=channel,
        contributor_id=row.contributor_id,
        account_id=row.account_id,
        definition_id=(row.once or "").partition(":")[2] if purpose is Action.THANK else "",
        without_message=row.id,
    )
    if is_stopped_address(connection, keys, row.recipient):
        facts = replace(facts, stopped_at=now)
    return may(purpose, facts, manners_of(connection, campaign_id).rules(channel), now)


def mark_sent(connection: Connection, message_pk: int, at: datetime, external_id: str = "") -> None:
    """It has left; its words are kept no longer (they hold a personal link)."""
    known = {"external_id": external_id[:998]} if external_id else {}
    _settle(connection, message_pk, MessageState.SENT, sent_at=at, error="", **_GONE, **known)


def mark_failed(connection: Connection, message_pk: int, error: str, rule: str = "") -> None:
    """It does not leave; `rule` names the rule of etiquette that `error` tells of, if one did."""
    _settle(connection, message_pk, MessageState.FAILED, **_GONE, error=error, rule=rule)


def hand_over(
    connection: Connection, keys: Keys, message_pk: int, error: str, composer: str
) -> None:
    """Only a person may send this: it failed for good here, and its words wait for them."""
    sealed = keys.encrypt(composer)
    _settle(connection, message_pk, MessageState.FAILED, sealed_composer=sealed, error=error)


def mark_unknown(connection: Connection, message_pk: int, error: str) -> None:
    _settle(connection, message_pk, MessageState.UNKNOWN, error=error)


def postpone(
    connection: Connection, message_pk: int, error: str, not_before: datetime, rule: str = ""
) -> None:
    """It certainly did not leave; try again then. `rule` as in `mark_failed`."""
    waiting = MessageState.APPROVED
    _settle(connection, message_pk, waiting, error=error, not_before=not_before, rule=rule)


def hold_account(connection: Connection, account_id: int, until: datetime) -> None:
    """The platform wants no more from this account until then: its other messages wait too."""
    connection.execute(
        update(outbox)
        .where(
            outbox.c.account_id == account_id,
            outbox.c.state == MessageState.APPROVED,
            or_(outbox.c.not_before.is_(None), outbox.c.not_before < until),
        )
        .values(not_before=until)
    )


def abandon_claims(connection: Connection, now: datetime, older_than: timedelta) -> int:
    """Claims whose sender died: nobody knows whether they left, so they wait for a human."""
    return connection.execute(
        update(outbox)
        .where(outbox.c.state == MessageState.CLAIMED, outbox.c.claimed_at <= now - older_than)
        .values(
            state=MessageState.UNKNOWN,
            error="The sender was stopped in the middle; nobody knows whether it left.",
        )
    ).rowcount


def settle_unknown(connection: Connection, message_pk: int, now: datetime, *, left: bool) -> bool:
    """A person has looked: it left, when it had been claimed, or it did not and may be sent again.

    What was answered before they looked was answered after it left.
    """
    known = connection.execute(
        select(outbox.c.claimed_at).where(
            outbox.c.id == message_pk, outbox.c.state == MessageState.UNKNOWN
        )
    ).first()
    if known is None:
        return False
    if left:
        mark_sent(connection, message_pk, known.claimed_at or now)
    else:
        postpone(connection, message_pk, "", now)
    return True


def cancel_messages(connection: Connection, request_id: str) -> None:
    """Messages of a request that was answered or cancelled need not leave any more."""
    connection.execute(
        update(outbox)
        .where(
            outbox.c.request_id == request_id,
            _has_not_left(),
        )
        .values(**_ENDED, error="It was no longer needed.", rule="")
    )


def _settle(connection: Connection, message_pk: int, state: MessageState, **values: Any) -> None:
    connection.execute(
        update(outbox)
        .where(outbox.c.id == message_pk)
        .values(**{"rule": "", **values}, state=state)
    )


def refuse_messages(connection: Connection, contributor_id: str) -> None:
    """Let nothing leave any more to this person, who stopped contact; not even by hand.

    No one else's messages are touched: a claim that locks those in another order may be waiting
    for us. What reaches this person by another name is refused when it is claimed.
    """
    theirs = outbox.c.contributor_id == contributor_id
    connection.execute(
        update(outbox)
        .where(_has_not_left(), theirs)
        .values(**_ENDED, error=STOPPED, rule="stopped")
    )


def refuse_stopped(connection: Connection) -> None:
    """Let nothing leave any more to people who stopped contact, not even by hand."""
    connection.execute(
        update(outbox)
        .where(_has_not_left(), is_stopped())
        .values(**_ENDED, error=STOPPED, rule="stopped")
    )


def _has_not_left() -> ColumnElement[bool]:
    waiting = outbox.c.state.in_([MessageState.DRAFT, MessageState.APPROVED])
    return or_(waiting, outbox.c.sealed_composer != "")


def _free(connection: Connection, once: str) -> None:
    """A message that did not leave takes nobody's place."""
    connection.execute(
        update(outbox)
        .where(
            outbox.c.once == once, outbox.c.state == MessageState.FAILED, not_(_waits_for_hand())
        )
        .values(once=None)
    )


def _waits_for_hand() -> ColumnElement[bool]:
    return outbox.c.sealed_composer != ""


def is_stopped() -> ColumnElement[bool]:
    """The addressee stopped contact, or somebody else reached at the same address did.

    The goodbye that says so is the one message that may follow.
    """
    stopped = select(contributors.c.id).where(contributors.c.stopped_at.is_not(None))
    theirs = handles.c.contributor_id.in_(stopped)
    return and_(
        outbox.c.purpose != Action.GOODBYE,
        or_(
            outbox.c.contributor_id.in_(stopped),
            outbox.c.recipient.in_(select(handles.c.address).where(theirs)),
            outbox.c.recipient.in_(
                select(handles.c.contact).where(theirs, handles.c.contact != "")
            ),
        ),
    )


def message_of_row(row: Row[Any], body: str = "", composer: str = "") -> Message:
    return Message(
        row.id,
        row.account_id,
        row.contributor_id,
        row.request_id or "",
        row.message_id,
        MessageState(row.state),
        row.recipient,
        row.subject,
        row.in_reply_to,
        row.attempts,
        row.error,
        row.created_at,
        row.sent_at,
        body,
        row.private,
        row.external_id,
        composer,
        row.sealed_composer != "",
        Action(row.purpose),
        row.not_before,
        row.rule,
    )
