"""P20: backup, drill and restore; and what is damaged is refused before anything is changed."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import insert, inspect, select

from ledger import archive, tables
from ledger.backup import BackupReport, backup
from ledger.chain import Head
from ledger.cli import backup_command, restore_command
from ledger.database import Ledger, connect, open_ledger
from ledger.errors import DefinedbyError
from ledger.heads import verify_chain
from ledger.paused import paused
from ledger.restore import drill, restore
from ledger.settings import Settings, load_settings
from tests.sample_ledger import (
    START,
    add_reply,
    fill,
    mailbox,
    make_ledger,
    story,
    write_everything,
)

DAMAGES = 50


@dataclasses.dataclass
class Backup:
    ledger: Ledger
    report: BackupReport

    @property
    def file(self) -> Path:
        return self.report.file


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backup]:
    """One instance with content and a head, and its backup; no test changes them."""
    ledger = make_ledger(tmp_path_factory.mktemp("made") / "home")
    write_everything(ledger)
    yield Backup(ledger, backup(ledger))
    ledger.close()


def settings_for(home: Path, database_url: str = "") -> Settings:
    return load_settings(
        {}, home=home, content=home.parent / "restored-content", database_url=database_url
    )


def contents(ledger: Ledger) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, but for what a restore changes on purpose."""
    with ledger.read() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in tables.metadata.sorted_tables
            if table.name not in ("instance", "leases")
        }


def check_restored(original: Ledger, settings: Settings) -> None:
    restored = open_ledger(settings)
    try:
        assert contents(restored) == contents(original)
        assert verify_chain(restored) == verify_chain(original)
        with restored.read() as connection:
            assert paused(connection).startswith("This instance was restored from definedby-")
            assert connection.execute(select(tables.leases)).all() == []
        # It goes on: numbers and the chain continue where they were.
        before = verify_chain(restored)
        assert add_reply(restored, mailbox(restored), 998) == 7
        story(restored, mailbox(restored), 999)
        after = verify_chain(restored)
        assert isinstance(after, Head)
        assert after.seq > before.seq
    finally:
        restored.close()


def test_p20_round_trip_on_sqlite(made: Backup, tmp_path: Path) -> None:
    proven = drill(made.file)
    settings = settings_for(tmp_path / "home")
    report = restore(made.file, settings)

    assert (proven.rows, proven.events) == (made.report.rows, made.report.events)
    assert report.drill == proven
    assert report.aside == ()
    files = {path.name for path in settings.content.rglob("*") if path.is_file()}
    assert files == {"lämp.md"}, "half-written files and links are left out"
    assert [path.name for path in (settings.home / "heads").iterdir()] == ["2026-11-23.json"]
    for name in ("definedby.sqlite", "keys.json"):
        assert (settings.home / name).stat().st_mode & 0o777 == 0o600
    assert not [path for path in settings.home.iterdir() if path.name.startswith(".")]
    check_restored(made.ledger, settings)


@pytest.mark.postgres
def test_p20_round_trip_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    """PostgreSQL -> backup -> an empty SQLite, and the same backup -> the emptied PostgreSQL."""
    original = make_ledger(tmp_path / "pg", postgres_url)
    write_everything(original)
    report = backup(original)
    assert drill(report.file).rows == report.rows
    on_sqlite = settings_for(tmp_path / "sqlite")
    restore(report.file, on_sqlite)
    check_restored(original, on_sqlite)
    with pytest.raises(DefinedbyError, match="not empty"):
        restore(report.file, settings_for(tmp_path / "again", postgres_url))
    assert not (tmp_path / "again").exists()
    before = contents(original)
    with original.write() as connection:
        tables.metadata.drop_all(connection)
        connection.exec_driver_sql("DROP TABLE alembic_version")
    original.close()

    settings = settings_for(tmp_path / "again", postgres_url)
    restore(report.file, settings)
    reopened = open_ledger(settings)
    assert contents(reopened) == before
    assert not (settings.home / "definedby.sqlite").exists()
    with reopened.read() as connection:
        assert "restored from" in paused(connection)
    for table in (tables.jobs, tables.skipped_items):
        _insert_numbered(reopened, table)
    assert add_reply(reopened, mailbox(reopened), 999) == 7
    reopened.close()


def _insert_numbered(ledger: Ledger, table: Any) -> None:
    with ledger.write() as connection:
        if table is tables.jobs:
            made = connection.execute(
                insert(table).values(kind="retract", subject="y", created_at=START)
            )
            expected = 2
        else:
            made = connection.execute(
                insert(table).values(account_id=1, external_id="a", reason="r", at=START)
            )
            expected = 1
        assert made.inserted_primary_key is not None
        assert made.inserted_primary_key[0] == expected


@pytest.mark.postgres
def test_p20_a_restore_that_fails_on_postgresql_leaves_it_empty(
    tmp_path: Path, postgres_url: str
) -> None:
    ledger = make_ledger(tmp_path / "home")
    fill(ledger, 2)
    with ledger.write() as connection:
        # SQLite holds a NUL character, PostgreSQL refuses it.
        connection.execute(tables.replies.update().values(raw="a\x00b"))
    file = backup(ledger).file
    ledger.close()
    settings = settings_for(tmp_path / "pg", postgres_url)
    with pytest.raises(DefinedbyError, match="PostgreSQL can't hold"):
        restore(file, settings)
    engine = connect(settings.database)
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    engine.dispose()


def test_p20_a_backup_is_private_and_overwrites_nothing(made: Backup, tmp_path: Path) -> None:
    assert made.file.stat().st_mode & 0o777 == 0o600
    assert made.file.parent == made.ledger.settings.home / "backups"
    assert [path.name for path in made.file.parent.iterdir()] == [made.file.name]
    target = tmp_path / "mine.zip"
    target.write_text("precious")
    with pytest.raises(DefinedbyError, match="exists already"):
        backup(made.ledger, target)
    assert target.read_text() == "precious"
    with pytest.raises(DefinedbyError, match="no folder"):
        backup(made.ledger, tmp_path / "none" / "mine.zip")


