"""One mail of an mbox as a reply."""

from __future__ import annotations

from collector.imports.records import Record
from collector.imports.rows import MOST_CHARACTERS, RowProblem, stand_in_address
from ledger.model import IncomingReply, Skipped


def read_mail(record: Record) -> IncomingReply | Skipped:
    """What the mail says, or why it is not read. Raises RowProblem for one that is too long."""
    # Here, when it is needed: reading mail costs the import of its libraries.
    from collector.mail.message import read_message

    found = read_message(record.message)
    if isinstance(found, Skipped):
        return found
    if len(found.text) > MOST_CHARACTERS:
        raise RowProblem(
            f"Its text has {len(found.text):,} characters; {MOST_CHARACTERS:,} are allowed."
        )
    if not found.address:
        stand_in = stand_in_address(found.author_name, found.external_id)
        return found._replace(address=stand_in)
    return found
