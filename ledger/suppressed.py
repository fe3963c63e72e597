"""Nothing of people who were erased is collected again; keyed hashes tell who they are (P35)."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from ledger.contributors import stop_token
from ledger.errors import DefinedbyError
from ledger.keys import Keys
from ledger.model import IncomingReply, SkipKind, Skipped
from ledger.tables import stopped_addresses

REASON = "Its author had everything about them erased: nothing of theirs is collected any more."
#: How much of the keyed hash of an id is kept, to count the same thing once.
ID_CHARACTERS = 24
BATCH = 500


def part_erased(
    connection: Connection, keys: Keys, arrived: Iterable[IncomingReply]
) -> tuple[tuple[IncomingReply, ...], tuple[Skipped, ...]]:
    """What may be kept, and what comes from people who were erased, without anything of it."""
    replies = tuple(arrived)
    if not replies or not _any_erased(connection):
        return replies, ()
    tokens = {
        reply.external_id: {stop_token(keys, one) for one in (reply.address, reply.contact) if one}
        for reply in replies
    }
    erased = _erased(connection, sorted({one for each in tokens.values() for one in each}))
    kept = tuple(one for one in replies if not tokens[one.external_id] & erased)
    skipped = tuple(
        Skipped(
            "erased " + keys.token_hash(f"erased:{one.external_id}")[:ID_CHARACTERS],
            REASON,
            SkipKind.FILTERED,
        )
        for one in replies
        if tokens[one.external_id] & erased
    )
    return kept, skipped


def refuse_erased(connection: Connection, keys: Keys, reply: IncomingReply) -> None:
    """Raises DefinedbyError when this is of somebody who was erased."""
    if part_erased(connection, keys, [reply])[1]:
        raise DefinedbyError(REASON, "Nothing was kept. Let it be.")


def _any_erased(connection: Connection) -> bool:
    found = connection.execute(
        select(stopped_addresses.c.token).where(stopped_addresses.c.erased_at.is_not(None)).limit(1)
    )
    return found.first() is not None


def _erased(connection: Connection, tokens: list[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(tokens), BATCH):
        rows = connection.execute(
            select(stopped_addresses.c.token).where(
                stopped_addresses.c.token.in_(tokens[start : start + BATCH]),
                stopped_addresses.c.erased_at.is_not(None),
            )
        )
        found.update(rows.scalars())
    return found
