"""The database behind the ledger: one way to read, one way to write, on SQLite and PostgreSQL.

Both have one writer at a time (docs/adr/0025): what was proved about two writers on one database
holds on the other, and no two of them can wait for each other in a circle. SQLite runs in WAL mode
with synchronous=FULL, and every writer starts with BEGIN IMMEDIATE: a transaction that begins as a
reader and then writes would fail with "database is locked" instead of waiting. On PostgreSQL every
writer starts with the same advisory lock. No transaction may stay open across a network call.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    create_engine,
    event,
    insert,
    inspect,
    make_url,
    select,
)
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, OperationalError

from ledger import tables
from ledger.chain import GENESIS
from ledger.clock import Clock, system_clock
from ledger.errors import DefinedbyError, SettingError, TemporaryError
from ledger.keys import Keys, new_keys, read_keys, write_keys
from ledger.settings import Settings

#: The newest migration. A test compares it with ledger/migrations/versions.
SCHEMA = "0024"
#: SQLite before this can corrupt a WAL database when a checkpoint resets the log while another
#: connection starts writing (sqlite.org, "WAL-reset bug"; fixed in 3.51.3).
SAFE_SQLITE = (3, 51, 3)
BUSY_SECONDS = 60
WRITE = "definedby_write"
#: What starts every writer on PostgreSQL: the lock that all of them hold until their transaction
#: ends (its number is any one of our own). Nobody waits longer for it than on SQLite, and who is
#: stopped in the middle of a transaction, like a frozen process, loses it: the others go on.
_ONE_WRITER = (
    f"SELECT set_config('lock_timeout', '{BUSY_SECONDS}s', true),"
    f" set_config('idle_in_transaction_session_timeout', '{BUSY_SECONDS // 2}s', true),"
    " pg_advisory_xact_lock(28266661344896612)"
)


def sqlite_module() -> Any:
    """The SQLite driver: the packaged one on Linux, whose library is newer than the system's."""
    name = "pysqlite3.dbapi2" if sys.platform == "linux" else "sqlite3"
    return importlib.import_module(name)


def refuse_unsafe_sqlite(version: tuple[int, ...]) -> None:
    """Raise unless this SQLite may write a WAL database (promise P18)."""
    if version < SAFE_SQLITE:
        raise DefinedbyError(
            f"SQLite {'.'.join(map(str, version))} can corrupt a database in WAL mode.",
            f"Use SQLite {'.'.join(map(str, SAFE_SQLITE))} or newer: install again with "
            "'make run', which brings one along, or use PostgreSQL (DEFINEDBY_DATABASE_URL).",
        )


def connect(url: str) -> Engine:
    """An engine for `url`. Raises SettingError for an address that can't be used."""
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(url)
        if parsed.get_backend_name() == "postgresql":
            return _postgres(url)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise SettingError(
            f"The database address can't be used: {error}.",
            "Set DEFINEDBY_DATABASE_URL to sqlite:////path/file or "
            "postgresql+psycopg://user@host/name (and install definedby[postgres]).",
        ) from error
    raise SettingError(
        f"Databases of the kind '{parsed.get_backend_name()}' are not supported.",
        "Use SQLite or PostgreSQL in DEFINEDBY_DATABASE_URL.",
    )


