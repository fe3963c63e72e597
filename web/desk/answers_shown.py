"""How the desk shows answers in words: the decision, what it rests on, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from consent.answering import what_is_missing
from consent.answers import Decided
from ledger.answers import Answer, answers_about, answers_among
from ledger.database import Ledger
from ledger.model import Reply


@dataclass(frozen=True)
class Shown:
    """The desk's words for a decision, and what an editor does about it."""

    word: str
    tone: str
    choice: str
    next_step: str = ""


DECISIONS = {
    Decided.GRANT: Shown("Says yes", "yes", "yes, without a condition"),
    Decided.CONDITIONAL: Shown(
        "Yes, but",
        "ask",
        "yes, but",
        "Nothing is allowed yet. Change the words or the credit as they ask, and ask again: then "
        "they see exactly that. If it can't be done, tell them.",
    ),
    Decided.REFUSE: Shown("Says no", "no", "no", "Leave it at that."),
    Decided.WITHDRAW: Shown("Takes it back", "no", "takes back what they allowed"),
    Decided.STOP: Shown("Do not write", "no", "does not want to be written to"),
    Decided.UNCLEAR: Shown(
        "Not clear",
        "",
        "not clear",
        "Nothing is allowed by that. Answer them if they asked something; their personal page "
        "stays open. If you read it otherwise, say so below.",
    ),
}


@dataclass(frozen=True)
class AnswerShown:
    """One answer; `missing` says why it can't be recorded as a yes, or nothing."""

    answer: Answer
    reply: Reply
    missing: str

    @property
    def decision(self) -> Shown:
        return DECISIONS[Decided(self.answer.decision)]


def answers_shown(ledger: Ledger, connection: Connection, definition_id: str) -> list[AnswerShown]:
    """The answers to questions about a definition, newest first."""
    return [
        AnswerShown(answer, reply, what_is_missing(ledger, connection, answer, reply))
        for answer, reply in answers_about(connection, definition_id)
    ]


def answers_in(
    ledger: Ledger, connection: Connection, replies: list[Reply]
) -> dict[int, AnswerShown]:
    """Those of these replies that answer a question of ours, by their numbers."""
    known = answers_among(connection, [reply.id for reply in replies])
    return {
        reply.id: AnswerShown(
            known[reply.id][0],
            reply,
            what_is_missing(ledger, connection, known[reply.id][0], reply),
        )
        for reply in replies
        if reply.id in known
    }
