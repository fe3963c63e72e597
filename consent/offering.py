"""Offering: whoever answers by the form may allow it in the same visit, before anybody asks.

The record is that of any other consent: what was shown, and a yes to exactly that. Nothing
appears before an editor has chosen it.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from consent.decisions import Evidence, record_grant
from consent.errors import NotNowError, plain_objections
from ledger.consent_state import Grant
from ledger.database import Ledger
from ledger.definitions import take_definition, words_to_take
from ledger.model import Channel, Credit, Reply, ReplyState, Use, normal
from ledger.offers import hold_offer
from ledger.replies import find_reply, set_state
from ledger.requests import open_request

#: Stands in the record where an editor's name stands for a question of ours.
BY_AUTHOR = "its author, unasked"
#: The question is answered in the transaction that opens it.
AT_ONCE = timedelta(minutes=1)


def offered_words(
    connection: Connection, contributor_id: str, reply_id: int
) -> tuple[Reply, str] | None:
    """An answer that this person may offer, and its words as they would be published.

    Only their own, given by the form, and as long as nobody has made a definition of it.
    """
    reply = find_reply(connection, reply_id)
    if reply is None or reply.channel is not Channel.FORM or reply.definition_id:
        return None
    if not contributor_id or reply.handle.contributor_id != contributor_id:
        return None
    return reply, words_to_take(reply)


def offer(
    ledger: Ledger,
    contributor_id: str,
    reply_id: int,
    *,
    text: str,
    credit: Credit,
    uses: frozenset[Use],
    lang: str,
    page_lang: str,
    evidence: Evidence,
) -> Grant:
    """Allow exactly `text` with exactly `credit` for `uses`, once an editor chooses it.

    `lang` is that of the words, `page_lang` that of the page where it was said.

    Raises NotNowError when this is no answer that they can offer, or `text` is not its words, and
    AskedAlreadyError while they are asked about something else.
    """
    now = ledger.clock()
    with ledger.write() as connection, plain_objections():
        found = offered_words(connection, contributor_id, reply_id)
        if found is None or normal(found[1]) != normal(text):
            raise NotNowError(
                "This question is not open any more.",
                "Open your page again: it shows how things stand now.",
            )
        reply = found[0]
        before = reply.state
        definition = take_definition(connection, ledger.keys, now, reply, lang)
        set_state(connection, reply.id, before)
        if before is not ReplyState.SHORTLISTED:
            hold_offer(connection, reply.id, now)
        request = open_request(
            connection,
            ledger.keys,
            now,
            definition,
            credit=credit,
            uses=uses,
            asked_by=BY_AUTHOR,
            notice=str(evidence["notice"]),
            expires_at=now + AT_ONCE,
            lang=page_lang,
        )
        return record_grant(
            ledger, connection, request.id, text=text, credit=credit, uses=uses, evidence=evidence
        )
