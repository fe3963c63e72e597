"""P21: a kill at any step of a migration leaves the old or the new schema; it equals the models.

CI kills at every 25th statement and the last ones, which is about two for each migration; at every
one, and every second on PostgreSQL:

    DEFINEDBY_TEST_KILLS=1 pytest tests/integration/test_p21_migrations.py
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, select

from ledger import tables
from ledger.chain import GENESIS
from ledger.database import SCHEMA, connect, open_ledger, schema_version
from ledger.errors import DefinedbyError
from ledger.heads import verify_chain
from ledger.migrate import known_versions
from ledger.settings import Settings, load_settings
from tests.sample_ledger import fill, make_ledger

#: Far more statements than any migration has; the loops below end before.
MANY = 500
STRIDE = 1 if "DEFINEDBY_TEST_KILLS" in os.environ else 25

#: Forks a process per line of input (home, URL, n) that opens an instance there and kills
#: itself before its n-th statement; answers with its exit status and its number of statements.
OPENER = """
import json, os, signal, sys, tempfile
from sqlalchemy import Engine, event
from ledger.database import open_ledger
from ledger.settings import load_settings

# Once for all, what is imported on the way.
with tempfile.TemporaryDirectory() as folder:
    open_ledger(load_settings({}, home=folder), create=True).close()
seen, fatal = 0, 0

@event.listens_for(Engine, "before_cursor_execute")
def count(*_):
    global seen
    seen += 1
    if seen == fatal:
        os.kill(os.getpid(), signal.SIGKILL)

@event.listens_for(Engine, "commit")
def commit(connection):
    count()

for line in sys.stdin:
    home, url, fatal = json.loads(line)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        open_ledger(load_settings({}, home=home, database_url=url), create=True).close()
        os.write(writing, str(seen).encode())
        os._exit(0)
    os.close(writing)
    _, status = os.waitpid(child, 0)
    said = os.read(reading, 20)
    os.close(reading)
    print(json.dumps([os.waitstatus_to_exitcode(status), int(said or 0)]), flush=True)
