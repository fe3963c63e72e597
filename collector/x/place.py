"""How far an X account is read: the marks in its cursor, and the posts that were read before."""

from __future__ import annotations

import json
from collections.abc import Iterator

from collector.x.posts import number_of
from collector.x.walk import Mark, Taken
from ledger.model import IncomingReply, Skipped


def marks_in(cursor: str, own_id: str) -> dict[str, Mark]:
    """What a cursor holds; nothing of it counts for another login, or when it can't be read."""
    try:
        parts = json.loads(cursor or "{}")
        if parts.get("of") == own_id:
            return {name: Mark.of(mark) for name, mark in parts["read"].items()}
    except (AttributeError, KeyError, ValueError):
        pass
    return {}


def cursor_of(own_id: str, marks: dict[str, Mark]) -> str:
    """These marks as the account's cursor."""
    read = {name: mark.as_json() for name, mark in sorted(marks.items())}
    return json.dumps({"of": own_id, "read": read})


def items_of(
    taken: Taken, before: Mark, edited: list[IncomingReply]
) -> Iterator[IncomingReply | Skipped]:
    """What was taken. An edited post has a new id; it stays the reply it was if we read that."""
    together = {item.position for item in taken.items}
    for item in taken.items:
        known = [
            version
            for version in item.earlier
            if before.has_read(number_of(version)) or number_of(version) in together
        ]
        if isinstance(item.reply, Skipped) or not known:
            yield item.reply
            continue
        edited += [item.reply._replace(external_id=version) for version in known]
        # Given as a reply as well, should the first version have been left out: stored once.
        yield item.reply._replace(external_id=known[0])
