"""The doctor names what is wrong with an instance, one finding each, and never stumbles."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from ledger import tables
from ledger.backup import backup
from ledger.cli import doctor_command
from ledger.database import Ledger
from ledger.doctor import Finding, Health, examine
from ledger.heads import export_head
from ledger.paused import pause
from tests.sample_ledger import START, fill, make_ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = make_ledger(tmp_path / "home")
    fill(made, 2)
    export_head(made)
    file = backup(made).file
    stamp = START.timestamp()
    os.utime(file, (stamp, stamp))
    made.close()
    return made


def look(ledger: Ledger, later: timedelta = timedelta(hours=1)) -> dict[str, Finding]:
    return {one.name: one for one in examine(ledger.settings, lambda: START + later)}


def test_a_sound_instance_is_found_sound(ledger: Ledger) -> None:
    findings = look(ledger)
    assert {one.health for one in findings.values()} == {Health.OK}
    assert set(findings) >= {
        *("python", "sqlite", "instance folder", "disk", "database", "chain", "paused"),
        *("accounts", "content folder", "site folder", "address", "backup", "clock"),
    }


def sql(statement: str) -> Callable[[Ledger], None]:
    def change(ledger: Ledger) -> None:
        with ledger.write() as connection:
            connection.exec_driver_sql(statement)
        ledger.close()

    return change


def on_file(name: str, change: Callable[[Path], object]) -> Callable[[Ledger], None]:
    return lambda ledger: void(change(ledger.settings.home / name))


def void(_: object) -> None:
    return None


def scramble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096 : 4096 * 6] = os.urandom(4096 * 5)
    path.write_bytes(content)


FAILURES = {
    "a tampered event": ("chain", sql("UPDATE events SET at = '2020' WHERE seq = 2")),
    "a lost key": ("chain", sql("UPDATE contributors SET sealed_key = x'00'")),
    "a newer schema": ("database", sql("UPDATE alembic_version SET version_num = '9999'")),
    "no schema": ("database", sql("DROP TABLE alembic_version")),
    "a lost table": ("chain", sql("DROP TABLE event_payloads")),
    "no key file": ("instance folder", on_file("keys.json", Path.unlink)),
    "a broken key file": ("instance folder", on_file("keys.json", lambda p: p.write_text("{"))),
    "no database": ("database", on_file("definedby.sqlite", Path.unlink)),
    "no real database": (
        *("database",),
        on_file("definedby.sqlite", lambda p: p.write_text("nonsense " * 999)),
    ),
    "an empty file": ("database", on_file("definedby.sqlite", lambda p: p.write_text(""))),
    "a scrambled file": ("database", on_file("definedby.sqlite", scramble)),
    "a forged head": ("chain", on_file("heads/2026-11-23.json", lambda p: p.write_text("{}"))),
    "no folder": ("instance folder", on_file("", shutil.rmtree)),
    "a file as content": (
        *("content folder",),
        lambda ledger: void(ledger.settings.content.write_text("")),
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_what_is_broken_is_named_with_its_next_step(ledger: Ledger, name: str) -> None:
    where, breaks = FAILURES[name]
    breaks(ledger)
    findings = look(ledger)
    assert findings[where].health is Health.FAIL
    for finding in findings.values():
        assert finding.sentence.endswith((".", ")"))
        assert finding.health is Health.OK or finding.next_step
        assert "could not be looked at" not in finding.sentence, "each of these is foreseen"


def test_an_event_of_the_future_is_named(ledger: Ledger) -> None:
    found = look(ledger, timedelta(days=-1))["clock"]
    assert found.health is Health.FAIL
    assert "future" in found.sentence


def test_what_deserves_a_look_is_a_warning(ledger: Ledger) -> None:
    with ledger.write() as connection:
        pause(connection, "Restored.")
        connection.execute(update(tables.accounts).values(last_error="Wrong password.", failures=3))
    ledger.close()
    ledger.settings.home.chmod(0o755)
    findings = look(ledger, timedelta(days=8))
    for name, words in (
        ("paused", "Nothing is sent or published. Restored."),
        ("accounts", "The email account 'inbox' was not read: Wrong password."),
        ("backup", "The newest backup is 8 days old."),
        ("instance folder", "Other users of this machine can reach"),
    ):
        assert findings[name].health is Health.WARN
        assert words in findings[name].sentence
    shutil.rmtree(ledger.settings.home / "backups")
    assert look(ledger)["backup"].sentence == "There is no backup yet."


def test_the_doctor_changes_nothing(ledger: Ledger) -> None:
    (ledger.settings.home / "definedby.sqlite").unlink()
    before = sorted(ledger.settings.home.rglob("*"))
    look(ledger)
    assert sorted(ledger.settings.home.rglob("*")) == before


def test_the_command(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEFINEDBY_HOME", str(ledger.settings.home))
    monkeypatch.setenv("DEFINEDBY_CONTENT", str(ledger.settings.content))
    run = CliRunner().invoke
    assert run(doctor_command, catch_exceptions=False).exit_code == 0
    sql("UPDATE events SET at = '2020' WHERE seq = 2")(ledger)
    done = run(doctor_command, catch_exceptions=False)
    assert done.exit_code == 1
    assert "FAIL" in done.stdout
    done = run(doctor_command, ["--json"], catch_exceptions=False)
    assert done.exit_code == 1
    (failed,) = [one for one in json.loads(done.stdout) if one["health"] == "fail"]
    assert failed["name"] == "chain"
    monkeypatch.setenv("DEFINEDBY_PORT", "many")
    done = run(doctor_command, catch_exceptions=False)
    assert done.exit_code == 1
    assert "DEFINEDBY_PORT is 'many'" in done.stdout


@pytest.mark.postgres
def test_postgresql_is_examined_too(tmp_path: Path, postgres_url: str) -> None:
    made = make_ledger(tmp_path / "pg", postgres_url)
    fill(made, 1)
    made.close()
    assert {one.health for one in look(made).values()} == {Health.OK, Health.WARN}
    with made.write() as connection:
        connection.exec_driver_sql("DROP TABLE outputs")
    made.close()
    assert look(made)["database"].health is Health.FAIL
