"""Bring the site's files to what stands: a few dirty outputs, or the whole in a fresh tree."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select

from ledger.database import Ledger
from ledger.tables import outputs, site_dirty
from publisher import claims
from publisher.files import friendly_file_errors
from publisher.holding import Holding
from publisher.prose import ProseRenderer
from publisher.report import Progress, Refusal
from publisher.site import tree
from publisher.site.behind import COMPOSED, changed_since
from publisher.site.making import Frame, Maker
from publisher.site.nodes import Node

BATCH = 400
# Built once: to put a statement together takes longer than to run it.
_PATHS: Any = bindparam("paths", expanding=True)
_DIRTY = (
    select(site_dirty.c.kind, site_dirty.c.path, site_dirty.c.owner, site_dirty.c.part)
    .where(site_dirty.c.kind != COMPOSED)
    .order_by(site_dirty.c.path)
)
_CLEAN = delete(site_dirty).where(site_dirty.c.path.in_(_PATHS))
_DROP = delete(outputs).where(outputs.c.path.in_(_PATHS))
_RECORDED = select(outputs.c.path, outputs.c.hash).where(outputs.c.path.in_(_PATHS))


class OvertakenError(Exception):
    """Consent has changed since these pages were made: they must not be put in place."""


@dataclass
class Written:
    """`hashes` holds the outputs that were written, None for one that was removed."""

    hashes: dict[str, str | None] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)
    written: int = 0
    removed: int = 0


def dirty_nodes(connection: Connection) -> list[Node]:
    """Outputs that have to be made again, those that only vanish first."""
    return [Node(*row) for row in connection.execute(_DIRTY)]


def rewrite(
    ledger: Ledger,
    holding: Holding,
    frame: Frame,
    prose: ProseRenderer,
    cursor: int,
    progress: Progress,
) -> Written:
    """Make every dirty output again and put it in place; removals come first.

    `cursor` is the newest event that the entries know of.
    Raises ForgedEntryError, and OvertakenError when consent has changed since: what was made is
    thrown away then, and stays dirty.
    """
    folder, done = ledger.settings.site_folder, Written()
    with ledger.read() as connection:
        wanted = dirty_nodes(connection)
        if not wanted:
            return done
        recorded = _recorded(connection, [node.path for node in wanted])
        maker = Maker(ledger, connection, frame, prose, done.refused)
        changes = tree.Changes(folder)
        gone = []
        with friendly_file_errors(folder, tree.NAME):
            for number, node in enumerate(wanted):
                progress("render", number, len(wanted))
                holding.keep()
                content = maker.make(node)
                if content is None:
                    gone.append(node.path)
                    continue
                hashed = claims.hash_of(ledger.keys, content)
                if recorded.get(node.path) != hashed:
                    changes.put(node.path, content)
                    done.written += 1
                done.hashes[node.path] = hashed
    with friendly_file_errors(folder, tree.NAME):
        for path in gone:
            done.removed += tree.remove(folder, path)
            done.hashes[path] = None
        _gate(ledger, cursor, maker.shelf.used, changes)

        def keep(number: int, count: int) -> None:
            progress("write", number, count)
            holding.keep()

        changes.place(keep)
    return done


def _gate(ledger: Ledger, cursor: int, used: set[str], changes: tree.Changes) -> None:
    """The last look at consent before anything is put in place (P01)."""
    with ledger.read() as connection:
        newer = changed_since(connection, cursor)
    if newer & used:
        changes.give_up()
        raise OvertakenError


def note_outputs(connection: Connection, done: Written) -> None:
    """Record what was written and removed; those outputs are clean now."""
    paths = list(done.hashes)
    for start in range(0, len(paths), BATCH):
        batch = paths[start : start + BATCH]
        connection.execute(_CLEAN, {"paths": batch})
        connection.execute(_DROP, {"paths": batch})
        rows = [{"path": one, "hash": done.hashes[one]} for one in batch if done.hashes[one]]
        if rows:
            connection.execute(insert(outputs), rows)


def note_all_outputs(holding: Holding, hashes: dict[str, str]) -> int:
    """Record a whole new tree, in transactions of bearable length; how many outputs went."""
    with holding.write() as connection:
        before = set(claims.claimed(connection, content=False))
        connection.execute(delete(site_dirty).where(site_dirty.c.kind != COMPOSED))
        gone = before - hashes.keys()
        connection.execute(
            delete(outputs).where(~outputs.c.path.startswith(claims.CONTENT, autoescape=True))
        )
    paths = list(hashes)
    for start in range(0, len(paths), 10 * BATCH):
        rows = [{"path": one, "hash": hashes[one]} for one in paths[start : start + 10 * BATCH]]
        with holding.write() as connection:
            connection.execute(insert(outputs), rows)
    return len(gone)


def _recorded(connection: Connection, paths: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(paths), BATCH):
        rows = connection.execute(_RECORDED, {"paths": paths[start : start + BATCH]})
        found |= {row.path: row.hash for row in rows}
    return found