"""


class Opener:
    """The process that forks the processes that are killed: Python starts once for all."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", OPENER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def open(self, settings: Settings, fatal: int = MANY) -> tuple[int, int]:
        """The exit code (negative: the signal) and, when it lived, how many statements it ran."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        order = [str(settings.home), settings.database_url, fatal]
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        code, count = json.loads(self.process.stdout.readline())
        return code, count

    def close(self) -> None:
        self.process.communicate()


@pytest.fixture
def opener() -> Iterator[Opener]:
    made = Opener()
    yield made
    made.close()


def tables_of(settings: Settings) -> set[str]:
    engine = connect(settings.database)
    try:
        with engine.connect() as connection:
            return set(inspect(connection).get_table_names())
    finally:
        engine.dispose()


WHOLE = {*tables.metadata.tables, "alembic_version"}


def check_old_or_new(settings: Settings) -> bool:
    """True for the new schema; then a retry must work, and leave an instance that does."""
    found = tables_of(settings)
    assert found in (set(), WHOLE), "a half-made schema was left behind"
    ledger = open_ledger(settings, create=True)
    try:
        assert schema_version(ledger.engine) == SCHEMA
        assert tables_of(settings) == WHOLE
        with ledger.read() as connection:
            (head,) = connection.execute(select(tables.chain_head)).all()
        assert (head.id, head.seq, head.hash) == (1, 0, GENESIS)
    finally:
        ledger.close()
    return found == WHOLE


def test_p21_a_kill_at_each_statement_leaves_the_old_or_the_new_schema(
    tmp_path: Path, opener: Opener
) -> None:
    code, count = opener.open(load_settings({}, home=tmp_path / "counted"))
    assert code == 0
    assert count > 30
    # Each costs the whole way up to it: CI tries every 25th, and the last ones.
    fatals = [*range(1, count - 4, STRIDE), *range(count - 4, count + 1)]
    outcomes = []
    for fatal in fatals:
        settings = load_settings({}, home=tmp_path / str(fatal))
        assert opener.open(settings, fatal)[0] == -signal.SIGKILL
        outcomes.append(check_old_or_new(settings))
    # Nothing is there until the one commit, which is the last that is counted.
    assert outcomes == [False] * len(fatals)


@pytest.mark.postgres
def test_p21_the_same_on_postgresql(tmp_path: Path, postgres_url: str, opener: Opener) -> None:
    settings = load_settings({}, home=tmp_path / "home", database_url=postgres_url)
    code, count = opener.open(settings)
    assert code == 0
    assert count > 30
    for fatal in (*range(1, count - 2, 2 * STRIDE), count - 2, count - 1, count):
        _empty(settings)
        assert opener.open(settings, fatal)[0] == -signal.SIGKILL
        check_old_or_new(settings)


def _empty(settings: Settings) -> None:
    engine = connect(settings.database)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()


def differences(settings: Settings) -> list[object]:
    engine = connect(settings.database)
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection,
                opts={
                    "compare_type": True,
                    # SQLite says an empty text in two ways, which Alembic takes for different.
                    "compare_server_default": connection.dialect.name != "sqlite",
                },
            )
            return list(compare_metadata(context, tables.metadata))
    finally:
        engine.dispose()


def test_p21_the_migrated_schema_equals_the_tables(tmp_path: Path) -> None:
    ledger = make_ledger(tmp_path / "home", migrate=True)
    ledger.close()
    assert differences(ledger.settings) == []


@pytest.mark.postgres
def test_p21_the_migrated_schema_equals_the_tables_on_postgresql(
    tmp_path: Path, postgres_url: str
) -> None:
    ledger = make_ledger(tmp_path / "home", postgres_url, migrate=True)
    ledger.close()
    assert differences(ledger.settings) == []


def test_p21_a_difference_would_be_seen(tmp_path: Path) -> None:
    ledger = make_ledger(tmp_path / "home", migrate=True)
    with ledger.write() as connection:
        connection.exec_driver_sql("DROP INDEX ix_jobs_open")
        connection.exec_driver_sql("ALTER TABLE posts DROP COLUMN grant_hash")
    ledger.close()
    assert len(differences(ledger.settings)) == 2


def test_p21_the_program_knows_its_newest_migration() -> None:
    assert max(known_versions()) == SCHEMA


def _from_the_future(home: Path, database_url: str = "") -> Settings:
    ledger = make_ledger(home, database_url)
    fill(ledger, 2)
    with ledger.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        connection.exec_driver_sql("CREATE TABLE novelties (id INTEGER)")
    ledger.close()
    return ledger.settings


def test_p21_a_newer_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    settings = _from_the_future(tmp_path / "home")
    before = (settings.home / "definedby.sqlite").read_bytes()
    for create in (False, True):
        with pytest.raises(DefinedbyError, match=r"newer version \(9999\)") as caught:
            open_ledger(settings, create=create)
        assert "Update definedby" in caught.value.next_step
    assert (settings.home / "definedby.sqlite").read_bytes() == before


@pytest.mark.postgres
def test_p21_a_newer_postgresql_database_is_refused(tmp_path: Path, postgres_url: str) -> None:
    settings = _from_the_future(tmp_path / "home", postgres_url)
    with pytest.raises(DefinedbyError, match=r"newer version \(9999\)"):
        open_ledger(settings, create=True)
    assert "novelties" in tables_of(settings)


def test_p21_an_empty_database_is_not_filled_unasked(tmp_path: Path) -> None:
    ledger = make_ledger(tmp_path / "home", migrate=True)
    ledger.close()
    (ledger.settings.home / "definedby.sqlite").unlink()
    with pytest.raises(DefinedbyError, match="is empty"):
        open_ledger(ledger.settings)
    assert tables_of(ledger.settings) == set()


def test_p21_opening_again_changes_nothing(tmp_path: Path) -> None:
    ledger = make_ledger(tmp_path / "home", migrate=True)
    fill(ledger, 2)
    before = verify_chain(ledger)
    ledger.close()
    again = make_ledger(tmp_path / "home", migrate=True)
    assert verify_chain(again) == before
    again.close()


@pytest.mark.parametrize("where", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_p21_processes_that_start_together_make_one_instance(
    tmp_path: Path, where: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if where == "postgres" else ""
    settings = load_settings({}, home=tmp_path / "home", database_url=url)
    openers = [Opener() for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        codes = [code for code, _ in pool.map(lambda opener: opener.open(settings), openers)]
    for opener in openers:
        opener.close()
    assert codes == [0] * 3
    ledger = open_ledger(settings)
    assert ledger.keys.decrypt(ledger.keys.encrypt("a")) == "a"
    ledger.close()
