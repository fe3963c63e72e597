"""`definedby doctor`: look at everything an instance needs, and say what to do about each.

Every look is on its own: whatever is broken becomes a finding, and the others still happen.
Nothing is changed, made or migrated.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from sqlalchemy import inspect, make_url, select, text
from sqlalchemy.exc import SQLAlchemyError

from ledger import backup, chain, database, heads_git, keys, tables
from ledger.archive import HEADS
from ledger.clock import Clock, system_clock
from ledger.database import Ledger, connect, refuse_unsafe_sqlite, sqlite_module
from ledger.errors import DefinedbyError
from ledger.heads import read_heads, verify_chain
from ledger.paused import paused
from ledger.settings import PREFIX, Settings

MEGABYTE = 1 << 20
FEW_MEGABYTES, TOO_FEW_MEGABYTES = 200, 20
OLD_BACKUP = timedelta(days=7)
#: How far ahead of our clock an event may be: clocks of two machines differ a little.
AHEAD = timedelta(minutes=2)
OLDEST_PYTHON = (3, 11)


class Health(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `sentence` says how it stands, `next_step` what mends it."""

    name: str
    health: Health
    sentence: str
    next_step: str = ""


Found = Iterator[Finding]
Look = Callable[[Settings, Clock], Found]


def examine(
    settings: Settings, clock: Clock = system_clock, more: tuple[Look, ...] = ()
) -> list[Finding]:
    """Everything looked at, in a fixed order, then `more`. Never raises for what it finds."""
    findings: list[Finding] = []
    for look in (*LOOKS, *more):
        try:
            findings.extend(look(settings, clock))
        except DefinedbyError as error:
            findings.append(_fail(_name(look), error.what, error.next_step))
        except OSError as error:
            findings.append(
                _fail(
                    _name(look),
                    f"{error.filename or 'A file'} can't be used: {error.strerror}.",
                    "Check that it is there and belongs to the user that runs definedby.",
                )
            )
        except SQLAlchemyError as error:
            findings.append(
                _fail(
                    _name(look),
                    f"The database answers with an error ({type(error).__name__}).",
                    "Keep a copy of it, then restore the newest backup: definedby restore FILE.",
                )
            )
        except Exception as error:  # noqa: BLE001 - a broken instance must not stop the doctor
            findings.append(
                _fail(
                    _name(look),
                    f"This could not be looked at ({type(error).__name__}: {error}).",
                    "Keep a copy of the instance, then restore the newest backup.",
                )
            )
    return findings


def _name(look: Look) -> str:
    return look.__name__.strip("_").replace("_", " ")


def _fail(name: str, sentence: str, next_step: str) -> Finding:
    return Finding(name, Health.FAIL, sentence, next_step)


def _warn(name: str, sentence: str, next_step: str) -> Finding:
    return Finding(name, Health.WARN, sentence, next_step)


def _ok(name: str, sentence: str) -> Finding:
    return Finding(name, Health.OK, sentence)


@contextmanager
def _opened(settings: Settings) -> Iterator[Ledger]:
    """The instance as it is: unlike open_ledger this makes and migrates nothing."""
    url = make_url(settings.database)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise DefinedbyError(
            f"There is no database at {url.database}.",
            f"Make an instance with 'definedby serve', or set {PREFIX}HOME.",
        )
    engine = connect(settings.database)
    ledger = Ledger(settings, engine, keys.read_keys(settings.home))
    try:
        yield ledger
    finally:
        ledger.close()


def _python(_settings: Settings, _clock: Clock) -> Found:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST_PYTHON:
        yield _fail("python", f"Python {version} is too old.", "Install Python 3.11 or newer.")
    else:
        yield _ok("python", f"Python {version}.")


