"""Answers in words as rows: what they seem to decide, and what an editor made of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from ledger.inserting import insert_or_ignore
from ledger.model import Reply
from ledger.replies import find_reply
from ledger.tables import answers, instance, replies, requests

#: The fact that says up to which reply answers have been looked for.
_READ_UP_TO = "answers_read_up_to"


@dataclass(frozen=True)
class Answer:
    """One answer. `changes` are (quoted words, what they are about); `done`: what followed."""

    reply_id: int
    request_id: str
    message_pk: int
    decision: str
    evidence: str
    changes: tuple[tuple[str, str], ...]
    reason: str
    take_down: bool
    read_at: datetime
    done: str = ""
    corrected_by: str = ""


def replies_to_look_at(connection: Connection, limit: int) -> list[int]:
    """The next replies that the reader is done with, oldest first; none beyond an unread one."""
    rows = connection.execute(
        select(replies.c.id, replies.c.kind)
        .where(replies.c.id > _position(connection))
        .order_by(replies.c.id)
        .limit(limit)
    ).all()
    waiting = next((number for number, row in enumerate(rows) if not row.kind), len(rows))
    return [row.id for row in rows[:waiting]]


def looked_at(connection: Connection, reply_id: int) -> None:
    """Everything up to this reply has been looked at."""
    connection.execute(delete(instance).where(instance.c.name == _READ_UP_TO))
    connection.execute(insert(instance).values(name=_READ_UP_TO, value=str(reply_id)))


def _position(connection: Connection) -> int:
    value = connection.execute(
        select(instance.c.value).where(instance.c.name == _READ_UP_TO)
    ).scalar()
    return int(value or 0)


def add_answer(connection: Connection, answer: Answer) -> None:
    """Keep a reading; one that is known already, and perhaps corrected, is left as it is."""
    connection.execute(
        insert_or_ignore(connection, answers),
        [
            {
                "reply_id": answer.reply_id,
                "request_id": answer.request_id,
                "message_id": answer.message_pk,
                "decision": answer.decision,
                "evidence": answer.evidence,
                "changes": [list(change) for change in answer.changes],
                "reason": answer.reason,
                "take_down": answer.take_down,
                "read_at": answer.read_at,
            }
        ],
    )


def find_answer(connection: Connection, reply_id: int) -> Answer | None:
    row = connection.execute(select(answers).where(answers.c.reply_id == reply_id)).first()
    return None if row is None else _answer(row)


def answers_about(connection: Connection, definition_id: str) -> list[tuple[Answer, Reply]]:
    """All answers to questions about a definition, newest first."""
    rows = connection.execute(
        select(answers)
        .join(requests, requests.c.id == answers.c.request_id)
        .where(requests.c.definition_id == definition_id)
        .order_by(answers.c.reply_id.desc())
    ).all()
    found = [(_answer(row), find_reply(connection, row.reply_id)) for row in rows]
    return [(answer, reply) for answer, reply in found if reply is not None]


def answers_among(
    connection: Connection, reply_ids: Sequence[int]
) -> dict[int, tuple[Answer, str]]:
    """Those of these replies that are answers, each with the definition that it is about."""
    rows = connection.execute(
        select(answers, requests.c.definition_id)
        .join(requests, requests.c.id == answers.c.request_id)
        .where(answers.c.reply_id.in_(reply_ids))
    )
    return {row.reply_id: (_answer(row), row.definition_id) for row in rows}


def is_newest(connection: Connection, answer: Answer) -> bool:
    """Whether nothing later has been answered to the same question."""
    later = connection.execute(
        select(answers.c.reply_id)
        .where(answers.c.request_id == answer.request_id, answers.c.reply_id > answer.reply_id)
        .limit(1)
    ).first()
    return later is None


def corrected_answers(connection: Connection) -> list[Answer]:
    """What editors corrected, oldest first."""
    rows = connection.execute(
        select(answers).where(answers.c.corrected_by != "").order_by(answers.c.reply_id)
    )
    return [_answer(row) for row in rows]


def correct(connection: Connection, reply_id: int, decision: str, reason: str, by: str) -> None:
    """An editor says what was decided; that sticks."""
    connection.execute(
        update(answers)
        .where(answers.c.reply_id == reply_id)
        .values(decision=decision, reason=reason, corrected_by=by)
    )


def note_done(connection: Connection, reply_id: int, done: str) -> None:
    connection.execute(update(answers).where(answers.c.reply_id == reply_id).values(done=done))


def _answer(row: Row[Any]) -> Answer:
    return Answer(
        row.reply_id,
        row.request_id,
        row.message_id,
        row.decision,
        row.evidence,
        tuple((quote, about) for quote, about in row.changes),
        row.reason,
        row.take_down,
        row.read_at,
        row.done,
        row.corrected_by,
    )
