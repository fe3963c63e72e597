"""What mail servers report about a mail of ours: delivery status notifications (RFC 3464)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import Connection

from collector.mail.message import message_id, source_bytes
from collector.mail.structure import Headers, Part, UnreadableError, parts_of, split
from ledger.model import Channel, Reading, Reply, ReplyKind
from ledger.replies import raw_of, references_of
from ledger.sent import came_back

#: Status blocks that are looked at; we write to one person at a time.
MOST_BLOCKS = 20
MOST_STATUS_BYTES = 64 * 1024
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
#: RFC 3463 3, by the first two numbers; what matters is what an editor can do about it.
_MEANINGS = {
    "5.1": "there is no such address",
    "5.2": "the mailbox takes no mail, or is full",
    "5.4": "the address's server can't be reached",
    "5.7": "the address's server refuses mail from us",
}


@dataclass(frozen=True)
class Report:
    """One report: whether the mail came back for good, the status code, and which mail it was."""

    failed: bool
    status: str
    message_ids: tuple[str, ...]

    @property
    def sentence(self) -> str:
        meaning = _MEANINGS.get(self.status[:3], "it could not be delivered")
        return f"It came back: {meaning}{f' ({self.status})' if self.status else ''}."


def read_report(raw: bytes) -> Report | None:
    """The report in a mail; None when it is none, or can't be read. Never raises."""
    try:
        parts = list(parts_of(raw))
        status = next((part for part in parts if part.kind == "message/delivery-status"), None)
        if status is None:
            return None
        known = [message_id(part_headers(part).first("message-id")) for part in parts]
        return _report(status, tuple(one for one in known if one))
    except (UnreadableError, ValueError, LookupError, TypeError, RecursionError):
        return None


def part_headers(part: Part) -> Headers:
    """The headers of the mail that a report gives back, whole or as headers alone."""
    if part.kind not in ("message/rfc822", "text/rfc822-headers"):
        return Headers(b"")
    return Headers(split(part.body.lstrip(b"\r\n"))[0])


def with_report(connection: Connection, reply: Reply, reading: Reading) -> Reading:
    """Keep with our message what a mail server reports about it, and say so in the reading."""
    if reply.channel is not Channel.EMAIL or not reply.automatic:
        return reading
    report = read_report(source_bytes(raw_of(connection, reply.id)))
    if report is None or not report.failed:
        return reading
    named = [*report.message_ids, *references_of(connection, reply.id)]
    if not came_back(connection, named, reply.account_id, report.sentence):
        return reading
    return Reading(ReplyKind.OTHER, f"A message of ours came back. {report.sentence}", 1.0)


def _report(part: Part, message_ids: tuple[str, ...]) -> Report:
    text = part.body[:MOST_STATUS_BYTES].replace(b"\r\n", b"\n").strip(b"\n")
    failed, status = False, ""
    for block in text.split(b"\n\n")[:MOST_BLOCKS]:
        fields = Headers(block)
        found = _STATUS.search(fields.first("status"))
        status = found[1] if found else status
        failed = failed or fields.first("action").lower().partition(" ")[0] == "failed"
    return Report(failed, status, message_ids)
