"""P18: an unsafe SQLite is refused, and many writers never see "database is locked"."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from ledger import database, tables
from ledger.chain import Head
from ledger.cli import doctor_command
from ledger.database import SAFE_SQLITE, open_ledger, refuse_unsafe_sqlite, sqlite_module
from ledger.doctor import Health, examine
from ledger.errors import DefinedbyError
from ledger.heads import verify_chain
from ledger.settings import load_settings
from tests.sample_ledger import mailbox, make_ledger

WRITERS = 8
#: Set to a smaller number while working on this file; the promise is 60.
SECONDS = float(os.environ.get("P18_SECONDS", "60"))


class OldSqlite:
    """The driver as it is, but for the version that it states."""

    sqlite_version_info = (3, 40, 1)
    sqlite_version = "3.40.1"

    def __getattr__(self, name: str) -> Any:
        return getattr(sqlite_module(), name)


@pytest.mark.parametrize("version", [(3, 7, 0), (3, 40, 1), (3, 51, 2)])
def test_p18_affected_versions_are_refused(version: tuple[int, ...]) -> None:
    with pytest.raises(DefinedbyError) as caught:
        refuse_unsafe_sqlite(version)
    assert ".".join(map(str, version)) in caught.value.what
    assert "3.51.3" in caught.value.next_step


@pytest.mark.parametrize("version", [SAFE_SQLITE, (3, 53, 4), (4, 0, 0)])
def test_p18_mended_versions_are_accepted(version: tuple[int, ...]) -> None:
    refuse_unsafe_sqlite(version)


def test_p18_start_up_refuses_an_affected_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_ledger(tmp_path / "home").close()
    old = OldSqlite()
    monkeypatch.setattr(database, "sqlite_module", lambda: old)
    for home, create in ((tmp_path / "home", False), (tmp_path / "new", True)):
        with pytest.raises(DefinedbyError, match=r"3\.40\.1 can corrupt"):
            open_ledger(load_settings({}, home=home), create=create)
    assert not (tmp_path / "new" / "definedby.sqlite").exists()


def test_p18_the_doctor_names_an_affected_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_ledger(tmp_path / "home").close()
    monkeypatch.setenv("DEFINEDBY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DEFINEDBY_CONTENT", str(tmp_path / "content"))
    assert CliRunner().invoke(doctor_command).exit_code == 0
    old = OldSqlite()
    monkeypatch.setattr("ledger.doctor.sqlite_module", lambda: old)
    monkeypatch.setattr(database, "sqlite_module", lambda: old)
    (finding,) = [one for one in examine(load_settings()) if one.name == "sqlite"]
    assert finding.health is Health.FAIL
    assert "3.40.1" in finding.sentence
    done = CliRunner().invoke(doctor_command)
    assert done.exit_code == 1
    assert "3.40.1" in done.stdout


def test_p18_the_promised_modes_are_on(tmp_path: Path) -> None:
    ledger = make_ledger(tmp_path / "home")
    for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
        for opened in (ledger.read(), ledger.write()):
            with opened as connection:
                assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value
    ledger.close()


WRITER = """
import os, sys, time
from pathlib import Path
from ledger.consent_state import EventKind
from tests.sample_ledger import add_definition, add_reply, mailbox, make_ledger, tell

# The length of this test is fixed: what it leaves to others ends sooner.
os.nice(7)
home, number, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
ledger = make_ledger(home, create=False)
account = mailbox(ledger)
end, written, told = time.monotonic() + seconds, 0, 0
definition = None
while time.monotonic() < end:
    key = number * 1_000_000 + written
    if written % 50 == 0:
        definition = add_definition(ledger, account, key)
    else:
        add_reply(ledger, account, key)
    written += 1
    tell(ledger, definition, EventKind.REVISED)
    told += 1
print(written, told)
ledger.close()
"""


@pytest.mark.timeout(SECONDS + 120)
def test_p18_eight_writers_are_never_told_that_the_database_is_locked(tmp_path: Path) -> None:
    ledger = make_ledger(tmp_path / "home")
    mailbox(ledger)
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "home"), str(number), str(SECONDS)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for number in range(WRITERS)
    ]
    try:
        said = [writer.communicate(timeout=SECONDS + 100) for writer in writers]
    finally:
        for writer in writers:
            writer.kill()
    # "database is locked" would be an error here, like any other complaint.
    assert [error for _, error in said] == [""] * WRITERS
    counts = [tuple(map(int, output.split())) for output, _ in said]
    assert min(written for written, _ in counts) > 0, "each of them had its turn"

    with ledger.read() as connection:
        replies = connection.execute(select(func.count()).select_from(tables.replies)).scalar()
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").first() is None
    assert replies == sum(written for written, _ in counts)
    found = verify_chain(ledger)
    assert isinstance(found, Head)
    assert found.seq == sum(told for _, told in counts)
    ledger.close()
