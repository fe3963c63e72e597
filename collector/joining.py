"""Join what one person said in several replies: "1/2" and "2/2", or a post under their own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from collector.reading.parts import part_of, without_mark
from ledger.joined import earlier_by_author, join, note_join, parts_of
from ledger.model import Reading, Reply, ReplyKind
from ledger.replies import save_reading

#: Parts of one answer come within this time of each other.
APART = timedelta(minutes=30)


def join_to_earlier(
    connection: Connection, reply: Reply, reading: Reading, references: list[str]
) -> bool:
    """Join a reply to the one it continues, if it continues one; whether it does.

    Marked parts must count on in one total. A post under its author's own goes with it when it
    reads like more of the answer and not like an answer of its own.
    """
    if reading.kind not in (ReplyKind.DEFINITION, ReplyKind.OTHER) or not reading.spans:
        return False
    since = (reply.written_at or reply.received_at) - APART
    for head in earlier_by_author(connection, reply, since):
        if head.reading.kind is not ReplyKind.DEFINITION:
            continue
        number = _continues(connection, head, reply, reading, references)
        if number:
            _join(connection, head, reply, reading, number)
            return True
    return False


def _continues(
    connection: Connection, head: Reply, reply: Reply, reading: Reading, references: list[str]
) -> int:
    """Which part of the head's answer this is; 0 when it is none."""
    known = 1 + len(parts_of(connection, head.id))
    first, part = part_of(head.text), part_of(reply.text)
    if part is not None:
        counts_on = (
            first is not None and first.of == part.of and part.number == first.number + known
        )
        return known + 1 if counts_on else 0
    under_own = head.external_id in references or any(
        one.external_id in references for one in parts_of(connection, head.id)
    )
    return known + 1 if under_own and reading.confidence < _OWN_ANSWER else 0


#: From this confidence on it answers by itself, in the words of the prompt.
_OWN_ANSWER = 0.8


def _join(connection: Connection, head: Reply, reply: Reply, reading: Reading, number: int) -> None:
    join(connection, head, reply)
    said = f"It continues their reply of {head.external_id}: its words are part {number} of that."
    if not head.external_id:
        said = f"It continues their earlier reply: its words are part {number} of that."
    spans = without_mark(reading.spans, reply.text)
    save_reading(connection, reply.id, replace(reading, reason=said, spans=spans))
    reason = head.reading.reason.partition(" Joined with")[0]
    more = f"{reason} Joined with {number - 1} more of theirs, which continue it."
    spans = without_mark(head.reading.spans, head.text)
    note_join(connection, head, replace(head.reading, reason=more, spans=spans))
