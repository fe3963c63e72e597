"""Thanks after publishing: one message with the link, in the channel the words came by.

Drafted here, sent by a person's press. Only somebody whose grant is live, whose words are on the
blog and who has not stopped is thanked, and only once for each definition.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from sqlalchemy import Connection

from consent.messages import message_language, piece_values
from consent.own_messages import find_wording
from consent.ways import contact_by_mail
from ledger.accounts import account_by_id, accounts_of
from ledger.campaigns import campaign_by_id
from ledger.courtesies import Courtesy, Prepared, store_courtesy, verdict_for
from ledger.database import Ledger
from ledger.definitions import need_definition, reply_of
from ledger.errors import DefinedbyError
from ledger.etiquette import Action, Verdict
from ledger.events import state_of
from ledger.facts import facts_of
from ledger.model import Account, Channel, Definition, Reply
from ledger.person import PersonFacts
from ledger.posts import find_post
from ledger.requests import find_request

MOST_CHARACTERS = 2000
#: Channels whose account reaches somebody who wrote to it.
_DIRECT = frozenset({Channel.EMAIL, Channel.MASTODON, Channel.BLUESKY, Channel.X})


def draft_thanks(ledger: Ledger, definition_id: str) -> tuple[str, str]:
    """Subject and body of the thanks. Raises DefinedbyError when there is nothing to thank for."""
    subject, body, _ = _drafted(ledger, definition_id)
    return subject, body


def _drafted(ledger: Ledger, definition_id: str) -> tuple[str, str, str]:
    """Subject, body, and the address of the post."""
    with ledger.read() as connection:
        definition = need_definition(connection, definition_id)
        reply = reply_of(connection, definition)
        campaign = campaign_by_id(connection, definition.campaign_id)
        grant = state_of(connection, ledger.keys, definition_id).grant
        post = find_post(connection, definition.post_id)
        asked = find_request(connection, grant.request_id) if grant else None
        account, _ = _way(ledger, connection, definition, reply)
    if grant is None or post is None:
        raise DefinedbyError("This is not published.", "Thank them once it is.")
    link = f"{ledger.settings.public_url}/{post.address.strip('/')}/"
    wording = find_wording(
        ledger.settings,
        "piece_thanks" if definition.is_piece else "thanks",
        message_language(asked.lang if asked else ""),
        account.channel,
    )
    subject, body = wording.render(
        campaign=campaign,
        settings=ledger.settings,
        name=grant.credit.display_name if grant.credit.name else reply.handle.name,
        link=link,
        **piece_values(definition),
    )
    return subject, body, link


def may_thank(ledger: Ledger, connection: Connection, definition: Definition) -> Verdict:
    """Whether the rules let this author be thanked now."""
    reply = reply_of(connection, definition)
    account, _ = _way(ledger, connection, definition, reply)
    facts = _facts(ledger, connection, definition, reply, account)
    return verdict_for(connection, Action.THANK, definition.campaign_id, facts, ledger.clock())


def thank(ledger: Ledger, definition_id: str, body: str, by: str) -> Prepared:
    """Let the thanks go, as an editor has read it. Raises DefinedbyError when a rule objects."""
    body = body.replace("\r\n", "\n").strip()
    if not body or len(body) > MOST_CHARACTERS:
        raise DefinedbyError(
            f"Thanks have 1 to {MOST_CHARACTERS} characters.", "Write a word, or shorten it."
        )
    subject, _, link = _drafted(ledger, definition_id)
    if link not in body:
        raise DefinedbyError("The address of their post is missing.", f"Put it back: {link}")
    with ledger.write() as connection:
        definition = need_definition(connection, definition_id)
        reply = reply_of(connection, definition)
        account, recipient = _way(ledger, connection, definition, reply)
        facts = _facts(ledger, connection, definition, reply, account)
        return store_courtesy(
            connection,
            ledger.keys,
            ledger.clock(),
            Courtesy(
                Action.THANK,
                definition.campaign_id,
                account,
                definition.contributor_id,
                recipient,
                body + "\n",
                subject,
                in_reply_to=reply.external_id if reply.channel is account.channel else "",
                definition_id=definition_id,
            ),
            facts,
            by=by,
            domain=urlsplit(ledger.settings.public_url).hostname or "localhost",
            only_by_hand=account.channel not in _DIRECT or account.channel is Channel.X,
        )


def _facts(
    ledger: Ledger,
    connection: Connection,
    definition: Definition,
    reply: Reply,
    account: Account,
) -> PersonFacts:
    return facts_of(
        connection,
        ledger.keys,
        ledger.clock(),
        campaign_id=definition.campaign_id,
        channel=reply.channel,
        contributor_id=definition.contributor_id,
        account_id=account.id,
        definition_id=definition.id,
    )


def _way(
    ledger: Ledger, connection: Connection, definition: Definition, reply: Reply
) -> tuple[Account, str]:
    """The account and address by which the words came; by mail for the form, if it has an address.

    Where neither reaches them, the account they came by: then a person sends it by hand.
    """
    own = account_by_id(connection, ledger.keys, reply.account_id)
    if reply.channel in _DIRECT:
        return own, reply.handle.contact or reply.handle.address
    contact = contact_by_mail(connection, definition.contributor_id)
    for account in accounts_of(connection, ledger.keys, definition.campaign_id):
        if contact and account.channel is Channel.EMAIL:
            return account, contact
    return own, contact or reply.handle.address
