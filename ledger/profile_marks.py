"""What people's profiles ask of programs, remembered from whenever a profile was last read.

Kept beside handles and newcomers, under a keyed hash of the address: it has to be there before
somebody is either, and it is there when they are written to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from ledger.keys import Keys
from ledger.model import Channel, ProfileMarks
from ledger.tables import profile_marks

_NAMES = tuple(one.name for one in fields(ProfileMarks))


def note_marks(
    connection: Connection,
    keys: Keys,
    channel: Channel,
    seen: Iterable[tuple[str, ProfileMarks | None]],
    now: datetime,
) -> None:
    """Keep what these addresses' profiles say now; what one does not tell stays as it was."""
    told: dict[str, dict[str, bool]] = {}
    for address, marks in seen:
        if marks is not None and address:
            said = {name: value for name in _NAMES if (value := getattr(marks, name)) is not None}
            told.setdefault(mark_token(keys, channel, address), {}).update(said)
    known = _known(connection, told)
    for token, said in told.items():
        if token not in known and any(said.values()):
            values = {**dict.fromkeys(_NAMES, False), **said, "seen_at": now}
            connection.execute(insert(profile_marks).values(token=token, **values))
        elif token in known and {**known[token], **said} != known[token]:
            connection.execute(
                update(profile_marks)
                .where(profile_marks.c.token == token)
                .values(**said, seen_at=now)
            )


def marks_of(
    connection: Connection,
    keys: Keys,
    addresses: Sequence[tuple[Channel, str]],
    channel: Channel,
) -> dict[str, Any]:
    """What a person's profiles say, wherever they say it; protected counts on `channel` alone."""
    tokens = {mark_token(keys, where, address): where for where, address in addresses}
    known = _known(connection, tokens)
    return {
        name: any(
            marks[name]
            for token, marks in known.items()
            if name != "is_protected" or tokens[token] is channel
        )
        for name in _NAMES
    }


def _known(connection: Connection, tokens: Mapping[str, object]) -> dict[str, dict[str, bool]]:
    if not tokens:
        return {}
    rows = connection.execute(select(profile_marks).where(profile_marks.c.token.in_(list(tokens))))
    return {row.token: {name: bool(getattr(row, name)) for name in _NAMES} for row in rows}


def mark_token(keys: Keys, channel: Channel, address: str) -> str:
    """Under what the marks of a profile are kept."""
    return keys.token_hash(f"profile:{channel}:{address.casefold()}")
