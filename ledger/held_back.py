"""The rule that held a message back, with its source, as it is shown beside the message."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from ledger.etiquette import Block
from ledger.facts import campaign_of_message, manners_of
from ledger.model import Account, Channel
from ledger.outbox import Message, MessageState


def block_of(
    connection: Connection,
    campaign_id: str,
    channel: Channel,
    rule: str,
    sentence: str,
    until: datetime | None,
) -> Block | None:
    """What was said when the rule held it back, and whose rule it is; None: no rule did."""
    known = manners_of(connection, campaign_id).rules(channel).get(rule) if rule else None
    return None if known is None else Block(rule, sentence, known.source, known.url, until)


def blocks_of(
    connection: Connection, messages: Iterable[Message], accounts: dict[int, Account]
) -> dict[int, Block]:
    """The blocks of those messages that a rule keeps or has refused, by their numbers."""
    found = {}
    for message in messages:
        account = accounts.get(message.account_id)
        if not message.rule or account is None:
            continue
        until = message.not_before if message.state is MessageState.APPROVED else None
        block = block_of(
            connection,
            campaign_of_message(connection, message),
            account.channel,
            message.rule,
            message.error,
            until,
        )
        if block is not None:
            found[message.id] = block
    return found
