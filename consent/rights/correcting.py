"""Correcting: other words or another credit, at its author's own wish (GDPR, article 16; P36).

Another credit is a new grant at once: its author has seen the post as it will look. Other words
are a new version that needs a new grant; what stands goes at once, unless its author says that it
may stay up until then.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from consent.decisions import Evidence, record_grant
from consent.errors import NotNowError, plain_objections
from consent.offering import BY_AUTHOR
from consent.requests import record_revision
from ledger import events
from ledger.consent_state import ConsentEvent, EventKind, Grant
from ledger.database import Ledger
from ledger.definitions import MOST_CHARACTERS, add_version, need_definition
from ledger.jobs import JobKind, add_job
from ledger.model import Credit, Definition, Use, normal
from ledger.outbox import cancel_messages
from ledger.pieces import is_own_change
from ledger.posts import bury_post
from ledger.requests import live_request, open_request
from ledger.rights_requests import replace_correction

#: The question is answered in the transaction that opens it.
AT_ONCE = timedelta(minutes=1)


def correct_credit(
    ledger: Ledger,
    definition_id: str,
    *,
    text: str,
    credit: Credit,
    uses: frozenset[Use],
    page_lang: str,
    evidence: Evidence,
) -> Grant:
    """Grant the words that stand with another credit, for the same uses or fewer.

    Raises NotNowError when nothing is granted, when these are not the granted words, or while
    they are asked about this definition.
    """
    now = ledger.clock()
    with ledger.write() as connection, plain_objections():
        definition = need_definition(connection, definition_id)
        before = _granted(ledger, connection, definition)
        if normal(text) != normal(before.text):
            raise _overtaken()
        request = open_request(
            connection,
            ledger.keys,
            now,
            replace(definition, text=before.text),
            credit=credit,
            uses=before.uses,
            asked_by=BY_AUTHOR,
            notice=str(evidence["notice"]),
            expires_at=now + AT_ONCE,
            lang=page_lang,
            at_once=True,
        )
        return record_grant(
            ledger,
            connection,
            request.id,
            text=before.text,
            credit=credit,
            uses=uses & before.uses,
            evidence=evidence,
        )


def correct_words(
    ledger: Ledger, definition_id: str, words: str, *, keep: bool, evidence: Evidence, by: str = ""
) -> Definition:
    """Take other words of its author as the newest version; nothing is granted by that.

    Unless `keep`, what was allowed before is set aside and leaves the blog in this transaction.
    Raises NotNowError for words that can't be taken and while they are asked about this one.
    """
    now = ledger.clock()
    with ledger.write() as connection, plain_objections():
        definition = need_definition(connection, definition_id)
        _check(definition, words)
        _refuse_while_asked(connection, definition)
        before = events.state_of(connection, ledger.keys, definition_id).grant
        if before is not None and not keep:
            _set_aside(ledger, connection, definition, before, evidence)
        after = add_version(connection, definition_id, words, now)
        stated = {**evidence, "kept": keep}
        record_revision(ledger, connection, after, by or BY_AUTHOR, stated)
        replace_correction(connection, definition.contributor_id, definition_id, after.text, now)
    return after


def _granted(ledger: Ledger, connection: Connection, definition: Definition) -> Grant:
    _refuse_while_asked(connection, definition)
    found = events.state_of(connection, ledger.keys, definition.id).grant
    if found is None:
        raise _overtaken()
    return found


def _set_aside(
    ledger: Ledger,
    connection: Connection,
    definition: Definition,
    before: Grant,
    evidence: Evidence,
) -> None:
    """Not a withdrawal: that would be a no, after which nobody may ask about the new words."""
    now = ledger.clock()
    events.record(
        connection,
        ledger.keys,
        now,
        ConsentEvent(EventKind.INVALIDATED),
        definition_id=definition.id,
        contributor_id=definition.contributor_id,
        evidence={**evidence, "because": "Its author has other words for it."},
    )
    cancel_messages(connection, before.request_id)
    bury_post(connection, ledger.keys, definition.post_id, now)
    add_job(connection, JobKind.PUBLISH, definition.post_id, now)


def _refuse_while_asked(connection: Connection, definition: Definition) -> None:
    request = live_request(connection, definition.contributor_id)
    if request is not None and request.definition_id == definition.id:
        raise NotNowError(
            "You are being asked about this right now.",
            "Open your page again: it shows how things stand now.",
        )


def _check(definition: Definition, words: str) -> None:
    if definition.is_piece:
        if not is_own_change(definition, words):
            raise NotNowError(
                "Only your own answers can be put in other words.", "Leave the rest as it stands."
            )
        if words == definition.text:
            raise _as_they_are()
        return
    given = normal(words).strip()
    if not given:
        raise NotNowError("There are no words.", "Write them, or leave everything as it is.")
    if len(given) > MOST_CHARACTERS:
        raise NotNowError("These words are too long.", "Shorten it.")
    if given == normal(definition.text):
        raise _as_they_are()


def _as_they_are() -> NotNowError:
    return NotNowError(
        "These are the words as they stand.", "Change them, or leave everything as it is."
    )


def _overtaken() -> NotNowError:
    return NotNowError(
        "This is not what stands any more.", "Open your page again: it shows how things stand now."
    )