def _sqlite(url: str) -> Engine:
    module = sqlite_module()
    refuse_unsafe_sqlite(module.sqlite_version_info)
    # Else the driver looks for an adapter at every NULL, which takes longer than the rest of it.
    module.register_adapter(type(None), _as_it_is)
    engine = create_engine(url, module=module, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        # The driver's own transaction handling is off: BEGIN is sent below, by name.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get(WRITE)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _as_it_is(value: None) -> None:
    return value


def _postgres(url: str) -> Engine:
    engine = create_engine(url, pool_pre_ping=True)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get(WRITE):
            connection.exec_driver_sql(_ONE_WRITER)

    return engine


@dataclass(frozen=True)
class Ledger:
    """An open instance: its database, keys, settings and clock; passed to all who need it."""

    settings: Settings
    engine: Engine
    keys: Keys
    clock: Clock = system_clock

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that may change rows: all of it is kept, or nothing."""
        with friendly_database_errors(), self._writing.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent look."""
        with friendly_database_errors(), self.engine.connect() as connection:
            yield connection

    @cached_property
    def _writing(self) -> Engine:
        return self.engine.execution_options(**{WRITE: True})

    def close(self) -> None:
        self.engine.dispose()


#: What an operator can mend, by words that only that error has: what to say, and what to do.
_FRIENDLY: tuple[tuple[tuple[str, ...], type[DefinedbyError], str, str], ...] = (
    (
        ("disk is full", "no space left"),
        TemporaryError,
        "The disk is full: nothing of this step was stored.",
        "Free some space; the work goes on by itself.",
    ),
    (
        ("disk i/o error",),  # so SQLite words it when there is no room for its index
        TemporaryError,
        "The disk is full or does not answer: nothing of this step was stored.",
        "Free some space; if there is plenty, have the disk checked.",
    ),
    (
        ("database is locked", "lock timeout"),
        TemporaryError,
        f"Another process kept the database for over {BUSY_SECONDS} s: nothing of this was stored.",
        "Try again; if it stays like this, stop the process that hangs.",
    ),
    (
        ("idle-in-transaction",),
        TemporaryError,
        "This process stood still in the middle of a step, and another one went on without it.",
        "Nothing is lost; it is done again.",
    ),
    (
        ("readonly", "read-only"),
        DefinedbyError,
        "The database can't be written.",
        "Give the user that runs definedby the right to write the instance folder.",
    ),
    (
        ("unable to open database",),
        DefinedbyError,
        "The database file can't be opened.",
        "Check that the instance folder exists and may be written.",
    ),
    (
        ("malformed", "not a database", "decode to utf-8"),
        DefinedbyError,
        "The database file is damaged or is not a definedby database.",
        "Keep a copy of it, then restore the newest backup: definedby restore FILE.",
    ),
)


@contextlib.contextmanager
def friendly_database_errors() -> Iterator[None]:
    """Turn what an operator can mend into a sentence; let real bugs through as they are."""
    try:
        yield
    except (OperationalError, DatabaseError) as error:
        message = str(error.orig).lower()
        for words, kind, sentence, mend in _FRIENDLY:
            if any(word in message for word in words):
                raise kind(sentence, mend) from error
        if isinstance(error, OperationalError) and "connection" in message:
            raise TemporaryError(
                f"The database server can't be reached: {str(error.orig).splitlines()[0]}.",
                "Start it, or correct DEFINEDBY_DATABASE_URL.",
            ) from error
        raise


def open_ledger(settings: Settings, clock: Clock = system_clock, *, create: bool = False) -> Ledger:
    """Open the instance; with `create`, make its folder, keys and tables where they are missing.

    Raises DefinedbyError when there is no instance, when the database is newer than this
    program, or when its SQLite is unsafe.
    """
    if create:
        make_folder(settings.home)
    elif not settings.home.is_dir():
        raise DefinedbyError(
            f"There is no instance in {settings.home}.",
            "Make one with 'definedby serve' (or 'make run'), or set DEFINEDBY_HOME.",
        )
    engine = connect(settings.database)
    try:
        with friendly_database_errors():
            return _opened(settings, engine, clock, create=create)
    except BaseException:
        engine.dispose()
        raise


def _opened(settings: Settings, engine: Engine, clock: Clock, *, create: bool) -> Ledger:
    version = schema_version(engine)
    keys = _keys(settings.home, create=create and version is None)
    ledger = Ledger(settings, engine, keys, clock)
    if version != SCHEMA:
        if version is None and not create:
            raise DefinedbyError(
                "The database is empty.",
                "Make an instance with 'definedby serve', or restore a backup.",
            )
        _migrate(ledger, version)
    return ledger


def _keys(home: Path, *, create: bool) -> Keys:
    from ledger.keys import FILE_NAME

    if create and not (home / FILE_NAME).exists():
        # Web server and worker may start at once: the keys of whoever was first are everybody's.
        with contextlib.suppress(FileExistsError):
            write_keys(home, new_keys())
    return read_keys(home)


def make_folder(path: Path) -> None:
    """Make the folder, readable by its owner only. Raises DefinedbyError."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise DefinedbyError(
            f"The folder {path} can't be made: {error.strerror}.",
            "Name a folder that may be written, for example in DEFINEDBY_HOME.",
        ) from error


def schema_version(engine: Engine) -> str | None:
    """The migration the database stands at; None when it has no tables of ours."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        version: str | None = connection.exec_driver_sql(
            "SELECT version_num FROM alembic_version"
        ).scalar()
        return version


def _migrate(ledger: Ledger, version: str | None) -> None:
    from ledger.migrate import known_versions, migrate

    if version is not None and version not in known_versions():
        raise DefinedbyError(
            f"The database is of a newer version ({version}) than this program ({SCHEMA}).",
            "Update definedby, or restore a backup made with this version.",
        )
    with ledger.write() as connection:  # two that start at once migrate one after the other
        migrate(connection)
        if connection.execute(select(tables.chain_head.c.seq)).first() is None:
            connection.execute(insert(tables.chain_head).values(id=1, seq=0, hash=GENESIS))
