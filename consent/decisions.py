"""What people answer: each answer is an event, and what follows from it, in one transaction."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from consent.errors import NotNowError, plain_objections
from consent.receipt_mail import mail_receipt
from consent.rights.age import need_age
from ledger import events, stopping
from ledger.consent_state import ConsentEvent, EventKind, Grant
from ledger.database import Ledger
from ledger.definitions import need_definition
from ledger.jobs import JobKind, add_job
from ledger.model import Credit, Use
from ledger.outbox import cancel_messages
from ledger.pictures import need_picture
from ledger.pieces import is_own_change
from ledger.posts import bury_post
from ledger.requests import ConsentRequest, close_request, find_request, live_request

#: Says how an answer came: channel, page or message id, notice version, quoted words.
Evidence = dict[str, Any]


def grant(
    ledger: Ledger,
    request_id: str,
    *,
    text: str,
    credit: Credit,
    uses: frozenset[Use],
    evidence: Evidence,
) -> Grant:
    """Allow exactly `text` with exactly `credit` for `uses`, as they were shown.

    Raises NotNowError when the request is closed, or when `text` is not what it asked for.
    """
    with ledger.write() as connection, plain_objections():
        return record_grant(
            ledger, connection, request_id, text=text, credit=credit, uses=uses, evidence=evidence
        )


def record_grant(
    ledger: Ledger,
    connection: Connection,
    request_id: str,
    *,
    text: str,
    credit: Credit,
    uses: frozenset[Use],
    evidence: Evidence,
) -> Grant:
    """`grant` within a transaction that is open already; the only place where one is recorded."""
    need_age(ledger.settings, evidence)
    answer = ConsentEvent(
        EventKind.GRANTED, request_id=request_id, text=text, credit=credit, uses=uses
    )
    request = _answer(ledger, connection, request_id, answer, evidence)
    need_picture(connection, ledger.keys, request.contributor_id, credit)
    post_id = need_definition(connection, request.definition_id).post_id
    add_job(connection, JobKind.PUBLISH, post_id, ledger.clock())
    granted = events.state_of(connection, ledger.keys, request.definition_id).grant
    assert granted is not None
    mail_receipt(ledger, connection, request, granted)
    return granted


def refuse(ledger: Ledger, request_id: str, evidence: Evidence) -> None:
    """Say no. Raises NotNowError when the request is closed."""
    answer = ConsentEvent(EventKind.REFUSED, request_id=request_id)
    with ledger.write() as connection, plain_objections():
        _answer(ledger, connection, request_id, answer, evidence)


def postpone(ledger: Ledger, request_id: str, evidence: Evidence) -> None:
    """Say "not now", which is neither a yes nor a no. Raises NotNowError when it is closed."""
    answer = ConsentEvent(EventKind.POSTPONED, request_id=request_id)
    with ledger.write() as connection, plain_objections():
        _answer(ledger, connection, request_id, answer, evidence)


def refuse_for_good(ledger: Ledger, request_id: str, evidence: Evidence) -> None:
    """Say no, and never to be asked again: no more messages to this person, on any channel."""
    answer = ConsentEvent(EventKind.REFUSED, request_id=request_id)
    with ledger.write() as connection, plain_objections():
        request = _answer(ledger, connection, request_id, answer, evidence)
        stopping.stop(connection, ledger.keys, ledger.clock(), request.contributor_id, evidence)


def propose(ledger: Ledger, request_id: str, words: str, evidence: Evidence) -> None:
    """Say "yes, but": these words instead. Nothing is granted by that."""
    answer = ConsentEvent(EventKind.PROPOSED, request_id=request_id, text=words.strip())
    with ledger.write() as connection, plain_objections():
        _refuse_others_words(connection, request_id, words)
        _answer(ledger, connection, request_id, answer, evidence)


def _refuse_others_words(connection: Connection, request_id: str, words: str) -> None:
    """In a piece everybody may change what they said themselves."""
    request = find_request(connection, request_id)
    asked = need_definition(connection, request.definition_id) if request is not None else None
    if asked is not None and asked.is_piece and not is_own_change(asked, words.strip()):
        raise NotNowError(
            "Only your own answers can be put in other words.", "Leave the rest as it stands."
        )


def withdraw(ledger: Ledger, definition_id: str, evidence: Evidence) -> None:
    """Take back whatever was allowed. Never refused, whatever came before.

    The post's address answers 410 from this transaction on; the publisher then clears the
    words from every file.
    """
    now = ledger.clock()
    with ledger.write() as connection, plain_objections():
        definition = need_definition(connection, definition_id)
        before = events.state_of(connection, ledger.keys, definition_id).grant
        events.record(
            connection,
            ledger.keys,
            now,
            ConsentEvent(EventKind.WITHDRAWN),
            definition_id=definition_id,
            contributor_id=definition.contributor_id,
            evidence=evidence,
        )
        if before is not None:
            cancel_messages(connection, before.request_id)  # a receipt that has not left yet
        request = live_request(connection, definition.contributor_id)
        if request is not None and request.definition_id == definition_id:
            close_request(connection, request.id, now)
            cancel_messages(connection, request.id)
        bury_post(connection, ledger.keys, definition.post_id, now)
        add_job(connection, JobKind.PUBLISH, definition.post_id, now)


def stop(ledger: Ledger, contributor_id: str, evidence: Evidence) -> None:
    """No more messages to this person, on any channel."""
    with ledger.write() as connection:
        stopping.stop(connection, ledger.keys, ledger.clock(), contributor_id, evidence)


def _answer(
    ledger: Ledger,
    connection: Connection,
    request_id: str,
    answer: ConsentEvent,
    evidence: Evidence,
) -> ConsentRequest:
    now = ledger.clock()
    request = find_request(connection, request_id)
    if request is None or request.closed_at is not None or request.expires_at <= now:
        raise NotNowError(
            "This question is not open any more.",
            "Load the page again: it shows how things stand now.",
        )
    events.record(
        connection,
        ledger.keys,
        now,
        answer,
        definition_id=request.definition_id,
        contributor_id=request.contributor_id,
        evidence=evidence,
    )
    close_request(connection, request_id, now)
    cancel_messages(connection, request_id)
    return request
