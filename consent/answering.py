"""Answers in words in the thread: read, obeyed where they end something, proposed where they allow.

A stop, a no and a withdrawal act at once. A yes waits for an editor, who records it with one
press; it binds the words and the credit that the question showed, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from consent import decisions
from consent.answers import Decided, Decision, read_answer
from consent.asking_words import SHOWN_IN_MESSAGE
from consent.decisions import Evidence
from consent.errors import NotNowError
from ledger import answers as rows
from ledger import events, stopping
from ledger.answers import Answer
from ledger.consent_state import ConsentEvent, EventKind, Grant
from ledger.contributors import handles_of
from ledger.database import Ledger
from ledger.definitions import definitions_of
from ledger.known_as import bearers_of
from ledger.model import Reply, Use
from ledger.outbox import Message, MessageState
from ledger.private_questions import question_in_private
from ledger.replies import find_reply, references_of
from ledger.requests import ConsentRequest, find_request
from ledger.sent import find_message, question_answered
from ledger.together import people_of

BATCH = 200
STOPPED = "They are not written to any more."
TAKEN_BACK = "It was taken back at once."
SAID_NO = "The question was closed with their no."
NOT_THE_ONE_ASKED = "It came from another address than the question went to: look who writes."
RECORDED = "Their yes was recorded."


@dataclass(frozen=True)
class Asked:
    """What an answer is about: its question as it was sent, and what stood in it."""

    request: ConsentRequest
    message: Message
    shown: ConsentEvent
    #: The uses that the message named; none when it did not show words and credit.
    uses: frozenset[Use]
    #: The reply names it; else it only came after it, in the same private conversation.
    is_named: bool = True


def read_answers(ledger: Ledger) -> int:
    """Read what has been answered since the last time; returns how many answers those were."""
    total = 0
    while True:
        with ledger.read() as connection:
            waiting = rows.replies_to_look_at(connection, BATCH)
            found = [
                (reply, asked)
                for reply_id in waiting
                if (reply := find_reply(connection, reply_id)) is not None
                and (asked := _asked(ledger, connection, reply)) is not None
            ]
        # Reading is pure and may take a while over long texts: no transaction is open.
        read = [(reply, asked, _read(reply, asked)) for reply, asked in found]
        read = [one for one in read if _is_meant(*one[1:])]
        for reply, asked, decision in read:
            _keep(ledger, reply, asked, decision)
        if waiting:
            with ledger.write() as connection:
                rows.looked_at(connection, waiting[-1])
        total += len(read)
        if len(waiting) < BATCH:
            return total


def confirm_yes(ledger: Ledger, reply_id: int, by: str) -> Grant:
    """An editor has looked: these words are a yes. Record it as a grant.

    Raises NotNowError when anything that a grant needs is missing; the sentence says what.
    """
    with ledger.read() as connection:
        answer, reply, asked = _found(ledger, connection, reply_id)
        missing = what_is_missing(ledger, connection, answer, reply)
    if missing:
        raise NotNowError(missing, "Ask them on their personal page instead.")
    grant = decisions.grant(
        ledger,
        asked.request.id,
        text=asked.shown.text,
        credit=asked.request.credit,
        uses=asked.uses,
        evidence={
            **_evidence(reply, answer.evidence),
            "question": asked.message.message_id,
            "notice": asked.request.notice,
            "confirmed_by": by,
        },
    )
    _note(ledger, reply_id, RECORDED)
    return grant


def what_is_missing(ledger: Ledger, connection: Connection, answer: Answer, reply: Reply) -> str:
    """Why this answer can't be recorded as a grant, or "" when it can.

    A grant in words needs a live question whose message showed exactly these words and this
    credit, and a yes to it, from the one who was asked, by the handle asked, after it was sent.
    """
    asked = _asked(ledger, connection, reply)
    if asked is None:
        return "It answers no question of ours."
    for holds, sentence in (
        (answer.decision == Decided.GRANT, "It does not read as an unconditional yes."),
        (not reply.automatic, "It is an automatic reply."),
        (_is_live(ledger, asked.request), "The question is not open any more."),
        (
            not ledger.settings.least_age,
            "The law wants a statement of their age, and that is made on their personal page.",
        ),
        (bool(asked.uses), "The message did not show the exact words and the credit."),
        (asked.message.state is MessageState.SENT, "Nobody knows whether the question had left."),
        (_is_after(reply, asked.message), "It was written before the question left."),
        (_is_handle_asked(reply, asked.message), NOT_THE_ONE_ASKED),
        (rows.is_newest(connection, answer), "They have answered again since: look at that."),
        (
            asked.shown.text == _live_text(ledger, connection, asked.request),
            "The words have changed since they were asked.",
        ),
    ):
        if not holds:
            return sentence
    return ""


def correct_answer(ledger: Ledger, reply_id: int, decision: str, by: str) -> str:
    """An editor says what was decided. That sticks, and what ends something is done at once.

    Returns what was done, or "". Raises ValueError for an unknown decision, and NotNowError when
    there is no such answer or it has been recorded as a grant already.
    """
    decided = Decided(decision)
    with ledger.write() as connection:
        answer, reply, asked = _found(ledger, connection, reply_id)
        if answer.done == RECORDED and decided is not Decided.WITHDRAW:
            raise NotNowError("Their yes is recorded already.", "It can only be taken back.")
        rows.correct(connection, reply_id, decided, "An editor has read it.", by)
    return _obey(ledger, reply, asked, Decision(decided, "", answer.evidence or reply.text))


def labelled_corrections(ledger: Ledger) -> list[dict[str, Any]]:
    """What editors corrected, as rows for tests/labelled; with real names and words in them."""
    found = []
    with ledger.read() as connection:
        for answer in rows.corrected_answers(connection):
            _, reply, asked = _found(ledger, connection, answer.reply_id)
            found.append(
                {
                    "id": f"correction-{reply.id}",
                    "channel": str(reply.channel),
                    "asked": _asked_fields(asked),
                    "answer": reply.text,
                    "decision": answer.decision,
                    "changes": [],
                    "note": "corrected at the desk",
                }
            )
    return found


# ------------------------------------------------------------------------- inside
def _asked(ledger: Ledger, connection: Connection, reply: Reply) -> Asked | None:
    """The question that a reply answers, and what its message showed."""
    answer = rows.find_answer(connection, reply.id)
    if answer is not None:
        message = find_message(connection, answer.message_pk)
    else:
        references = references_of(connection, reply.id)
        message = question_answered(connection, references, reply.account_id)
    is_named = message is not None
    message = message or question_in_private(connection, reply)
    if message is None:
        return None
    request = find_request(connection, message.request_id)
    assert request is not None
    for event, payload in events.full_history(connection, ledger.keys, request.definition_id):
        if event.kind is EventKind.REQUESTED and event.request_id == request.id:
            uses = frozenset(Use(use) for use in payload.get(SHOWN_IN_MESSAGE, ()))
            return Asked(request, message, event, uses & request.uses, is_named)
    return None


def _is_meant(asked: Asked, decision: Decision) -> bool:
    """Whether a reply is about the question at all. After a question is closed, a message that
    does not name it goes on about other things; only taking back is always about that.
    """
    is_open = asked.request.closed_at is None
    return asked.is_named or is_open or decision.take_down or decision.decision is Decided.WITHDRAW


def _found(ledger: Ledger, connection: Connection, reply_id: int) -> tuple[Answer, Reply, Asked]:
    answer = rows.find_answer(connection, reply_id)
    reply = find_reply(connection, reply_id)
    asked = _asked(ledger, connection, reply) if reply is not None else None
    if answer is None or reply is None or asked is None:
        raise NotNowError("There is no such answer.", "Load the page again.")
    return answer, reply, asked


def _read(reply: Reply, asked: Asked) -> Decision:
    return read_answer(_asked_fields(asked), reply.text, reply.channel, automatic=reply.automatic)


def _asked_fields(asked: Asked) -> dict[str, str]:
    """As `read_answer` takes it. The message itself is not kept; these are what it held."""
    text, credit = asked.shown.text, asked.request.credit.line
    return {
        "text": text,
        "credit": credit,
        "question": "\n".join(filter(None, (asked.message.subject, text, credit))),
    }


def _keep(ledger: Ledger, reply: Reply, asked: Asked, decision: Decision) -> None:
    """Store a reading once, and do what it asks for. Done again after a kill, it does no more."""
    with ledger.write() as connection:
        rows.add_answer(
            connection,
            Answer(
                reply.id,
                asked.request.id,
                asked.message.id,
                decision.decision,
                decision.evidence,
                tuple((change.quote, change.about) for change in decision.changes),
                decision.reason,
                decision.take_down,
                ledger.clock(),
            ),
        )
        known = rows.find_answer(connection, reply.id)
    if known is not None and not known.corrected_by and not known.done:
        _obey(ledger, reply, asked, decision)


def _obey(ledger: Ledger, reply: Reply, asked: Asked, decision: Decision) -> str:
    """Do what ends something: stop, take back, close the question. Says what was done."""
    evidence = _evidence(reply, decision.evidence)
    done = ""
    if decision.decision is Decided.STOP:
        done = _stop(ledger, reply, asked, evidence)
    with ledger.read() as connection:
        is_theirs = _is_from_asked(connection, reply, asked)
        grant = events.state_of(connection, ledger.keys, asked.request.definition_id).grant
    ends = decision.decision is Decided.WITHDRAW or decision.take_down
    if ends or decision.decision is Decided.REFUSE:
        if not is_theirs:
            done = f"{done} {NOT_THE_ONE_ASKED}".strip()
        elif ends or grant is not None:
            for definition_id in _meant_by(ledger, asked):
                decisions.withdraw(ledger, definition_id, evidence)
            done = f"{done} {TAKEN_BACK}".strip()
        elif _is_live(ledger, asked.request):
            decisions.refuse(ledger, asked.request.id, evidence)
            done = SAID_NO
    if done:
        _note(ledger, reply.id, done)
    return done


def _meant_by(ledger: Ledger, asked: Asked) -> list[str]:
    """What is taken back: what was asked, and where no question is named all that they allowed.

    Whoever says "take my words down" in a conversation may mean others than those asked last.
    """
    meant = [asked.request.definition_id]
    if asked.is_named:
        return meant
    with ledger.read() as connection:
        theirs = [
            definition.id
            for whose in people_of(connection, asked.request.contributor_id)
            for definition in definitions_of(connection, whose)
        ]
        states = {one: events.state_of(connection, ledger.keys, one) for one in theirs}
    return [*meant, *(one for one in theirs if states[one].grant is not None and one not in meant)]


def _stop(ledger: Ledger, reply: Reply, asked: Asked, evidence: Evidence) -> str:
    """One person may be known by the form and by mail: "stop" is meant by the person."""
    with ledger.write() as connection:
        meant = {asked.request.contributor_id, *bearers_of(connection, *_wheres(reply))}
        for contributor_id in sorted(meant):
            stopping.stop(connection, ledger.keys, ledger.clock(), contributor_id, evidence)
    return STOPPED


def _wheres(reply: Reply) -> tuple[str, str]:
    return reply.handle.address, reply.handle.contact


def _note(ledger: Ledger, reply_id: int, done: str) -> None:
    with ledger.write() as connection:
        rows.note_done(connection, reply_id, done)


def _evidence(reply: Reply, quoted: str) -> Evidence:
    return {"channel": str(reply.channel), "message": reply.external_id, "quoted": quoted}


def _is_live(ledger: Ledger, request: ConsentRequest) -> bool:
    return request.closed_at is None and request.expires_at > ledger.clock()


def _is_after(reply: Reply, message: Message) -> bool:
    return message.sent_at is not None and reply.received_at >= message.sent_at


def _is_handle_asked(reply: Reply, message: Message) -> bool:
    asked = message.recipient.casefold()
    return asked != "" and asked in (
        reply.handle.address.casefold(),
        reply.handle.contact.casefold(),
    )


def _is_from_asked(connection: Connection, reply: Reply, asked: Asked) -> bool:
    """From the handle asked, or another one of the same person."""
    if _is_handle_asked(reply, asked.message):
        return True
    known = handles_of(connection, asked.request.contributor_id)
    wheres = {where.casefold() for one in known for where in (one.address, one.contact) if where}
    return reply.handle.address.casefold() in wheres


def _live_text(ledger: Ledger, connection: Connection, request: ConsentRequest) -> str:
    open_now = events.state_of(connection, ledger.keys, request.definition_id).request
    return open_now.text if open_now is not None and open_now.id == request.id else ""
