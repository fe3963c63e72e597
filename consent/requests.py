"""Asking: open a request, and bring it to its person by e-mail or by an editor's hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import Connection

from consent.credit import suggested_credit
from consent.errors import NotNowError, plain_objections
from consent.messages import render_message
from consent.notice import NOTICE_VERSION
from ledger import events
from ledger.accounts import account_by_id, accounts_of
from ledger.campaigns import campaign_by_id
from ledger.consent_state import ConsentEvent, EventKind
from ledger.contributors import handles_of
from ledger.database import Ledger
from ledger.definitions import add_version, need_definition, reply_of
from ledger.etiquette import Action, Verdict, may
from ledger.facts import facts_of, manners_of
from ledger.links import new_link
from ledger.model import Account, Campaign, Channel, Credit, Definition, Reply, Use
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
    "no_nagging": "Wait until they write to you about it.",
}
#: Channels on which a contact is an e-mail address.
REACHED_BY_MAIL = frozenset({Channel.EMAIL, Channel.FORM})


@dataclass(frozen=True)
class Asked:
    """An open request and its message. With `by_email` false an editor delivers it by hand:
    `link` is the contributor's personal page, and this is the only time that it can be read.
    """

    request: ConsentRequest
    by_email: bool
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
) -> Asked:
    """Ask a definition's author for permission to publish its newest words.

    Raises NotNowError when they have stopped contact or have allowed just that already, and
    AskedAlreadyError while a request is open.
    """
    now = ledger.clock()
    with ledger.write() as connection, plain_objections():
        definition = need_definition(connection, definition_id)
        reply = reply_of(connection, definition)
        _refuse_needless(ledger, connection, definition, reply, uses)
        campaign = campaign_by_id(connection, definition.campaign_id)
        request = open_request(
            connection,
            ledger.keys,
            now,
            definition,
            credit=credit or suggested_credit(reply.handle),
            uses=uses,
            asked_by=asked_by,
            notice=NOTICE_VERSION,
            expires_at=now + timedelta(days=ledger.settings.request_days),
        )
        link = personal_address(
            ledger, new_link(connection, ledger.keys, definition.contributor_id, now)
        )
        subject, body = _message(ledger, campaign, definition, reply, note.strip(), link)
        account, recipient = _way(ledger, connection, definition, reply)
        if account is not None:
            _post(ledger, connection, request, account, recipient, subject, body, reply)
    return Asked(request, account is not None, recipient, subject, body, link)


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


def _way(
    ledger: Ledger, connection: Connection, definition: Definition, reply: Reply
) -> tuple[Account | None, str]:
    """The mail account and address that reach this person, or none: then by hand."""
    contact = next(
        (
            known.contact
            for known in handles_of(connection, definition.contributor_id)
            if known.contact and known.channel in REACHED_BY_MAIL
        ),
        "",
    )
    if not contact:
        return None, ""
    if reply.channel is Channel.EMAIL:
        return account_by_id(connection, ledger.keys, reply.account_id), contact
    for account in accounts_of(connection, ledger.keys, definition.campaign_id):
        if account.channel is Channel.EMAIL:
            return account, contact
    return None, contact


def _message(
    ledger: Ledger,
    campaign: Campaign,
    definition: Definition,
    reply: Reply,
    note: str,
    link: str,
) -> tuple[str, str]:
    return render_message(
        "ask",
        campaign=campaign,
        settings=ledger.settings,
        name=reply.handle.name,
        words=definition.text,
        note=note,
        link=link,
    )


def _post(
    ledger: Ledger,
    connection: Connection,
    request: ConsentRequest,
    account: Account,
    recipient: str,
    subject: str,
    body: str,
    reply: Reply,
) -> None:
    """Put the message into the outbox; the editor who asked has approved it by asking."""
    message = add_draft(
        connection,
        ledger.keys,
        request.asked_at,
        account_id=account.id,
        contributor_id=request.contributor_id,
        recipient=recipient,
        subject=subject,
        body=body,
        domain=urlsplit(ledger.settings.public_url).hostname or "localhost",
        in_reply_to=reply.external_id if reply.channel is Channel.EMAIL else "",
        request_id=request.id,
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
