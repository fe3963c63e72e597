"""Restore a backup, and drill it: a backup that was never restored is only a hope.

The drill unpacks into a temporary folder and proves checksums, signature, integrity, foreign
keys, row counts, keys and the whole chain. A restore does the same first, never overwrites an
instance, and leaves what it restored paused (promises P15, P20).
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, delete, func, inspect, make_url, select
from sqlalchemy.exc import DataError

from ledger import chain, durable, keys, tables
from ledger.accounts import all_accounts
from ledger.archive import (
    ASIDE,
    CONTENT,
    DATABASE,
    HEADS,
    MESSAGES,
    DamagedBackupError,
    Manifest,
    unpack,
)
from ledger.backup import copy_rows
from ledger.database import Ledger, connect, friendly_database_errors, make_folder, open_ledger
from ledger.errors import DefinedbyError
from ledger.forgetting import forget_files
from ledger.heads import read_heads, verify_chain
from ledger.migrate import migrate
from ledger.paused import pause
from ledger.scrub import write_anew
from ledger.settings import Settings, load_settings
from ledger.stop_list import carry_erasures, carry_stops, read_stop_list, stop_lists_near


@dataclass(frozen=True)
class DrillReport:
    """What was proven of a backup. `events` counts the consent events, `rows` all rows."""

    file: Path
    created_at: str
    schema: str
    events: int
    rows: int
    files: int


@dataclass(frozen=True)
class RestoreReport:
    """`aside` lists the files that stood in the way and were moved to before-restore/.

    `stop_lists` are the files that were asked who said stop since, and `stopped` how many people
    they told of whom the backup did not know it; `erased`, how many had everything erased since.
    """

    drill: DrillReport
    paused: str
    aside: tuple[Path, ...]
    stop_lists: tuple[Path, ...] = ()
    stopped: int = 0
    erased: int = 0


def drill(file: Path) -> DrillReport:
    """Prove that `file` could be restored, without touching any instance. Raises DefinedbyError."""
    with tempfile.TemporaryDirectory(prefix="definedby-drill-") as work:
        folder = Path(work)
        manifest = unpack(file, folder)
        with _proven(file, folder, manifest):
            return _report(file, manifest)


def restore(file: Path, settings: Settings, stops: Sequence[Path] = ()) -> RestoreReport:
    """Put a backup in place where there is no instance yet, paused.

    Whoever said stop after the backup stays stopped, and whoever was erased is erased again, by
    the lists in `stops` and those that lie near. Raises DefinedbyError when there is an instance,
    when a list is not its own, or when the backup does not pass the drill; then nothing has been
    changed.
    """
    _refuse_existing_database(settings)
    make_folder(settings.home)
    with tempfile.TemporaryDirectory(dir=settings.home, prefix=".restoring-") as work:
        folder = Path(work)
        manifest = unpack(file, folder)
        _refuse_foreign_keys(settings, folder)
        reason = (
            f"This instance was restored from {file.name}; run 'definedby resume' once you have "
            "made sure that no other copy is running."
        )
        with _proven(file, folder, manifest) as ledger:
            lists = tuple(dict.fromkeys([*stops, *stop_lists_near(file, settings.home)]))
            said_stop = [read_stop_list(path, ledger.keys) for path in lists]
            with ledger.write() as connection:
                pause(connection, reason)
                connection.execute(delete(tables.leases))
                stopped = sum(
                    carry_stops(connection, ledger.keys, ledger.clock(), each) for each in said_stop
                )
                erased = [
                    one
                    for each in said_stop
                    for one in carry_erasures(connection, ledger.keys, ledger.clock(), each)
                ]
            if erased:
                write_anew(ledger)
                forget_files(folder / CONTENT, (one for each in erased for one in each.definitions))
            aside = _place_files(folder, settings)
            if settings.database.startswith("postgresql"):
                _copy_to_server(ledger, settings)
        if not settings.database.startswith("postgresql"):
            _place(folder / DATABASE, _sqlite_file(settings), new=True)
    return RestoreReport(_report(file, manifest), reason, aside, lists, stopped, len(erased))


def _report(file: Path, manifest: Manifest) -> DrillReport:
    return DrillReport(
        file=file,
        created_at=manifest.created_at,
        schema=manifest.schema,
        events=manifest.head["seq"],
        rows=sum(manifest.counts.values()),
        files=len(manifest.files),
    )


@contextlib.contextmanager
def _proven(file: Path, folder: Path, manifest: Manifest) -> Iterator[Ledger]:
    url = f"sqlite:///{folder / DATABASE}"
    _check_database(file, url, manifest)
    # What was unpacked is laid out like an instance, and is opened as one: an older schema is
    # brought up to date here, a newer one refused.
    ledger = open_ledger(load_settings({}, home=folder, database_url=url))
    try:
        head = chain.Head(**manifest.head)
        found = verify_chain(ledger, [*read_heads(folder / HEADS, ledger.keys), head])
        if isinstance(found, chain.Break):
            raise DamagedBackupError(file, f"at consent event {found.seq}, {found.reason}")
        with ledger.read() as connection:
            all_accounts(connection, ledger.keys)  # decrypts every stored password
        yield ledger
    finally:
        ledger.close()


def _check_database(file: Path, url: str, manifest: Manifest) -> None:
    engine = connect(url)
    try:
        with friendly_database_errors(), engine.connect() as connection:
            if connection.exec_driver_sql("PRAGMA integrity_check").scalar() != "ok":
                raise DamagedBackupError(file, "its database fails the integrity check")
            if connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                raise DamagedBackupError(file, "rows of its database refer to rows that are gone")
            if _counts(connection) != manifest.counts:
                raise DamagedBackupError(file, "its tables have more or fewer rows than it states")
    finally:
        engine.dispose()


def _counts(connection: Connection) -> dict[str, int]:
    quote = connection.dialect.identifier_preparer.quote_identifier
    return {
        name: connection.exec_driver_sql(f"SELECT count(*) FROM {quote(name)}").scalar_one()  # noqa: S608 - quoted, and from the database itself
        for name in inspect(connection).get_table_names()
        if name != "alembic_version"
    }


def _refuse_existing_database(settings: Settings) -> None:
    if settings.database.startswith("postgresql"):
        engine = connect(settings.database)
        try:
            with friendly_database_errors(), engine.connect() as connection:
                ours = {*tables.metadata.tables, "alembic_version"}
                if not ours.isdisjoint(inspect(connection).get_table_names()):
                    raise _in_the_way("The database in DEFINEDBY_DATABASE_URL is not empty")
        finally:
            engine.dispose()
        return
    database = _sqlite_file(settings)
    # A log left behind by another database would be played into the restored one.
    for suffix in ("", "-wal", "-shm", "-journal"):
        if database.with_name(database.name + suffix).exists():
            raise _in_the_way(f"There is a database at {database} already")


def _refuse_foreign_keys(settings: Settings, folder: Path) -> None:
    present, restored = settings.home / keys.FILE_NAME, folder / keys.FILE_NAME
    # The same keys are what an interrupted restore leaves.
    if present.exists() and present.read_bytes() != restored.read_bytes():
        raise _in_the_way(f"There is an instance in {settings.home} already")


def _in_the_way(what: str) -> DefinedbyError:
    return DefinedbyError(
        f"{what}; a restore never overwrites.",
        "Move it away, or restore into a new folder: DEFINEDBY_HOME=folder definedby restore FILE",
    )


def _sqlite_file(settings: Settings) -> Path:
    return Path(make_url(settings.database).database or "")


def _place_files(folder: Path, settings: Settings) -> tuple[Path, ...]:
    """Content, heads and messages, then the keys: the database comes last and completes it."""
    aside: list[Path] = []
    homes = {CONTENT: settings.content}
    for part in (CONTENT, HEADS, MESSAGES):
        target = homes.get(part, settings.home / part)
        for file in sorted((folder / part).rglob("*")):
            if not file.is_file():
                continue
            inside = file.relative_to(folder / part)
            moved = _move_aside(file, target / inside, settings.home / ASIDE / part / inside)
            aside += [moved] if moved else []
            _place(file, target / inside, public=part == CONTENT)
    _place(folder / keys.FILE_NAME, settings.home / keys.FILE_NAME)
    return tuple(aside)


def _move_aside(restored: Path, present: Path, aside: Path) -> Path | None:
    if not present.exists() or present.read_bytes() == restored.read_bytes():
        return None
    aside.parent.mkdir(parents=True, exist_ok=True)
    if aside.exists():
        raise _in_the_way(f"{aside} is there from an earlier restore")
    shutil.move(present, aside)
    return aside


def _place(source: Path, target: Path, *, new: bool = False, public: bool = False) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with durable.beside(target) as temporary:
        shutil.copyfile(source, temporary)
        if public:  # prose that other programs may read, unlike keys and database
            temporary.chmod(0o644)
        durable.put(temporary, target, new=new)


def _copy_to_server(ledger: Ledger, settings: Settings) -> None:
    into = Ledger(settings, connect(settings.database), ledger.keys)
    try:
        with ledger.read() as source, into.write() as target:
            migrate(target)
            copy_rows(source, target)
            _set_sequences(target)
    except DataError as error:
        raise DefinedbyError(
            f"PostgreSQL can't hold a value of this backup: {error.orig}.",
            "Restore it into SQLite: unset DEFINEDBY_DATABASE_URL.",
        ) from error
    finally:
        into.close()


def _set_sequences(connection: Connection) -> None:
    """Let new rows be numbered after those that were copied with their numbers."""
    for table in tables.metadata.sorted_tables:
        column = table.autoincrement_column
        if column is None:
            continue
        sequence = connection.execute(
            select(func.pg_get_serial_sequence(table.name, column.name))
        ).scalar()
        newest = connection.execute(select(func.max(column))).scalar()
        if sequence:
            connection.execute(select(func.setval(sequence, newest or 1, newest is not None)))
