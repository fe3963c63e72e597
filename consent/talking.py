"""Talking: one message to one person, in their conversation, where they wrote last."""

from __future__ import annotations

from urllib.parse import urlsplit

from sqlalchemy import Connection, func, select

from consent.errors import NotNowError
from consent.ways import Way, WayName, ways_by
from ledger.contributors import has_stopped_contact
from ledger.database import Ledger
from ledger.errors import DefinedbyError
from ledger.etiquette import Action, Verdict, may
from ledger.facts import facts_of, manners_of
from ledger.model import UNSHOWABLE, Channel, Reply
from ledger.outbox import add_draft, approve
from ledger.person import PersonFacts
from ledger.replies import replies_in_threads
from ledger.tables import outbox
from ledger.threads import Thread, find_thread

#: No channel has room for more, and nobody wants to read it.
MOST_CHARACTERS = 5000


class UnseenError(DefinedbyError):
    """Something has happened in the conversation that its writer had not in front of them."""


def state_of_thread(connection: Connection, thread: Thread) -> str:
    """Changes with every message of theirs and of ours; a form carries it along."""
    theirs = replies_in_threads(connection, thread.rows)
    ours = connection.execute(
        select(func.max(outbox.c.id)).where(outbox.c.thread_id.in_(thread.rows))
    ).scalar()
    return f"{max((reply.id for reply in theirs), default=0)}.{ours or 0}"


def last_words(connection: Connection, thread: Thread) -> Reply | None:
    """The newest reply that is known to be theirs: what a message of ours answers.

    One from an address that nobody has joined with them is not written to from here: it may be
    somebody else's.
    """
    written = replies_in_threads(connection, thread.rows)
    theirs = (
        reply
        for reply in reversed(written)
        if not reply.automatic and reply.handle.contributor_id in thread.person
    )
    return next(theirs, None)


def ways_in(ledger: Ledger, connection: Connection, thread: Thread) -> tuple[Way, ...]:
    """How a message can reach them, best first; none: an editor has to bring it by hand."""
    reply = last_words(connection, thread)
    if reply is None or has_stopped_contact(connection, thread.person[0]):
        return ()
    whose = reply.handle.contributor_id
    return ways_by(connection, ledger.keys, whose, thread.campaign_id, reply)


def facts_in(
    ledger: Ledger, connection: Connection, thread: Thread, channel: Channel
) -> PersonFacts:
    """What the rules of etiquette need to know about the person of this conversation."""
    return facts_of(
        connection,
        ledger.keys,
        ledger.clock(),
        campaign_id=thread.campaign_id,
        channel=channel,
        contributor_id=thread.person[0],
    )


def may_answer(ledger: Ledger, connection: Connection, thread: Thread, reply: Reply) -> Verdict:
    """Whether the rules of etiquette let this reply be answered now."""
    facts = facts_in(ledger, connection, thread, reply.channel)
    rules = manners_of(connection, thread.campaign_id).rules(reply.channel)
    return may(Action.ANSWER, facts, rules, ledger.clock())


def say(
    ledger: Ledger, thread_id: int, words: str, *, by: str, seen: str, way: WayName | None = None
) -> int:
    """Send these words to the one person of this conversation; returns the message's number.

    `by` has approved it by that. `seen` is what `state_of_thread` said of the page they had in
    front of them: pressing twice sends once. Raises UnseenError when something else has been
    said since, and NotNowError when they are not to be written to or the words can't go there.
    """
    text = _checked(words)
    with ledger.write() as connection:
        thread = find_thread(connection, thread_id)
        if thread is None:
            raise DefinedbyError("There is no such conversation.", "Look it up on the desk.")
        if has_stopped_contact(connection, thread.person[0]):
            raise NotNowError("This person asked not to be written to.", "Leave them be.")
        if state_of_thread(connection, thread) != seen:
            raise UnseenError(
                "Something has been said here since you opened this page.",
                "Read it first; your words are kept below.",
            )
        reply = last_words(connection, thread)
        if reply is None:
            raise NotNowError(
                "They have not written to us.", "Only who wrote first is written to from here."
            )
        block = may_answer(ledger, connection, thread, reply).block
        if block is not None and not block.waits:
            raise NotNowError(block.sentence, f"That is a rule: {block.source}.")
        chosen = _chosen(ways_in(ledger, connection, thread), way)
        _refuse_unfit(ledger, chosen, text)
        return _send(ledger, connection, thread, reply, chosen, text, by)


def _checked(words: str) -> str:
    text = UNSHOWABLE.sub("", words.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not text:
        raise NotNowError("There are no words in it.", "Write them first.")
    if len(text) > MOST_CHARACTERS:
        raise NotNowError(
            f"This is {len(text) - MOST_CHARACTERS} characters too long.", "Shorten it."
        )
    return text


def _chosen(ways: tuple[Way, ...], name: WayName | None) -> Way:
    found = next((way for way in ways if name is None or way.name is name), None)
    if found is None:
        raise NotNowError(
            "There is no such way to this person (any more).",
            "Write to them where they wrote, by hand.",
        )
    return found


def _refuse_unfit(ledger: Ledger, way: Way, text: str) -> None:
    channel = way.account.channel.title()
    too_many = way.length(text) - way.most
    if way.most and too_many > 0:
        raise NotNowError(f"This is {too_many} characters too long for {channel}.", "Shorten it.")
    if way.is_private:
        return
    if f"{ledger.settings.public_url}/p/" in text:
        raise NotNowError(
            "A personal link must not stand in public: whoever reads it could answer with it.",
            "Leave it out, or write in private.",
        )
    other = way.names_others(text)
    if other:
        raise NotNowError(
            f"In public, {other} would be told of this message too.", "Leave them out of it."
        )


def _send(
    ledger: Ledger,
    connection: Connection,
    thread: Thread,
    reply: Reply,
    way: Way,
    text: str,
    by: str,
) -> int:
    subject = reply.subject.strip()
    if subject and not subject.lower().startswith("re:"):
        subject = f"Re: {subject}"
    message = add_draft(
        connection,
        ledger.keys,
        ledger.clock(),
        account_id=way.account.id,
        contributor_id=reply.handle.contributor_id,
        recipient=way.recipient,
        subject=" ".join(subject.split()) or ledger.settings.title,
        body=text + "\n" if way.name is WayName.MAIL else text,
        domain=urlsplit(ledger.settings.public_url).hostname or "localhost",
        in_reply_to=way.in_reply_to,
        private=way.is_private,
        campaign_id=thread.campaign_id,
    )
    approve(connection, message, by)
    return message
