"""One publication: rounds of looking, taking in, writing and recording, until nothing is left."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, delete, select

from ledger import events
from ledger.consent_state import EventKind
from ledger.database import Ledger
from ledger.errors import TemporaryError
from ledger.tables import events as events_table
from ledger.tables import site_entries
from publisher import posts_folder, record
from publisher.files import friendly_file_errors
from publisher.holding import Holding
from publisher.intake import Taken, mark_dirty, take_in
from publisher.kept import Kept
from publisher.outset import Outset, beside_consent, look_around, of_editions
from publisher.posts_folder import How
from publisher.prose import ProseRenderer
from publisher.record import Finished
from publisher.report import HELD, BuildReport, Progress, Refusal
from publisher.site import places, sources, tree
from publisher.site.behind import changed_since, count_outputs
from publisher.site.editions import join_edges
from publisher.site.entries import ForgedEntryError
from publisher.site.frame import Frame
from publisher.site.making import Maker
from publisher.site.nodes import Node
from publisher.site.sources import Shape
from publisher.site.tree import Fresh
from publisher.site.writing import (
    OvertakenError,
    Written,
    dirty_nodes,
    note_all_outputs,
    rewrite,
)
from publisher.standing import BATCH, ever_granted

#: Consent that changes while we build is taken up at once, but not without end.
MOST_ROUNDS = 5
MOST_JOBS = 100_000
#: How often a long build looks whether somebody has withdrawn meanwhile, in seconds.
LOOK_AGAIN = 0.3


class Publication:
    def __init__(
        self,
        ledger: Ledger,
        holding: Holding,
        progress: Progress,
        *,
        counting: bool,
        kept: Kept | None = None,
        ends_holding: bool = False,
    ) -> None:
        """With `ends_holding` the lease is given back with the last of what is written."""
        self.counting = counting
        self.kept = kept or Kept()
        self.ends_holding = ends_holding
        self.finished = Finished(more=True, posts=0)
        self.ledger = ledger
        self.holding = holding
        self.progress = progress
        self.prose = ProseRenderer()
        self.taken = Taken()
        self.cursor = 0
        self.strays: list[Refusal] = []
        self.refused: list[Refusal] = []
        self.written = self.removed = 0
        self._forged: set[str] = set()
        self._looked_at = 0.0

    def run(self, horizon: datetime, *, recompose: bool, full: bool) -> BuildReport:
        """Work until nothing is left to do, taking up what changes meanwhile."""
        with self.prose:
            report = None
            for _ in range(MOST_ROUNDS):
                try:
                    outset = self._look(horizon)
                    self._round(outset, recompose=recompose, full=full)
                except OvertakenError:
                    continue
                except ForgedEntryError as error:
                    self._forged.update(error.definition_ids)
                    continue
                full = False
                report = self._report(outset.pause)
                if not self.finished.more:
                    return report
        if report is None:
            raise TemporaryError(
                "Consent changed again and again while the blog was being built.",
                "What was withdrawn is gone; the next run goes on.",
            )
        return replace(report, note="More has changed meanwhile; the next run goes on.")

    def forget_site(self) -> None:
        """The folder is new or was emptied: whatever is recorded of it is not there."""
        with self.holding.write() as connection:
            sources.write_sources(connection, {sources.SHAPE: None})

    def _report(self, pause: str) -> BuildReport:
        standing = self.written
        if self.counting:
            # Takes longer than a change: only for whoever looks at it.
            with self.ledger.read() as connection:
                standing = count_outputs(connection)
        return BuildReport(
            written=self.written + self.taken.written,
            removed=self.removed + self.taken.removed,
            unchanged=standing - self.written,
            refused=(*self.taken.refused.values(), *self.strays, *self.refused),
            posts=self.finished.posts,
            note=f"{HELD} {pause}" if pause and self.taken.held else "",
        )

    def _look(self, horizon: datetime) -> Outset:
        outset = look_around(self.ledger, self.prose, horizon, self.cursor, self._forged, self.kept)
        self.cursor, self.refused = outset.cursor, list(outset.ground.prose.refused)
        return outset

    def _round(self, outset: Outset, *, recompose: bool, full: bool) -> None:
        known = outset.known_shape
        why = sources.why_everything(known, outset.shape)
        again = known is None or known.program != outset.shape.program
        # Another program may compose other files from the same grants.
        files = full or (bool(why) and outset.composed_by != outset.shape.program)
        how = How(paused=bool(outset.pause), files=files, recompose=recompose)
        if full or why:
            # Other code may show words where ours would not look for them when they are taken
            # back: a tree that it made is not kept.
            same_code = known is not None and known.code == outset.shape.code
            if not same_code:
                tree.drop_before(self.ledger.settings.site_folder)
            keep_before = bool(why) and same_code
            self._build(outset, how, fold=files or again, keep_before=keep_before)
        else:
            self._change(outset, how, known)

    def _take(
        self,
        frame: Frame,
        ids: list[str],
        how: How,
        unfinished: dict[str, set[str]],
        *,
        whole: bool,
    ) -> None:
        for start in range(0, len(ids), BATCH):
            self.progress("read", start, len(ids))
            self.holding.keep()
            self.taken.add(
                take_in(
                    self.ledger,
                    self.holding,
                    frame,
                    ids[start : start + BATCH],
                    how,
                    self.progress,
                    unfinished,
                    whole=whole,
                )
            )
            if whole:
                self._meanwhile(frame, how)

    def _change(self, outset: Outset, how: How, known: Shape | None) -> None:
        """Make only what follows from the changes."""
        dirty = list(beside_consent(outset, known))
        if dirty or outset.editions:
            with self.holding.write() as connection:
                mark_dirty(connection, dirty)
                join_edges(connection, outset.editions, {one.id for one in outset.frame.editions})
        self._take(outset.frame, outset.ids, how, outset.unfinished, whole=False)
        self.cursor = outset.head
        done = rewrite(
            self.ledger, self.holding, outset.frame, self.prose, self.cursor, self.progress
        )
        self._count(done)
        # Also out of pages of the kept tree that are as they were in the one that stands.
        tree.forget_before(self.ledger.settings.site_folder, self.taken.forgotten)
        self._record(outset, done)

    def _build(self, outset: Outset, how: How, *, fold: bool, keep_before: bool) -> None:
        """Make everything, in a fresh tree that takes the old one's place."""
        with _rare_collections():
            self._build_all(outset, how, fold=fold, keep_before=keep_before)

    def _build_all(self, outset: Outset, how: How, *, fold: bool, keep_before: bool) -> None:
        ids = outset.ids
        with self.holding.write() as connection:
            # From here on the graph is unfinished; a kill leads to another whole build.
            sources.write_sources(connection, {sources.SHAPE: None})
            if fold:
                ids = ever_granted(connection)
                _drop_unknown(connection)
        self._live = Shape.of(outset.known.pop(sources.SHAPE, "")) is not None
        self._late: set[Node] = set()
        self.cursor = outset.head
        self._take(outset.frame, ids, how, outset.unfinished, whole=True)
        self.taken.forgotten |= {node.path for node, _ in of_editions(outset)}
        if fold:
            self._sweep(strays=how.files)
            sources.note_composer(self.holding, outset.shape.program)
        with self.holding.write() as connection:
            places.count_all(connection)
            public = [one.id for one in outset.frame.editions]
            join_edges(connection, [*public, *outset.editions], set(public))
        folder = self.ledger.settings.site_folder
        with friendly_file_errors(folder, tree.NAME):
            fresh = Fresh(folder, self.ledger.keys)
            try:
                self._fill(fresh, outset.frame, how)
                self._put(fresh, keep_before=keep_before)
            finally:
                fresh.give_up()  # nothing is left of it once it has taken its place
        self.progress("record", 0, 1)
        self.removed += note_all_outputs(self.holding, fresh.hashes)
        self._record(outset, Written())

    def _sweep(self, *, strays: bool) -> None:
        self.strays = []
        for found in posts_folder.sweep(self.ledger, self.holding, strays=strays):
            if isinstance(found, Refusal):
                self.strays.append(found)
            else:
                self.removed += 1

    def _fill(self, fresh: Fresh, frame: Frame, how: How) -> None:
        """Write every output into the fresh tree, until it knows of every change of consent."""
        done: list[Refusal] = []
        with self.ledger.read() as connection:
            total = count_outputs(connection)
            maker = Maker(self.ledger, connection, frame, self.prose, done)
            for number, (path, content) in enumerate(maker.everything()):
                self.progress("render", number, max(total, number))
                self.holding.keep()
                fresh.put(path, content)
                self._meanwhile(frame, how)
        self.refused += done
        self.progress("write", 0, 1)
        for _ in range(MOST_ROUNDS):
            self._look_again(frame, how)
            with self.ledger.read() as connection:
                late = self._late | set(dirty_nodes(connection))
                maker = Maker(self.ledger, connection, frame, self.prose)
                for node in sorted(late):
                    fresh.replace(node.path, maker.make(node))
                self.taken.forgotten |= {node.path for node in late}
                self._late = set()
                if not changed_since(connection, self.cursor):
                    return
        raise OvertakenError

    def _put(self, fresh: Fresh, *, keep_before: bool) -> None:
        self.written += fresh.written
        if fresh.differs():
            fresh.swap(keep_before=keep_before, forgotten=self.taken.forgotten)
        else:
            tree.forget_before(self.ledger.settings.site_folder, self.taken.forgotten)

    def _meanwhile(self, frame: Frame, how: How) -> None:
        """Now and then during a long build: whoever has withdrawn does not wait for its end."""
        now = time.monotonic()
        if now - self._looked_at >= LOOK_AGAIN:
            self._looked_at = now
            self._look_again(frame, how)

    def _look_again(self, frame: Frame, how: How) -> None:
        with self.ledger.read() as connection:
            head = events.head(connection).seq
            newer = changed_since(connection, self.cursor)
        if not newer:
            return
        self._take(frame, sorted(newer), replace(how, files=False), {}, whole=False)
        self.cursor = head
        with self.ledger.read() as connection:
            self._late |= set(dirty_nodes(connection))
        if self._live:
            # The site that stands loses the words now; its other pages follow at the end.
            done = rewrite(self.ledger, self.holding, frame, self.prose, self.cursor, _quiet)
            self._count(done)

    def _count(self, done: Written) -> None:
        self.written += done.written
        self.removed += done.removed
        self.refused += done.refused

    def _record(self, outset: Outset, done: Written) -> None:
        facts = {**outset.ground.facts, **_edition_facts(outset)}
        changed = {name: value for name, value in facts.items() if outset.known.get(name) != value}
        self.finished = record.finish(
            self.ledger,
            self.holding,
            self.taken,
            done,
            record.Closing(
                self.cursor,
                changed,
                outset.jobs,
                f"{HELD} {outset.pause}",
                self.ends_holding,
            ),
        )
        self.taken.announce, self.taken.retract, self.taken.gone = [], [], []


@contextlib.contextmanager
def _rare_collections() -> Iterator[None]:
    """Millions of short-lived objects without cycles: looking for some took a sixth of the time."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _quiet(_step: str, _done: int, _total: int) -> None:
    """For what is written in the middle of something longer."""


def _drop_unknown(connection: Connection) -> None:
    granted = select(events_table.c.subject).where(events_table.c.kind == EventKind.GRANTED)
    connection.execute(delete(site_entries).where(site_entries.c.definition_id.not_in(granted)))


def _edition_facts(outset: Outset) -> dict[str, str | None]:
    public = {f"{sources.EDITION}{one.id}": one.address for one in outset.frame.editions}
    gone = [name for name in outset.known if name.startswith(sources.EDITION)]
    return {**{name: None for name in gone if name not in public}, **public}
