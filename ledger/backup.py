"""Backups: one zip file with the database, the keys, the content and the exported heads.

The database is one consistent snapshot, taken while others go on writing. Head files are read
before it, so that each is a link of the chain in the snapshot; content is copied after it and
may be a little newer. Whoever has a backup has the keys: keep it private.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import DatabaseError

from ledger import events, keys, tables
from ledger.archive import CONTENT, DATABASE, HEADS, MESSAGES, Manifest, write_archive
from ledger.database import (
    SCHEMA,
    Ledger,
    connect,
    friendly_database_errors,
    make_folder,
    sqlite_module,
)
from ledger.durable import beside, put
from ledger.errors import DefinedbyError
from ledger.migrate import migrate

FOLDER = "backups"
#: Rows that are held in memory at a time.
BATCH = 500


@dataclass(frozen=True)
class BackupReport:
    """What a backup holds. `events` counts the consent events, `size` the bytes of the zip."""

    file: Path
    created_at: str
    schema: str
    events: int
    rows: int
    files: int
    size: int


def backup(ledger: Ledger, target: Path | None = None) -> BackupReport:
    """Back the instance up to `target`, by default a new file in backups/ of the instance.

    Never overwrites: raises DefinedbyError when the file exists or its folder does not, and
    TemporaryError when the disk is full; none of them leaves anything behind.
    """
    now = ledger.clock()
    folder = ledger.settings.home / FOLDER
    make_folder(folder)
    path = target or folder / f"definedby-{now:%Y%m%d-%H%M%S}.zip"
    if path.exists():
        raise _taken(path)
    if not path.parent.is_dir():
        raise DefinedbyError(f"There is no folder {path.parent}.", "Make it, or name another.")
    with tempfile.TemporaryDirectory(dir=folder, prefix=".making-") as work:
        snapshot, heads = Path(work) / DATABASE, Path(work) / HEADS
        heads.mkdir()
        for _, file in _regular_files(ledger.settings.home / HEADS, HEADS):
            shutil.copyfile(file, heads / file.name)
        copy_database(ledger, snapshot)
        manifest = _describe(ledger, snapshot, now)
        files = [
            (DATABASE, snapshot),
            (keys.FILE_NAME, ledger.settings.home / keys.FILE_NAME),
            *_regular_files(heads, HEADS),
            *_regular_files(ledger.settings.home / MESSAGES, MESSAGES),
            *_regular_files(ledger.settings.content, CONTENT),
        ]
        with beside(path) as temporary:
            write_archive(temporary, files, manifest, ledger.keys)
            try:
                put(temporary, path, new=True)
            except FileExistsError:
                raise _taken(path) from None
    return BackupReport(
        file=path,
        created_at=manifest.created_at,
        schema=manifest.schema,
        events=manifest.head["seq"],
        rows=sum(manifest.counts.values()),
        files=len(manifest.files),
        size=path.stat().st_size,
    )


def _taken(path: Path) -> DefinedbyError:
    return DefinedbyError(
        f"{path} exists already and is not overwritten.", "Give the backup another name."
    )


def _regular_files(folder: Path, name: str) -> Iterator[tuple[str, Path]]:
    for file in sorted(folder.rglob("*")):
        # Hidden files are half-written ones; links could lead anywhere.
        inside = file.relative_to(folder)
        hidden = any(part.startswith(".") for part in inside.parts)
        if file.is_file() and not file.is_symlink() and not hidden:
            yield f"{name}/{inside.as_posix()}", file


def copy_database(ledger: Ledger, snapshot: Path) -> None:
    """One consistent snapshot of the whole database as a new SQLite file, whatever it is now."""
    if ledger.engine.dialect.name == "sqlite":
        _vacuum_into(ledger, snapshot)
        return
    made = connect(f"sqlite:///{snapshot}")
    look = ledger.engine.execution_options(
        isolation_level="REPEATABLE READ", postgresql_readonly=True
    )
    into = Ledger(ledger.settings, made, ledger.keys)
    try:
        with friendly_database_errors(), look.connect() as source, into.write() as target:
            migrate(target)
            copy_rows(source, target)
    finally:
        into.close()


def _vacuum_into(ledger: Ledger, snapshot: Path) -> None:
    # On the driver's own connection: VACUUM can't run inside a transaction.
    connection = ledger.engine.raw_connection()
    try:
        with friendly_database_errors():
            try:
                connection.cursor().execute("VACUUM INTO ?", (str(snapshot),))
            except sqlite_module().DatabaseError as error:
                raise DatabaseError("VACUUM INTO", None, error) from error
    finally:
        connection.close()


def copy_rows(source: Connection, target: Connection) -> None:
    """Copy every table, those that others refer to first. The target's tables are empty."""
    for table in tables.metadata.sorted_tables:
        rows = source.execute(select(table), execution_options={"yield_per": BATCH})
        for some in rows.mappings().partitions():
            target.execute(insert(table), [dict(row) for row in some])


def count_rows(connection: Connection) -> dict[str, int]:
    return {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in tables.metadata.sorted_tables
    }


def _describe(ledger: Ledger, snapshot: Path, now: datetime) -> Manifest:
    copy = Ledger(ledger.settings, connect(f"sqlite:///{snapshot}"), ledger.keys)
    try:
        with copy.read() as connection:
            head = events.head(connection)
            return Manifest(
                schema=SCHEMA,
                created_at=now.isoformat(timespec="seconds"),
                counts=count_rows(connection),
                head={"seq": head.seq, "hash": head.hash},
                public_key=ledger.keys.public_key,
            )
    finally:
        copy.close()
