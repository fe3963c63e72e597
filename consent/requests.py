"""Asking: open a request, and bring it to its person through the outbox or by an editor's hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import Connection

from consent.asking_words import SHOWN_IN_MESSAGE, Question, uses_shown, word_question
from consent.credit import suggested_credit
from consent.errors import NotNowError, plain_objections
from consent.notice import notice_version
from consent.ways import Way, WayName, contact_by_mail, ways_to
from ledger import events
from ledger.campaigns import campaign_by_id
from ledger.consent_state import ConsentEvent, EventKind
from ledger.database import Ledger
from ledger.definitions import add_version, need_definition, reply_of
from ledger.etiquette import Action, Verdict, may
from ledger.facts import facts_of, manners_of
from ledger.links import new_link
from ledger.model import Credit, Definition, Reply, Use
from ledger.outbox import add_draft, approve, cancel_messages
from ledger.requests import (
    ConsentRequest,
    close_request,
    find_request,
    live_request,
    open_request,
    overdue_requests,
)

#: What to do about a rule that is in the way of asking.
_NEXT = {
    "stopped": "Leave them be; set the reply aside.",
    "exchange": "Talk with them first.",
    "cooling_off_days": "Wait until they write to you about it, or until that time has passed.",
    "not_now_days": "Wait until they write to you about it, or until that time has passed.",
    "no_nagging": "Wait until they write to you about it.",
}


@dataclass(frozen=True)
class Asked:
    """An open request and its message. Without a `way` an editor delivers it by hand: `link` is
    the contributor's personal page, and this is the only time that it can be read.
    """

    request: ConsentRequest
    way: Way | None
    recipient: str
    subject: str
    body: str
    link: str


def ask(
    ledger: Ledger,
    definition_id: str,
    *,
    asked_by: str,
    credit: Credit | None = None,
    uses: frozenset[Use] = frozenset(Use),
    note: str = "",
    way: WayName | None = None,
) -> Asked:
    """Ask a definition's author for permission to publish its newest words, by the way that is
    named, else by the best one there is.

    Raises NotNowError when they have stopped contact or have allowed just that already, or when
    there is no such way, and AskedAlreadyError while a request is open.
    """
    now = ledger.clock()
    with ledger.write() as connection, plain_objections():
        definition = need_definition(connection, definition_id)
        reply = reply_of(connection, definition)
        _refuse_needless(ledger, connection, definition, reply, uses)
        chosen = _chosen(ways_to(connection, ledger.keys, definition, reply), way)
        # A personal link is a secret: it is not even made for what everyone can read.
        is_private = chosen is None or chosen.is_private
        question = Question(
            campaign_by_id(connection, definition.campaign_id),
            definition,
            reply,
            credit or suggested_credit(reply.handle),
            note.strip(),
            _new_address(ledger, connection, definition) if is_private else "",
            uses,
        )
        subject, body = word_question(ledger.settings, question, chosen)
        request = open_request(
            connection,
            ledger.keys,
            now,
            definition,
            credit=question.credit,
            uses=uses,
            asked_by=asked_by,
            notice=notice_version(),
            expires_at=now + timedelta(days=ledger.settings.request_days),
            evidence={SHOWN_IN_MESSAGE: sorted(uses_shown(question, body))},
        )
        if chosen is None:
            recipient = contact_by_mail(connection, definition.contributor_id)
        else:
            recipient = chosen.recipient
            _post(ledger, connection, request, chosen, subject, body)
    return Asked(request, chosen, recipient, subject, body, question.link)


def cancel(ledger: Ledger, request_id: str, by: str) -> None:
    """Take a question back; nothing happens when it was answered meanwhile."""
    with ledger.write() as connection, plain_objections():
        request = find_request(connection, request_id)
        if request is not None and request.closed_at is None:
            _close(ledger, connection, request, EventKind.CANCELLED, by)


def expire_overdue(ledger: Ledger) -> int:
    """Close requests that nobody answered in time; returns how many."""
    with ledger.write() as connection, plain_objections():
        overdue = overdue_requests(connection, ledger.clock())
        for request in overdue:
            _close(ledger, connection, request, EventKind.EXPIRED, "")
    return len(overdue)


def revise(ledger: Ledger, definition_id: str, words: str, by: str) -> Definition:
    """Give a definition other words. They need a grant of their own; an open request for the
    old words is closed with them.
    """
    now = ledger.clock()
    with ledger.write() as connection, plain_objections():
        before = need_definition(connection, definition_id)
        after = add_version(connection, definition_id, words, now)
        if after.version == before.version:
            return after
        request = live_request(connection, before.contributor_id)
        if request is not None and request.definition_id == definition_id:
            _close(ledger, connection, request, EventKind.CANCELLED, by)
        events.record(
            connection,
            ledger.keys,
            now,
            ConsentEvent(EventKind.REVISED, text=after.text),
            definition_id=definition_id,
            contributor_id=before.contributor_id,
            evidence={"version": after.version, "by": by},
        )
    return after


def fresh_link(ledger: Ledger, contributor_id: str) -> str:
    """A new personal address for someone, to be given to that person only."""
    with ledger.write() as connection:
        token = new_link(connection, ledger.keys, contributor_id, ledger.clock())
    return personal_address(ledger, token)


def personal_address(ledger: Ledger, token: str) -> str:
    return f"{ledger.settings.public_url}/p/{token}"


def _refuse_needless(
    ledger: Ledger,
    connection: Connection,
    definition: Definition,
    reply: Reply,
    uses: frozenset[Use],
) -> None:
    if reply.automatic:
        raise NotNowError(
            "This is an automatic reply: nobody wrote it, and nobody answers (RFC 3834).",
            "Set it aside.",
        )
    block = may_ask(ledger, connection, definition, reply).block
    if block is not None and not block.waits:
        raise NotNowError(block.sentence, _NEXT.get(block.rule, f"Wait. ({block.source})"))
    grant = events.state_of(connection, ledger.keys, definition.id).grant
    if grant is not None and uses <= grant.uses and grant.text == definition.text:
        raise NotNowError("They have allowed exactly this already.", "There is nothing to ask.")


def _chosen(ways: tuple[Way, ...], name: WayName | None) -> Way | None:
    if name is None:
        return next(iter(ways), None)
    if name is WayName.HAND:
        return None
    found = next((way for way in ways if way.name is name), None)
    if found is None:
        raise NotNowError("There is no such way to this person (any more).", "Choose another one.")
    return found


def may_ask(
    ledger: Ledger, connection: Connection, definition: Definition, reply: Reply
) -> Verdict:
    """Whether the rules of etiquette let this author be asked now, and if not, which one."""
    now = ledger.clock()
    facts = facts_of(
        connection,
        ledger.keys,
        now,
        campaign_id=definition.campaign_id,
        channel=reply.channel,
        contributor_id=definition.contributor_id,
    )
    rules = manners_of(connection, definition.campaign_id).rules(reply.channel)
    return may(Action.ASK, facts, rules, now)


def _new_address(ledger: Ledger, connection: Connection, definition: Definition) -> str:
    token = new_link(connection, ledger.keys, definition.contributor_id, ledger.clock())
    return personal_address(ledger, token)


def _post(
    ledger: Ledger,
    connection: Connection,
    request: ConsentRequest,
    way: Way,
    subject: str,
    body: str,
) -> None:
    """Put the message into the outbox; the editor who asked has approved it by asking."""
    message = add_draft(
        connection,
        ledger.keys,
        request.asked_at,
        account_id=way.account.id,
        contributor_id=request.contributor_id,
        recipient=way.recipient,
        subject=subject,
        body=body,
        domain=urlsplit(ledger.settings.public_url).hostname or "localhost",
        in_reply_to=way.in_reply_to,
        request_id=request.id,
        private=way.is_private,
        purpose=Action.ASK,
    )
    approve(connection, message, request.asked_by)


def _close(
    ledger: Ledger, connection: Connection, request: ConsentRequest, kind: EventKind, by: str
) -> None:
    events.record(
        connection,
        ledger.keys,
        ledger.clock(),
        ConsentEvent(kind, request_id=request.id),
        definition_id=request.definition_id,
        contributor_id=request.contributor_id,
        evidence={"by": by} if by else None,
    )
    close_request(connection, request.id, ledger.clock())
    cancel_messages(connection, request.id)