def _sqlite(settings: Settings, _clock: Clock) -> Found:
    if make_url(settings.database).get_backend_name() != "sqlite":
        yield _ok("sqlite", "Not used: the database is PostgreSQL.")
        return
    module = sqlite_module()
    refuse_unsafe_sqlite(module.sqlite_version_info)
    yield _ok("sqlite", f"SQLite {module.sqlite_version}.")


def _instance_folder(settings: Settings, _clock: Clock) -> Found:
    home = settings.home
    if not home.is_dir():
        raise DefinedbyError(
            f"There is no instance in {home}.",
            f"Make one with 'definedby serve' (or 'make run'), or set {PREFIX}HOME.",
        )
    if not os.access(home, os.W_OK | os.X_OK):
        yield _fail("instance folder", f"{home} can't be written.", f"Run: chmod u+rwx {home}")
        return
    for path, mode in ((home, 0o700), (home / keys.FILE_NAME, 0o600)):
        if path.stat().st_mode & 0o077:
            yield _warn(
                "instance folder",
                f"Other users of this machine can reach {path}.",
                f"Run: chmod {mode:o} {path}",
            )
            return
    keys.read_keys(home)
    yield _ok("instance folder", f"{home} can be written and is private.")


def _disk(settings: Settings, _clock: Clock) -> Found:
    free = shutil.disk_usage(_existing(settings.home)).free // MEGABYTE
    step = "Free some space; old files in backups/ are a good start once copies exist elsewhere."
    if free < TOO_FEW_MEGABYTES:
        yield _fail("disk", f"Only {free} MB are free.", step)
    elif free < FEW_MEGABYTES:
        yield _warn("disk", f"Only {free} MB are free.", step)
    else:
        yield _ok("disk", f"{free} MB are free.")


def _existing(path: Path) -> Path:
    path = path.absolute()
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _database(settings: Settings, _clock: Clock) -> Found:
    with _opened(settings) as ledger:
        version = database.schema_version(ledger.engine)
        if version is None:
            raise DefinedbyError(
                "The database is empty.",
                "Make an instance with 'definedby serve', or restore a backup.",
            )
        if version > database.SCHEMA:
            raise DefinedbyError(
                f"The database is of a newer version ({version}) than this program.",
                "Update definedby.",
            )
        if version < database.SCHEMA:
            yield _warn(
                "database",
                f"The database is of an older version ({version}).",
                "Make a backup; the next command that opens it brings it up to date.",
            )
        if ledger.engine.dialect.name == "sqlite":
            yield from _sqlite_file(ledger)
        else:
            with ledger.read() as connection:
                present = set(inspect(connection).get_table_names())
            missing = sorted(set(tables.metadata.tables) - present)
            if missing:
                yield _fail("database", f"Tables are missing: {missing}.", "Restore a backup.")
            else:
                yield _ok("database", f"PostgreSQL, schema {version}.")


def _sqlite_file(ledger: Ledger) -> Found:
    with ledger.read() as connection:
        mode = connection.execute(text("PRAGMA journal_mode")).scalar()
        check = str(connection.execute(text("PRAGMA quick_check(1)")).scalar())
        orphan = connection.execute(text("PRAGMA foreign_key_check")).first()
    if mode != "wal":
        yield _fail(
            "database",
            f"The database is in journal mode '{mode}' instead of WAL.",
            "Keep the instance folder on a local disk; network file systems can't do WAL.",
        )
    if check != "ok" or orphan is not None:
        yield _fail(
            "database",
            "The database file is damaged.",
            "Keep a copy of it, then restore the newest backup: definedby restore FILE.",
        )
    elif mode == "wal":
        yield _ok("database", f"SQLite in WAL mode, whole, schema {database.SCHEMA}.")


def _chain(settings: Settings, _clock: Clock) -> Found:
    with _opened(settings) as ledger:
        found = verify_chain(ledger, read_heads(settings.home / HEADS, ledger.keys))
    if isinstance(found, chain.Break):
        yield _fail(
            "chain",
            f"The consent record is broken at event {found.seq}: {found.reason}.",
            "Run 'definedby ledger verify', then restore a backup; keep a copy of this instance.",
        )
    else:
        yield _ok("chain", f"The chain holds up to event {found.seq}.")