def test_p20_a_restore_overwrites_nothing(made: Backup, tmp_path: Path) -> None:
    other = make_ledger(tmp_path / "home")
    fill(other, 1)
    before = contents(other)
    with pytest.raises(DefinedbyError, match="already; a restore never overwrites") as caught:
        restore(made.file, other.settings)
    assert "DEFINEDBY_HOME" in caught.value.next_step
    assert contents(other) == before
    other.close()


@pytest.mark.parametrize("left", ["keys.json", "definedby.sqlite-wal"])
def test_p20_what_is_left_of_another_instance_is_kept(
    made: Backup, tmp_path: Path, left: str
) -> None:
    (tmp_path / left).write_text("left")
    with pytest.raises(DefinedbyError, match="already; a restore never overwrites"):
        restore(made.file, settings_for(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == [left]
    assert (tmp_path / left).read_text() == "left"


def test_p20_an_interrupted_restore_can_be_repeated(made: Backup, tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "home")
    restore(made.file, settings)
    (settings.home / "definedby.sqlite").unlink()
    assert restore(made.file, settings).aside == ()
    check_restored(made.ledger, settings)


def test_p20_other_content_is_moved_aside_and_not_lost(made: Backup, tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "home")
    mine = settings.content / "posts" / "courage" / "lämp.md"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    (settings.content / "other.md").write_text("stays")
    (aside,) = restore(made.file, settings).aside
    assert aside.read_text() == "mine"
    assert mine.read_text() == "# Courage\n"
    assert (settings.content / "other.md").read_text() == "stays"


@pytest.mark.parametrize("part", range(2))
def test_p20_a_flipped_byte_anywhere_is_noticed(made: Backup, tmp_path: Path, part: int) -> None:
    good, damaged = made.file.read_bytes(), tmp_path / "damaged.zip"
    chance = random.Random(20 + part)
    edges = [0, 30, len(good) - 1, len(good) - 64, len(good) - 82, len(good) - 90]
    places = (edges if part else []) + [chance.randrange(len(good)) for _ in range(DAMAGES // 2)]
    for place in places:
        content = bytearray(good)
        content[place] ^= 1 << chance.randrange(8)
        damaged.write_bytes(content)
        with pytest.raises(archive.DamagedBackupError):
            drill(damaged)


def test_p20_a_damaged_backup_restores_nothing(made: Backup, tmp_path: Path) -> None:
    content = bytearray(made.file.read_bytes())
    content[len(content) // 2] ^= 4
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(content)
    settings = settings_for(tmp_path / "home")
    with pytest.raises(archive.DamagedBackupError, match="changed or damaged"):
        restore(damaged, settings)
    assert list(settings.home.iterdir()) == []
    assert not settings.content.exists()


def test_p20_a_truncated_backup_is_noticed(made: Backup, tmp_path: Path) -> None:
    good, damaged = made.file.read_bytes(), tmp_path / "damaged.zip"
    for length in (0, 1, 80, 81, len(good) // 2, len(good) - 81, len(good) - 1):
        damaged.write_bytes(good[:length])
        with pytest.raises(archive.DamagedBackupError):
            drill(damaged)


def test_p20_a_missing_backup_is_named(tmp_path: Path) -> None:
    with pytest.raises(DefinedbyError, match="There is no backup"):
        drill(tmp_path / "none.zip")


WRITER = """
import sys
from pathlib import Path
from tests.sample_ledger import make_ledger, mailbox, story
ledger = make_ledger(Path(sys.argv[1]), create=False)
account = mailbox(ledger)
print("ready", flush=True)
for number in range(1000, 100000):
    story(ledger, account, number)
"""


def test_p20_a_backup_while_another_process_writes_is_consistent(tmp_path: Path) -> None:
    ledger = make_ledger(tmp_path / "home")
    fill(ledger, 3)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "home")],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        reports = [backup(ledger, tmp_path / f"{number}.zip") for number in range(5)]
        assert writer.poll() is None, "it wrote all the while"
    finally:
        writer.kill()
        writer.communicate()
    for report in reports:
        assert drill(report.file).events == report.events
    assert reports[0].events < reports[-1].events
    ledger.close()


def test_p20_two_backups_at_once_do_not_share_a_name(tmp_path: Path) -> None:
    ledger = make_ledger(tmp_path / "home")
    still = dataclasses.replace(ledger, clock=lambda: datetime(2026, 11, 23, tzinfo=UTC))
    first = backup(still)
    with pytest.raises(DefinedbyError, match="exists already"):
        backup(still)
    assert drill(first.file).events == 0
    ledger.close()


def test_p20_the_commands(made: Backup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEFINEDBY_HOME", str(made.ledger.settings.home))
    monkeypatch.setenv("DEFINEDBY_CONTENT", str(made.ledger.settings.content))
    file = tmp_path / "one.zip"
    run = CliRunner().invoke
    done = run(backup_command, [str(file), "--json"], catch_exceptions=False)
    assert json.loads(done.stdout)["events"] == made.report.events
    done = run(restore_command, [str(file), "--drill"], catch_exceptions=False)
    assert f"{file} can be restored" in done.stdout
    monkeypatch.setenv("DEFINEDBY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DEFINEDBY_CONTENT", str(tmp_path / "content"))
    done = run(restore_command, [str(file)], catch_exceptions=False)
    assert "definedby resume" in done.stdout
    assert (tmp_path / "home" / "definedby.sqlite").exists()
