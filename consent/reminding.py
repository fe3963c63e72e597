"""A question that is still open may be brought to mind once, by one press of an editor.

The reminder goes the way the question went, and only in private: in public it would nag somebody
before others. It asks nothing new; an answer to it is an answer to the question.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import Connection

from consent.asking_words import MOST_BODY
from consent.errors import NotNowError
from consent.messages import message_language, piece_values
from consent.own_messages import find_wording
from consent.requests import STAND_IN, personal_address
from consent.wording import day
from ledger.accounts import account_by_id
from ledger.campaigns import campaign_by_id
from ledger.courtesies import Courtesy, Prepared, store_courtesy, verdict_for
from ledger.database import Ledger
from ledger.definitions import need_definition, reply_of
from ledger.etiquette import Action, Verdict
from ledger.facts import facts_of
from ledger.links import new_link
from ledger.model import UNSHOWABLE, Account, Channel, Definition
from ledger.outbox import Message, MessageState
from ledger.person import PersonFacts
from ledger.requests import ConsentRequest, live_request
from ledger.sent import message_of_request

#: Where a program may write in private to somebody who wrote first, at no price for each message.
_CHANNELS = {
    Channel.EMAIL: "remind",
    Channel.MASTODON: "remind_private",
    Channel.BLUESKY: "remind_private",
}


@dataclass(frozen=True)
class _Open:
    """A question that is open, and the message by which it reached its reader."""

    definition: Definition
    request: ConsentRequest
    message: Message
    account: Account


def may_remind(ledger: Ledger, connection: Connection, definition: Definition) -> Verdict | None:
    """What the rules say of reminding this author; None where there is nothing to remind of."""
    found = _open(ledger, connection, definition)
    if found is None:
        return None
    facts = _facts(ledger, connection, found)
    return verdict_for(connection, Action.REMIND, definition.campaign_id, facts, ledger.clock())


def draft_reminder(ledger: Ledger, definition_id: str) -> str:
    """The words of the reminder, with a stand-in for the link. Raises NotNowError."""
    with ledger.read() as connection:
        found = _open(ledger, connection, need_definition(connection, definition_id))
        if found is None:
            raise _nothing_open()
        return _drafted(ledger, connection, found)[1]


def remind(ledger: Ledger, definition_id: str, body: str, by: str) -> Prepared:
    """Send the reminder, as an editor has read it.

    Raises NotPolite when a rule objects, and NotNowError when nothing is open any more or the
    personal link is missing.
    """
    body = UNSHOWABLE.sub("", body.replace("\r\n", "\n")).strip()
    stand_in = personal_address(ledger, STAND_IN)
    if stand_in not in body:
        raise NotNowError("The personal link is missing.", f"Put it back: {stand_in}")
    if len(body) > MOST_BODY:
        raise NotNowError("This message is too long.", "Shorten it.")
    with ledger.write() as connection:
        found = _open(ledger, connection, need_definition(connection, definition_id))
        if found is None:
            raise _nothing_open()
        now, contributor_id = ledger.clock(), found.request.contributor_id
        token = new_link(connection, ledger.keys, contributor_id, now)
        return store_courtesy(
            connection,
            ledger.keys,
            now,
            Courtesy(
                Action.REMIND,
                found.definition.campaign_id,
                found.account,
                contributor_id,
                found.message.recipient,
                body.replace(stand_in, personal_address(ledger, token)) + "\n",
                _drafted(ledger, connection, found)[0],
                in_reply_to=found.message.in_reply_to,
                definition_id=definition_id,
                request_id=found.request.id,
            ),
            _facts(ledger, connection, found),
            by=by,
            domain=urlsplit(ledger.settings.public_url).hostname or "localhost",
        )


def _open(ledger: Ledger, connection: Connection, definition: Definition) -> _Open | None:
    request = live_request(connection, definition.contributor_id)
    if request is None or request.definition_id != definition.id:
        return None
    message = message_of_request(connection, request.id, Action.ASK)
    if message is None or message.state is not MessageState.SENT or not message.private:
        return None
    account = account_by_id(connection, ledger.keys, message.account_id)
    if account.channel not in _CHANNELS:
        return None
    return _Open(definition, request, message, account)


def _drafted(ledger: Ledger, connection: Connection, found: _Open) -> tuple[str, str]:
    lang = message_language(found.request.lang)
    reply = reply_of(connection, found.definition)
    piece = "piece_" if found.definition.is_piece else ""
    channel = found.account.channel
    wording = find_wording(ledger.settings, piece + _CHANNELS[channel], lang, channel)
    return wording.render(
        campaign=campaign_by_id(connection, found.definition.campaign_id),
        settings=ledger.settings,
        name=reply.handle.name,
        words=found.definition.text,
        credit=found.request.credit.line,
        asked=day(lang, found.request.asked_at),
        until=day(lang, found.request.expires_at),
        link=personal_address(ledger, STAND_IN),
        **piece_values(found.definition),
    )


def _facts(ledger: Ledger, connection: Connection, found: _Open) -> PersonFacts:
    return facts_of(
        connection,
        ledger.keys,
        ledger.clock(),
        campaign_id=found.definition.campaign_id,
        channel=found.account.channel,
        contributor_id=found.request.contributor_id,
        account_id=found.account.id,
        definition_id=found.definition.id,
    )


def _nothing_open() -> NotNowError:
    return NotNowError(
        "No question about this is open that reached its author in private.",
        "There is nothing to remind of.",
    )
