"""Bring the site's files to what stands: a few dirty outputs, or the whole in a fresh tree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, bindparam, delete, insert, select

from ledger import events
from ledger.database import Ledger
from ledger.prepared import Prepared, inserting
from ledger.tables import outputs, site_dirty
from publisher import claims
from publisher.files import friendly_file_errors
from publisher.holding import Holding
from publisher.prose import ProseRenderer
from publisher.report import Progress, Refusal
from publisher.site import tree
from publisher.site.behind import COMPOSED, changed_since
from publisher.site.frame import Frame
from publisher.site.making import Maker
from publisher.site.nodes import Node

BATCH = 400
_DIRTY = Prepared(
    select(
        site_dirty.c.kind,
        site_dirty.c.path,
        site_dirty.c.owner,
        site_dirty.c.part,
        outputs.c.hash,
    )
    .join_from(site_dirty, outputs, outputs.c.path == site_dirty.c.path, isouter=True)
    .where(site_dirty.c.kind != COMPOSED)
    .order_by(site_dirty.c.path)
)
_CLEAN = Prepared(delete(site_dirty).where(site_dirty.c.path == bindparam("at")))
_DROP = Prepared(delete(outputs).where(outputs.c.path == bindparam("at")))
_NOTE = inserting(outputs)


class OvertakenError(Exception):
    """Consent has changed since these pages were made: they must not be put in place."""


@dataclass
class Written:
    """`made` are the outputs that are up to date now.

    `hashes` holds those of them whose record changes, with None for one that was removed.
    """

    made: list[str] = field(default_factory=list)
    hashes: dict[str, str | None] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)
    written: int = 0
    removed: int = 0


def dirty_nodes(connection: Connection) -> list[Node]:
    """Outputs that have to be made again."""
    return [node for node, _ in _dirty(connection)]


def _dirty(connection: Connection) -> list[tuple[Node, str | None]]:
    """Outputs that have to be made again, each with the hash of what stands there."""
    return [(Node(*row[:4]), row[4]) for row in _DIRTY.tuples(connection)]


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
        wanted = _dirty(connection)
        if not wanted:
            return done
        maker = Maker(ledger, connection, frame, prose, done.refused)
        changes = tree.Changes(folder)
        with friendly_file_errors(folder, tree.NAME):
            gone = _stage(maker, wanted, changes, done, _keeping(holding, progress, "render"))
    with friendly_file_errors(folder, tree.NAME):
        for path in gone:
            done.removed += tree.remove(folder, path)
        _gate(ledger, cursor, maker.shelf.used, changes)
        changes.place(_keeping(holding, progress, "write"))
    return done


def _stage(
    maker: Maker,
    wanted: Sequence[tuple[Node, str | None]],
    changes: tree.Changes,
    done: Written,
    keep: Callable[[int, int], None],
) -> list[str]:
    """Make these outputs, and write those that have changed aside; which ones are no more."""
    gone = []
    for number, (node, recorded) in enumerate(wanted):
        keep(number, len(wanted))
        content = maker.make(node)
        hashed = None if content is None else claims.hash_of(maker.ledger.keys, content)
        if content is None:
            gone.append(node.path)
        elif hashed != recorded:
            changes.put(node.path, content)
            done.written += 1
        done.made.append(node.path)
        if hashed != recorded:
            done.hashes[node.path] = hashed
    return gone


def _keeping(holding: Holding, progress: Progress, step: str) -> Callable[[int, int], None]:
    """What says how far a step has come, and keeps the lease up meanwhile."""

    def keep(number: int, count: int) -> None:
        progress(step, number, count)
        holding.keep()

    return keep


def _gate(ledger: Ledger, cursor: int, used: set[str], changes: tree.Changes) -> None:
    """The last look at consent before anything is put in place (P01)."""
    with ledger.read() as connection:
        head = events.head(connection).seq
        newer = changed_since(connection, cursor) if head > cursor else set()
    if newer & used:
        changes.give_up()
        raise OvertakenError


def note_outputs(connection: Connection, done: Written) -> None:
    """Record what was written and removed; those outputs are clean now."""
    _CLEAN.run(connection, [{"at": path} for path in done.made])
    _DROP.run(connection, [{"at": path} for path in done.hashes])
    rows = [{"path": path, "hash": value} for path, value in done.hashes.items() if value]
    _NOTE.run(connection, rows)


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
