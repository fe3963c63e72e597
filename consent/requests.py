"""Asking: open a request, and bring it to its person through the outbox or by an editor's hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection

from consent.asking_words import (
    SHOWN_IN_MESSAGE,
    Question,
    check_message,
    uses_shown,
    word_question,
    wording_of,
)
from consent.credit import suggested_credit
from consent.errors import NotNowError, plain_objections
from consent.messages import message_language
from consent.notice import notice_version
from consent.ways import Way, WayName, contact_by_mail, ways_to
from consent.wording import ENGLISH, best_of, spoken
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
from ledger.pieces import all_shares, is_own_change
from ledger.requests import (
    ConsentRequest,
    asked_already,
    close_request,
    find_request,
    live_request,
    open_request,
    overdue_requests,
)

#: Stands in a draft for the token of a personal link, and is exactly as long.
STAND_IN = "their-own-link-is-made-when-this-leaves-you"
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


@dataclass(frozen=True)
class Draft:
    """A question as it would leave, to be looked at and edited first; nothing is opened by it.

    The link in it is a stand-in: whose page it opens is made when the question leaves.
    `has_link`: whether there is one.
    """

    way: Way | None
    recipient: str
    lang: str
    subject: str
    body: str
    wording: str
    has_link: bool = True


@dataclass(frozen=True)
class Wish:
    """What an editor wants to ask for, and how. `lang` "": the definition's language. `link`:
    with their personal link also where a question goes without one by itself.
    """

    credit: Credit | None = None
    uses: frozenset[Use] = frozenset(Use)
    note: str = ""
    way: WayName | None = None
    lang: str = ""
    link: bool = False


def draft(ledger: Ledger, definition_id: str, wish: Wish) -> Draft:
    """The question as its recipient would get it. Raises NotNowError as `ask` does."""
    with ledger.read() as connection, plain_objections():
        question, way = _question(ledger, connection, definition_id, wish)
        if live_request(connection, question.definition.contributor_id) is not None:
            raise asked_already()
        wording = wording_of(ledger.settings, question, way)
        subject, body = word_question(ledger.settings, question, way, wording)
        recipient = _recipient(connection, question, way)
    has_link = question.link != ""
    return Draft(way, recipient, question.lang, subject, body, wording.version, has_link)


def ask(
    ledger: Ledger,
    definition_id: str,
    *,
    asked_by: str,
    credit: Credit | None = None,
    uses: frozenset[Use] = frozenset(Use),
    note: str = "",
    way: WayName | None = None,
    lang: str = "",
    link: bool = False,
    worded: tuple[str, str] | None = None,
) -> Asked:
    """Ask a definition's author for permission to publish its newest words, by the way that is
    named, else by the best one there is. `worded`: subject and body of a draft, as an editor
    has changed them.

    Raises NotNowError when they have stopped contact or have allowed just that already, when
    there is no such way or the words can't go there, and AskedAlreadyError while a request is
    open.
    """
    now = ledger.clock()
    wish = Wish(credit, uses, note, way, lang, link)
    with ledger.write() as connection, plain_objections():
        stand_in, chosen = _question(ledger, connection, definition_id, wish)
        wording = wording_of(ledger.settings, stand_in, chosen)
        subject, body = word_question(ledger.settings, stand_in, chosen, wording)
        edited = False
        if worded is not None:
            ours = subject, body.strip()
            subject, body = check_message(ledger.settings, stand_in, chosen, *worded)
            edited = (subject, body.strip()) != ours
        evidence = {
            SHOWN_IN_MESSAGE: sorted(uses_shown(stand_in, body)),
            "template": wording.version,
            "wording": body,
            "edited": edited,
            "lang": stand_in.lang,
        }
        definition, question = stand_in.definition, stand_in
        if stand_in.link:
            question = replace(stand_in, link=_new_address(ledger, connection, definition))
            body = body.replace(stand_in.link, question.link)
        request = open_request(
            connection,
            ledger.keys,
            now,
            definition,
            credit=question.credit,
            uses=question.uses,
            asked_by=asked_by,
            notice=notice_version(question.page_lang),
            expires_at=now + timedelta(days=ledger.settings.request_days),
            evidence=evidence,
            lang=question.page_lang,
        )
        recipient = _recipient(connection, question, chosen)
        if chosen is not None:
            _post(ledger, connection, request, chosen, subject, body)
    return Asked(request, chosen, recipient, subject, body, question.link)


def _question(
    ledger: Ledger, connection: Connection, definition_id: str, wish: Wish
) -> tuple[Question, Way | None]:
    """What would be asked, with a stand-in for the personal link, and the way it would take."""
    definition = need_definition(connection, definition_id)
    reply = reply_of(connection, definition)
    uses = uses_of(definition, wish.uses)
    _refuse_needless(ledger, connection, definition, reply, uses)
    way = _chosen(ways_to(connection, ledger.keys, definition, reply), wish.way)
    campaign = campaign_by_id(connection, definition.campaign_id)
    page_lang = page_language(wish.lang, definition.lang, campaign.lang)
    # A personal link is a secret: it is not even made for what everyone can read.
    wants_link = wish.link or definition.is_piece
    has_link = way is None or (way.is_private and (wants_link or not way.is_without_link))
    if definition.is_piece and not has_link:
        raise NotNowError(
            "The whole of it can only be looked at on their own page.",
            "Ask another way: in private, by mail or by hand.",
        )
    question = Question(
        campaign,
        definition,
        reply,
        # What a message shows has no picture, and an answer to it binds what it shows.
        replace(wish.credit or suggested_credit(reply.handle), picture=""),
        wish.note.strip(),
        personal_address(ledger, STAND_IN) if has_link else "",
        uses,
        message_language(page_lang),
        page_lang,
    )
    return question, way


def uses_of(definition: Definition, wished: frozenset[Use]) -> frozenset[Use]:
    """What is asked for: of a piece the piece itself, and nothing beside it."""
    return frozenset({definition.kind.use}) if definition.is_piece else wished


def page_language(*wanted: str) -> str:
    """The first of these that we have pages in; English when there is none."""
    return next((spoken(one) for one in wanted if best_of([one])), ENGLISH)


def _recipient(connection: Connection, question: Question, way: Way | None) -> str:
    if way is not None:
        return way.recipient
    return contact_by_mail(connection, question.definition.contributor_id)


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

    Of a piece these can only be words that somebody in it has asked for (consent.piecing).
    """
    now = ledger.clock()
    with ledger.write() as connection, plain_objections():
        before = need_definition(connection, definition_id)
        if before.is_piece and not is_own_change(before, words):
            raise NotNowError(
                "Only their own answers can be put in other words, by themselves.",
                "Change the piece on its own page.",
            )
        after = add_version(connection, definition_id, words, now)
        if after.version != before.version:
            record_revision(ledger, connection, after, by)
    return after


def record_revision(
    ledger: Ledger,
    connection: Connection,
    after: Definition,
    by: str,
    evidence: dict[str, Any] | None = None,
) -> None:
    """Other words are there: open requests for the old ones end, of everybody who has a part."""
    for one in all_shares(connection, after):
        request = live_request(connection, one.contributor_id)
        if request is not None and request.definition_id == one.id:
            _close(ledger, connection, request, EventKind.CANCELLED, by)
        events.record(
            connection,
            ledger.keys,
            ledger.clock(),
            ConsentEvent(EventKind.REVISED, text=one.text),
            definition_id=one.id,
            contributor_id=one.contributor_id,
            evidence={**(evidence or {}), "version": one.version, "by": by},
        )


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
