"""A whole conversation, in order: what they wrote, what we said, and what was decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from ledger import events
from ledger.accounts import account_by_id
from ledger.consent_state import ConsentEvent, EventKind
from ledger.contributors import handles_of
from ledger.definitions import definitions_of
from ledger.errors import DefinedbyError
from ledger.keys import Keys
from ledger.model import Channel, Handle, Reply
from ledger.outbox import MessageState
from ledger.replies import replies_in_threads
from ledger.said import open_words
from ledger.tables import outbox
from ledger.threads import Thread


@dataclass(frozen=True)
class Said:
    """One message of ours. `words` are empty where they were not kept; `is_question`: it asks
    for permission. `purpose` is what it was for, as far as that is known;
    `rule` the rule of etiquette that `error` tells of, if one holds it back.
    """

    id: int
    channel: Channel
    state: MessageState
    waits_for_hand: bool
    recipient: str
    words: str
    private: bool
    error: str
    by: str
    is_question: bool
    purpose: str
    created_at: datetime
    sent_at: datetime | None = None
    rule: str = ""
    not_before: datetime | None = None

    @property
    def at(self) -> datetime:
        """When it left, else when it was written."""
        return self.sent_at or self.created_at


@dataclass(frozen=True)
class Entry:
    """One thing in a conversation: a reply, a message of ours, or something that was decided.

    `at` is what it is sorted by and the date that is shown: when they wrote it, but never after
    it arrived, when ours left, when it was decided.
    `elsewhere`: the reply came from somebody who is not known to be this person.
    """

    at: datetime
    reply: Reply | None = None
    said: Said | None = None
    event: ConsentEvent | None = None
    elsewhere: bool = False


def conversation(connection: Connection, keys: Keys, thread: Thread) -> list[Entry]:
    """Everything of a thread, oldest first."""
    theirs = [
        Entry(
            min(reply.written_at or reply.received_at, reply.received_at),
            reply=reply,
            elsewhere=not reply.automatic and reply.handle.contributor_id not in thread.person,
        )
        for reply in replies_in_threads(connection, thread.rows)
    ]
    ours = [Entry(said.at, said=said) for said in said_in(connection, keys, thread)]
    decided = [
        Entry(datetime.fromisoformat(event.at), event=event)
        for event in _decisions(connection, keys, thread)
    ]
    return sorted([*theirs, *ours, *decided], key=lambda entry: entry.at)


def said_in(connection: Connection, keys: Keys, thread: Thread) -> list[Said]:
    """The messages of ours in a thread, oldest first."""
    rows = connection.execute(
        select(outbox).where(outbox.c.thread_id.in_(thread.rows)).order_by(outbox.c.id)
    ).all()
    channels: dict[int, Channel] = {}
    for account_id in {row.account_id for row in rows}:
        channels[account_id] = account_by_id(connection, keys, account_id).channel
    return [_said(connection, keys, row, channels[row.account_id]) for row in rows]


def handles_in(connection: Connection, thread: Thread) -> list[Handle]:
    """Every handle of the person, in the order of their contributors."""
    return [handle for one in thread.person for handle in handles_of(connection, one)]


def _said(connection: Connection, keys: Keys, row: Row[Any], channel: Channel) -> Said:
    words = ""
    if row.sealed_words:
        try:
            words = open_words(
                connection, keys, row.contributor_id, row.message_id, bytes(row.sealed_words)
            )
        except (ValueError, DefinedbyError):
            words = ""  # a damaged or erased one must not hide the rest of the conversation
    return Said(
        row.id,
        channel,
        MessageState(row.state),
        row.sealed_composer != "",
        row.recipient,
        words,
        row.private,
        row.error,
        row.approved_by,
        bool(row.request_id),
        row._mapping.get("purpose", ""),
        row.created_at,
        row.sent_at,
        row.rule,
        row.not_before if row.state == MessageState.APPROVED else None,
    )


def _decisions(connection: Connection, keys: Keys, thread: Thread) -> list[ConsentEvent]:
    """What became of their definitions in this campaign, and that they said stop."""
    found = []
    for one in thread.person:
        found += [
            event
            for event in events.history(connection, keys, one)
            if event.kind is EventKind.STOPPED
        ]
        for definition in definitions_of(connection, one):
            if definition.campaign_id == thread.campaign_id:
                found += events.history(connection, keys, definition.id)
    return found
