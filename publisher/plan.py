"""What a publication would do: everything is worked out in a transaction that is then undone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import Connection, select

from ledger.database import Ledger
from ledger.tables import site_dirty
from publisher import claims
from publisher.intake import Plan, mark_dirty
from publisher.outset import Outset, beside_consent, look_around
from publisher.posts_folder import How, Settled
from publisher.prose import ProseRenderer
from publisher.report import Refusal
from publisher.site import places, sources
from publisher.site.behind import COMPOSED
from publisher.site.editions import join_edges
from publisher.site.making import Maker
from publisher.site.nodes import Node
from publisher.standing import BATCH, ever_granted

FAR = timedelta(days=1)
WRITE, REMOVE = "write", "remove"


@dataclass(frozen=True)
class Planned:
    """One file: what would happen to it and why. Paths begin with content/ or site/."""

    action: str
    path: str
    reason: str


@dataclass
class Planning:
    files: list[Planned]
    refused: list[Refusal]


class _UndoError(Exception):
    """Ends the transaction without keeping any of it."""


def plan(ledger: Ledger, *, full: bool = False, recompose: bool = False) -> Planning:
    """What `publish` would write and remove now, in the order of paths; nothing is changed.

    Writers wait while it works: as long as a publication itself, when everything is made anew.
    """
    done = Planning([], [])
    with ProseRenderer() as prose:
        outset = look_around(ledger, prose, ledger.clock() + FAR)
        how = How(paused=bool(outset.pause), files=full or recompose, recompose=recompose)
        done.refused += outset.ground.prose.refused
        try:
            with ledger.write() as connection:
                _work_out(connection, ledger, prose, outset, how, done)
                raise _UndoError
        except _UndoError:
            pass
    done.files.sort(key=lambda one: one.path)
    return done


def _work_out(
    connection: Connection,
    ledger: Ledger,
    prose: ProseRenderer,
    outset: Outset,
    how: How,
    done: Planning,
) -> None:
    known = outset.known_shape
    why = sources.why_everything(known, outset.shape)
    if how.files and not why:
        why = "everything is looked at"
    if why and outset.composed_by != outset.shape.program:
        how = replace(how, files=True)
    fold = how.files or known is None or known.program != outset.shape.program
    mark_dirty(connection, beside_consent(outset, known))
    public = {one.id for one in outset.frame.editions}
    join_edges(connection, sorted(public | set(outset.editions)), public)
    ids = ever_granted(connection) if why and fold else outset.ids
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        left = {file for one in batch for file in outset.unfinished.get(one, ())}
        found = Plan.of(connection, ledger, outset.frame, batch, how, left)
        done.refused += found.settled.refused.values()
        done.files += _of_content(found.settled)
        found.store(connection, whole=bool(why))
    maker = Maker(ledger, connection, outset.frame, prose, done.refused)
    if why:
        places.count_all(connection)
        done.files += _everything(connection, ledger, maker, why)
    else:
        done.files += _dirty(connection, ledger, maker)


def _of_content(settled: Settled) -> Iterator[Planned]:
    for post in settled.to_write.values():
        yield Planned(WRITE, f"content/{post.file}", "its definition was granted, or put back")
    for path in settled.to_remove:
        yield Planned(REMOVE, f"content/{path}", "no grant stands behind it any more")


def _everything(
    connection: Connection, ledger: Ledger, maker: Maker, why: str
) -> Iterator[Planned]:
    recorded = claims.claimed(connection, content=False)
    for path, content in maker.everything():
        if recorded.pop(path, None) != claims.hash_of(ledger.keys, content):
            yield Planned(WRITE, f"site/{path}", why)
    for path in recorded:
        yield Planned(REMOVE, f"site/{path}", "nothing stands there any more")


def _dirty(connection: Connection, ledger: Ledger, maker: Maker) -> Iterator[Planned]:
    recorded = claims.claimed(connection, content=False)
    rows = connection.execute(select(site_dirty).where(site_dirty.c.kind != COMPOSED)).all()
    for row in rows:
        content = maker.make(Node(row.kind, row.path, row.owner, row.part))
        if content is None:
            if row.path in recorded:
                yield Planned(REMOVE, f"site/{row.path}", row.reason)
        elif recorded.get(row.path) != claims.hash_of(ledger.keys, content):
            yield Planned(WRITE, f"site/{row.path}", row.reason)