def _heads(settings: Settings, _clock: Clock) -> Found:
    lacking = heads_git.behind(settings)
    if lacking:
        step = "Run 'definedby ledger head': it tries again, and says what is wrong."
        yield _warn("heads", f"In the git repository of the heads, {lacking}.", step)
    elif settings.heads_git != Path():
        yield _ok("heads", "Every exported head is in the git repository.")


def _paused(settings: Settings, _clock: Clock) -> Found:
    with _opened(settings) as ledger, ledger.read() as connection:
        reason = paused(connection)
    if reason:
        yield _warn("paused", f"Nothing is sent or published. {reason}", "definedby resume")
    else:
        yield _ok("paused", "Sending and publishing are not paused.")


def _accounts(settings: Settings, _clock: Clock) -> Found:
    columns = tables.accounts.c
    with _opened(settings) as ledger, ledger.read() as connection:
        rows = connection.execute(select(columns.channel, columns.name, columns.last_error)).all()
    ill = [row for row in rows if row.last_error]
    for row in ill:
        yield _warn(
            "accounts",
            f"The {row.channel} account '{row.name}' was not read: {row.last_error}",
            "Mend what it names; the next reading goes on where the last one stopped.",
        )
    if not ill:
        yield _ok("accounts", f"{len(rows)} accounts, none with an error.")


def _folders(settings: Settings, _clock: Clock) -> Found:
    for name, path in (("content", settings.content), ("site", settings.site_folder)):
        folder = _existing(path)
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            yield _fail(
                f"{name} folder",
                f"{path} can't be written.",
                f"Let the user that runs definedby write it, or set {PREFIX}{name.upper()}.",
            )
        else:
            yield _ok(f"{name} folder", f"{path} can be written.")


def _address(settings: Settings, _clock: Clock) -> Found:
    address = settings.public_url
    if address.startswith("https://"):
        yield _ok("address", f"Readers use {address}.")
    elif settings.base_url or settings.host not in ("127.0.0.1", "localhost", "::1"):
        yield _warn(
            "address",
            f"{address} is not encrypted, so sign-in and personal links can be overheard.",
            f"Set {PREFIX}BASE_URL to the https:// address of the blog.",
        )
    else:
        yield _ok("address", f"{address}, reachable from this machine only.")


def _backup(settings: Settings, clock: Clock) -> Found:
    made = [file.stat().st_mtime for file in (settings.home / backup.FOLDER).glob("*.zip")]
    step = "Run 'definedby backup', daily from cron, and keep a copy on another machine."
    if not made:
        yield _warn("backup", "There is no backup yet.", step)
        return
    age = clock() - datetime.fromtimestamp(max(made), UTC)
    if age > OLD_BACKUP:
        yield _warn("backup", f"The newest backup is {age.days} days old.", step)
    else:
        yield _ok("backup", f"The newest backup is {max(0, age.days)} days old.")


def _clock(settings: Settings, clock: Clock) -> Found:
    newest = select(tables.events.c.at).order_by(tables.events.c.seq.desc()).limit(1)
    with _opened(settings) as ledger, ledger.read() as connection:
        at = connection.execute(newest).scalar()
    if at and datetime.fromisoformat(at) > clock() + AHEAD:
        yield _fail(
            "clock",
            f"The newest consent event is of {at}, which is in the future.",
            "Set this machine's clock, and let it be kept by a time service (NTP).",
        )
    else:
        yield _ok("clock", "No event is of the future.")


LOOKS: tuple[Look, ...] = (
    *(_python, _sqlite, _instance_folder, _disk, _database, _chain, _heads, _paused),
    *(_accounts, _folders, _address, _backup, _clock),
)
