"""P15: a restored or copied instance is paused until a person says that it is the only one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, insert, select

from ledger import tables
from ledger.backup import backup
from ledger.campaigns import add_campaign
from ledger.cli import resume_command
from ledger.database import Ledger, open_ledger
from ledger.errors import DefinedbyError
from ledger.model import Campaign
from ledger.paused import MOVED, pause, pause_when_moved, paused, resume
from ledger.reached import BEHIND, accept_reached, note_reached
from ledger.restore import restore
from ledger.settings import load_settings
from tests.commands import Instance
from tests.people import agree, asked
from tests.sample_ledger import fill, make_ledger


def why(ledger: Ledger) -> str:
    with ledger.read() as connection:
        return paused(connection)


ON_BOTH = pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def restored(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    original = make_ledger(tmp_path / "original")
    fill(original, 1)
    assert why(original) == ""
    file = backup(original).file
    original.close()
    settings = load_settings(
        {},
        home=tmp_path / "restored",
        content=tmp_path / "content",
        database_url=request.getfixturevalue("postgres_url") if request.param == "postgres" else "",
    )
    restore(file, settings)
    ledger = open_ledger(settings)
    yield ledger
    ledger.close()


def test_p15_a_restored_instance_is_paused_and_says_why(restored: Ledger) -> None:
    reason = why(restored)
    restored.close()
    assert reason.startswith("This instance was restored from definedby-2026")
    assert "run 'definedby resume' once you have made sure that no other copy is running" in reason


def test_p15_the_original_goes_on(restored: Ledger) -> None:
    original = make_ledger(restored.settings.home.parent / "original", create=False)
    assert why(original) == ""
    original.close()
    restored.close()


def test_p15_opening_and_restarting_do_not_resume(restored: Ledger) -> None:
    reason = why(restored)
    restored.close()
    for _ in range(2):
        again = open_ledger(restored.settings)
        assert pause_when_moved(again) == reason
        assert why(again) == reason
        again.close()


def test_p15_a_person_resumes_it(restored: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    restored.close()
    monkeypatch.setenv("DEFINEDBY_HOME", str(restored.settings.home))
    monkeypatch.setenv("DEFINEDBY_DATABASE_URL", restored.settings.database_url)
    first = CliRunner().invoke(resume_command, catch_exceptions=False)
    second = CliRunner().invoke(resume_command, catch_exceptions=False)
    assert first.stdout == "Sending and publishing go on.\n"
    assert second.stdout == "It was not paused.\n"
    again = open_ledger(restored.settings)
    assert pause_when_moved(again) == ""
    again.close()


def test_p15_the_pause_is_part_of_the_restore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restore that is cut short must not leave an instance that runs."""
    original = make_ledger(tmp_path / "original")
    file = backup(original).file
    original.close()
    settings = load_settings({}, home=tmp_path / "restored", content=tmp_path / "content")

    class Cut(BaseException):
        pass

    def cut(*_: object) -> None:
        raise Cut

    with monkeypatch.context() as patched:
        # The report is the first thing after the database has got its name.
        patched.setattr("ledger.restore.RestoreReport", cut)
        with pytest.raises(Cut):
            restore(file, settings)
    ledger = open_ledger(settings)
    assert "restored from" in why(ledger)
    ledger.close()


@ON_BOTH
def test_p15_a_copied_instance_pauses_itself(
    request: pytest.FixtureRequest, tmp_path: Path, database: str
) -> None:
    server = request.getfixturevalue("postgres_server") if database == "postgres" else None
    name = server.new_database() if server else ""
    url = server.url(name) if server else ""
    original = make_ledger(tmp_path / "original", url)
    fill(original, 1)
    assert pause_when_moved(original) == ""
    original.close()
    # A copy of the files, and the original kept: that is how two come to run at once.
    shutil.copytree(tmp_path / "original", tmp_path / "copy")
    copied = server.url(server.new_database(name)) if server else ""
    copy = make_ledger(tmp_path / "copy", copied, create=False)
    assert pause_when_moved(copy) == MOVED
    assert why(copy) == MOVED
    assert pause_when_moved(copy) == MOVED, "starting again does not help"
    with copy.write() as connection:
        assert resume(connection)
    assert pause_when_moved(copy) == ""
    assert pause_when_moved(copy) == ""
    copy.close()
    again = make_ledger(tmp_path / "original", url, create=False)
    assert pause_when_moved(again) == ""
    again.close()


def test_p15_an_older_database_put_back_in_its_place_is_paused(any_ledger: Ledger) -> None:
    """By copying a file back, or by the database's own tools: the folder is the same."""
    with any_ledger.write() as connection:
        campaign = add_campaign(connection, any_ledger.clock(), prompt="A talk is ___?")
    assert note_reached(any_ledger) == ""
    before = everything(any_ledger)
    question = asked(any_ledger, campaign, "a gift")
    assert note_reached(any_ledger) == ""
    agree(any_ledger, question, "a gift")
    assert note_reached(any_ledger) == ""
    put_back(any_ledger, before)
    assert note_reached(any_ledger) == BEHIND
    assert why(any_ledger) == BEHIND
    assert note_reached(any_ledger) == BEHIND, "starting again does not help"
    with any_ledger.write() as connection:
        assert resume(connection)
    accept_reached(any_ledger)
    assert note_reached(any_ledger) == ""


def test_p15_the_worker_of_an_older_database_sends_nothing_until_it_is_resumed(
    ledger: Ledger, tmp_path: Path
) -> None:
    instance, file = Instance(ledger.settings.home), ledger.settings.home / "definedby.sqlite"
    ledger.close()
    old = tmp_path / "old.sqlite"
    shutil.copy(file, old)
    asked(ledger, campaign_of(ledger), "a gift")
    instance.run("worker", "--once")
    ledger.close()
    shutil.copy(old, file)
    # It says at its end that the exported head knows more than the chain.
    instance.run("worker", "--once", code=None)
    assert why(ledger) == BEHIND
    instance.run("resume")
    instance.run("worker", "--once", code=None)
    assert why(ledger) == ""


def campaign_of(ledger: Ledger) -> Campaign:
    with ledger.write() as connection:
        return add_campaign(connection, ledger.clock(), prompt="A talk is ___?")


def everything(ledger: Ledger) -> dict[str, list[Any]]:
    with ledger.read() as connection:
        return {
            table.name: [dict(row._mapping) for row in connection.execute(select(table))]
            for table in tables.metadata.sorted_tables
        }


def put_back(ledger: Ledger, before: dict[str, list[Any]]) -> None:
    with ledger.write() as connection:
        for table in reversed(tables.metadata.sorted_tables):
            connection.execute(delete(table))
        for table in tables.metadata.sorted_tables:
            if before[table.name]:
                connection.execute(insert(table), before[table.name])


def pause_and_fail(ledger: Ledger) -> None:
    with ledger.write() as connection:
        pause(connection, "not kept")
        raise DefinedbyError("stop", "here")


def test_p15_a_pause_is_kept_or_dropped_with_its_transaction(tmp_path: Path) -> None:
    ledger = make_ledger(tmp_path / "home")
    with pytest.raises(DefinedbyError, match="stop"):
        pause_and_fail(ledger)
    assert why(ledger) == ""
    with ledger.write() as connection:
        pause(connection, "first")
        pause(connection, "second")
    assert why(ledger) == "second"
    ledger.close()
