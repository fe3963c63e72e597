"""Signed heads of the chain, exported daily: whoever keeps one notices a cut-off tail.

A head file is useful where an intruder can't reach it: copy the folder to another machine and
give it to `definedby ledger verify --heads FOLDER`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from ledger import chain, durable, events, tables, walk
from ledger.archive import HEADS
from ledger.database import Ledger, make_folder
from ledger.errors import DefinedbyError, Exit
from ledger.keys import Keys, verify_signature

SIGNED = ("seq", "hash", "at", "public_key")


class BrokenLedgerError(DefinedbyError):
    """The consent record is not what it was."""

    exit_code = Exit.BROKEN_LEDGER


def export_head(ledger: Ledger) -> Path:
    """Write today's signed head to heads/YYYY-MM-DD.json in the instance folder.

    An earlier head of the same day is replaced only while it is still a link of the chain:
    raises BrokenLedgerError when it is not.
    """
    folder = ledger.settings.home / HEADS
    make_folder(folder)
    with ledger.read() as connection:
        head = events.head(connection)
    now = ledger.clock()
    path = folder / f"{now:%Y-%m-%d}.json"
    if path.exists():
        _refuse_to_forget(ledger, path)
    signed = sign_head(head, now, ledger.keys)
    return durable.write_file(path, json.dumps(signed, indent=2).encode() + b"\n")


def sign_head(head: chain.Head, now: datetime, keys: Keys) -> dict[str, Any]:
    """A head as it is exported."""
    stated = {
        "seq": head.seq,
        "hash": head.hash,
        "at": now.isoformat(timespec="seconds"),
        "public_key": keys.public_key,
    }
    return {**stated, "signature": keys.sign(chain.canonical(stated))}


def signed_head(stored: Any, public_keys: Sequence[str]) -> chain.Head | None:
    """The head that an exported one states; None unless one of `public_keys` signed it."""
    try:
        stated = {name: stored[name] for name in SIGNED}
        genuine = stored["public_key"] in public_keys and verify_signature(
            stored["public_key"], chain.canonical(stated), stored["signature"]
        )
        return chain.Head(int(stated["seq"]), str(stated["hash"])) if genuine else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _refuse_to_forget(ledger: Ledger, path: Path) -> None:
    earlier = _read(path, ledger.keys.public_keys)
    with ledger.read() as connection:
        now = connection.execute(
            select(tables.events.c.hash).where(tables.events.c.seq == earlier.seq)
        ).scalar()
    if (now or chain.GENESIS) != earlier.hash:
        raise BrokenLedgerError(
            f"Event {earlier.seq} of the head exported to {path} is gone from the chain.",
            "Keep that file. Run 'definedby ledger verify', then restore a backup.",
        )


def read_heads(folder: Path, keys: Keys) -> list[chain.Head]:
    """The exported heads in `folder`, oldest first; none when there is no such folder.

    Raises DefinedbyError for a file that is not a head signed by this instance.
    """
    return [_read(path, keys.public_keys) for path in sorted(folder.glob("*.json"))]


def _read(path: Path, public_keys: Sequence[str]) -> chain.Head:
    try:
        found = signed_head(json.loads(path.read_text(encoding="utf-8")), public_keys)
    except (ValueError, TypeError):
        found = None
    if found is None:
        raise BrokenLedgerError(
            f"The head in {path} was not signed by this instance, or has been changed.",
            "Compare it with your other copies of the heads; move it away if it is foreign.",
        )
    return found


Track = Callable[[Iterator[chain.Link], int], Iterable[chain.Link]]


def verify_chain(
    ledger: Ledger, heads: Iterable[chain.Head] = (), track: Track | None = None
) -> chain.Break | chain.Head:
    """Walk the whole chain: its head, or the first break.

    The head that the database itself records counts as one of `heads`. `track` is given the
    links and how many to expect, to show how far the walk has come.
    """
    with ledger.read() as connection:
        row = connection.execute(select(tables.chain_head)).first()
        if row is None:
            return chain.Break(1, "the database's own record of the chain's head is gone")
        recorded = chain.Head(row.seq, row.hash)
        links = walk.links(connection, ledger.keys)
        tracked = track(links, recorded.seq) if track else links
        return chain.verify(tracked, [*heads, recorded])
