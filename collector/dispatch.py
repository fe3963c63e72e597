"""Dispatch: outbox -> channel. Claimed and committed first, sent after, settled last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from collector.channels import open_connector
from collector.connector import ChannelError, OutgoingMessage
from collector.context import context_of
from collector.mail.headers import mail_headers
from collector.mail.manners import refusal
from collector.poll import wait_after
from ledger.accounts import account_by_id
from ledger.database import Ledger
from ledger.model import Account
from ledger.outbox import (
    Message,
    abandon_claims,
    claim,
    hand_over,
    hold_account,
    mark_failed,
    mark_sent,
    mark_unknown,
    postpone,
)
from ledger.paused import paused

#: Longer than any connector waits for its peer: a claim this old belongs to a dead sender.
CLAIM_LENGTH = timedelta(minutes=10)
#: Messages per turn; the rest leave in the next one.
MOST_MESSAGES = 50
#: However long a platform asks us to wait: a cap that was raised meanwhile shall be noticed.
MOST_WAIT = timedelta(days=1)


@dataclass(frozen=True)
class DispatchReport:
    """What left, what did not, and what nobody knows."""

    sent: int = 0
    failed: int = 0
    unknown: int = 0
    postponed: int = 0
    handed_over: int = 0


def dispatch(ledger: Ledger) -> DispatchReport:
    """Send what has been approved. A paused instance sends nothing (promise P15)."""
    outcomes: list[str] = []
    with ledger.write() as connection:
        if paused(connection):
            return DispatchReport()
        abandoned = abandon_claims(connection, ledger.clock(), CLAIM_LENGTH)
    for _ in range(MOST_MESSAGES):
        with ledger.write() as connection:
            message = claim(connection, ledger.keys, ledger.clock())
            if message is None:
                break
            account = account_by_id(connection, ledger.keys, message.account_id)
            refused = refusal(connection, account, message)
            if refused:
                mark_failed(connection, message.id, refused)
                outcomes.append("failed")
                continue
            headers = mail_headers(connection, ledger, account, message)
        # No transaction is open from here on: the claim is safe, and the network may be slow.
        outcomes.append(_send(ledger, account, message, headers))
    return DispatchReport(
        outcomes.count("sent"),
        outcomes.count("failed"),
        outcomes.count("unknown") + abandoned,
        outcomes.count("postponed"),
        outcomes.count("handed over"),
    )


def _send(ledger: Ledger, account: Account, message: Message, headers: dict[str, str]) -> str:
    outgoing = OutgoingMessage(
        message.message_id,
        message.recipient,
        message.subject,
        message.body,
        message.in_reply_to,
        headers,
        message.private,
        message.attachment,
    )
    try:
        _refuse_open_secret(ledger, message)
        external_id = open_connector(account, context_of(ledger, account)).send(outgoing)
    except ChannelError as error:
        return _settle_failure(ledger, message, error)
    with ledger.write() as connection:
        mark_sent(connection, message.id, ledger.clock(), external_id)
    return "sent"


def _refuse_open_secret(ledger: Ledger, message: Message) -> None:
    """Whoever has a personal link can answer for its person: it never stands in public."""
    if not message.private and f"{ledger.settings.public_url}/p/" in message.body:
        raise ChannelError(
            "This message would show a personal link in public.",
            permanent=True,
            mend="Take the question back, and ask again without the link.",
        )


def _settle_failure(ledger: Ledger, message: Message, error: ChannelError) -> str:
    sentence = f"{error} {error.mend}".strip()
    with ledger.write() as connection:
        if error.delivered_unknown:
            mark_unknown(connection, message.id, sentence)
            return "unknown"
        if error.hand_over:
            hand_over(connection, ledger.keys, message.id, sentence, error.hand_over)
            return "handed over"
        if error.permanent:
            mark_failed(connection, message.id, sentence)
            return "failed"
        wait = min(error.retry_after or wait_after(message.attempts, permanent=False), MOST_WAIT)
        postpone(connection, message.id, sentence, ledger.clock() + wait)
        if error.retry_after:
            hold_account(connection, message.account_id, ledger.clock() + wait)
        return "postponed"
