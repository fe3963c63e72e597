"""The receipt by mail, once, to somebody who has just said yes.

In the transaction of the grant, so a grant has one mail or none. It goes only where we know that
the address is theirs: they wrote from it, or the question was sent there and its link was used.
An address typed into a form could be anybody's.
"""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

from sqlalchemy import Connection, select

from consent.messages import message_language, piece_values, use_words
from consent.own_messages import MessageFileError, Wording, find_wording, shipped_wording
from consent.receipts import receipt_file, receipt_within
from consent.ways import Way, WayName, ways_to
from ledger.campaigns import campaign_by_id
from ledger.consent_state import Grant
from ledger.contributors import handles_of, has_stopped_contact
from ledger.database import Ledger
from ledger.definitions import need_definition, reply_of
from ledger.links import new_link
from ledger.model import Channel, Definition, Use
from ledger.outbox import MessageState, add_draft, approve
from ledger.requests import ConsentRequest
from ledger.tables import outbox

_log = logging.getLogger(__name__)

#: Stands where an editor's name stands for what an editor has approved.
BY_GRANT = "the yes that it confirms"


def mail_receipt(
    ledger: Ledger, connection: Connection, request: ConsentRequest, grant: Grant
) -> bool:
    """Put the receipt into the outbox; False when this person can't or may not be mailed."""
    definition = need_definition(connection, request.definition_id)
    ways = ways_to(connection, ledger.keys, definition, reply_of(connection, definition))
    way = next((one for one in ways if one.name is WayName.MAIL), None)
    if way is None or has_stopped_contact(connection, request.contributor_id):
        return False
    if not _is_theirs(connection, request, way):
        return False
    now, lang = ledger.clock(), message_language(request.lang)
    token = new_link(connection, ledger.keys, request.contributor_id, now)
    subject, body = _wording(ledger, definition, lang).render(
        campaign=campaign_by_id(connection, definition.campaign_id),
        settings=ledger.settings,
        grant=grant,
        uses=", ".join(use_words(use, lang) for use in Use if use in grant.uses),
        link=f"{ledger.settings.public_url}/p/{token}",
        **piece_values(definition),
    )
    message = add_draft(
        connection,
        ledger.keys,
        now,
        account_id=way.account.id,
        contributor_id=request.contributor_id,
        recipient=way.recipient,
        subject=subject,
        body=body,
        domain=urlsplit(ledger.settings.public_url).hostname or "localhost",
        in_reply_to=way.in_reply_to,
        request_id=request.id,
        attachment=receipt_file(receipt_within(ledger, connection, definition.id)),
    )
    return approve(connection, message, BY_GRANT)


def _wording(ledger: Ledger, definition: Definition, lang: str) -> Wording:
    """The words in force; ours where a file of one's own is faulty: no yes is lost for that."""
    name = "piece_receipt" if definition.is_piece else "receipt"
    try:
        return find_wording(ledger.settings, name, lang, Channel.EMAIL)
    except MessageFileError as error:
        _log.warning("%s The shipped receipt is sent. %s", error.what, error.next_step)
        return shipped_wording(name, lang)


def _is_theirs(connection: Connection, request: ConsentRequest, way: Way) -> bool:
    handles = handles_of(connection, request.contributor_id)
    if any(one.channel is Channel.EMAIL and one.contact == way.recipient for one in handles):
        return True
    sent = connection.execute(
        select(outbox.c.id).where(
            outbox.c.request_id == request.id,
            outbox.c.recipient == way.recipient,
            outbox.c.state == MessageState.SENT,
        )
    )
    return sent.first() is not None
