"""Instances copied from one that was made: migrating takes longer than most tests."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from ledger.clock import Clock, system_clock
from ledger.database import Ledger, make_folder, open_ledger
from ledger.keys import FILE_NAME as KEY_FILE
from ledger.keys import new_keys, write_keys
from ledger.settings import Settings, load_settings

FILE = "definedby.sqlite"


def make_mold(folder: Path, database_url: str = "") -> Path:
    """Make an instance's empty database, in this folder or on a server; the file, if it is one."""
    settings = load_settings({}, home=folder, database_url=database_url)
    open_ledger(settings, create=True).close()
    return folder / FILE


def open_copy(settings: Settings, clock: Clock, mold: Path | None = None) -> Ledger:
    """A new instance with keys of its own; its database is a copy of `mold`, or a copy already.

    What another fixture of the same test has made there is kept.
    """
    make_folder(settings.home)
    if not (settings.home / KEY_FILE).exists():
        write_keys(settings.home, new_keys())
    if mold is not None and not (settings.home / FILE).exists():
        shutil.copy(mold, settings.home / FILE)
    return open_ledger(settings, clock)


def open_new(settings: Settings, clock: Clock = system_clock) -> Ledger:
    """An instance as `open_ledger(create=True)` makes it; on SQLite its tables are copied."""
    if settings.database_url or (settings.home / FILE).exists():
        return open_ledger(settings, clock, create=True)
    make_folder(settings.home)
    (settings.home / FILE).write_bytes(_empty_database())
    return open_copy(settings, clock)


@cache
def _empty_database() -> bytes:
    with TemporaryDirectory() as folder:
        return make_mold(Path(folder)).read_bytes()
