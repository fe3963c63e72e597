"""What every test may use: a ledger of its own, and the real peers of tests/servers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hypothesis
import pytest

from ledger.campaigns import add_campaign
from ledger.database import Ledger
from ledger.model import Campaign
from ledger.settings import load_settings
from tests.molds import open_copy
from tests.sparing import keep_what_is_loaded, spare_work

# A busy machine is no reason to fail; and what CI tries must be the same each time.
hypothesis.settings.register_profile(
    "definedby",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
hypothesis.settings.load_profile("definedby")

pytest_plugins = ["tests.servers.fixtures"]

spare_work()


#: Modules with a test of half a minute or more. They begin first, or the run would end with one
#: of them alone while the other processes wait.
LONG = frozenset(
    {
        *("test_p01_only_granted_words", "test_p06_interleavings", "test_p09_kills"),
        *("test_p16_nothing_lost", "test_p18_sqlite", "test_p28_text_comes_out_as_text"),
        *("test_p41_frozen_worker", "test_whole_chain", "test_publisher_commands"),
    }
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long ones first; else everything stays in its order."""
    items.sort(key=lambda item: item.path.stem not in LONG)


def pytest_collection_finish() -> None:
    keep_what_is_loaded()


class SteppingClock:
    """A clock that a test moves; it starts on 2026-01-05 at noon, UTC."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 5, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_time(self, **given: float) -> None:
        self.now += timedelta(**given)


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture
def ledger(tmp_path: Path, clock: SteppingClock, sqlite_mold: Path) -> Iterator[Ledger]:
    """An empty instance on SQLite, its content and site folders beside it."""
    settings = load_settings(
        {}, home=tmp_path / "home", content=tmp_path / "content", site=tmp_path / "site"
    )
    opened = open_copy(settings, clock, sqlite_mold)
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def any_ledger(
    request: pytest.FixtureRequest, tmp_path: Path, clock: SteppingClock
) -> Iterator[Ledger]:
    """The same on each database that we support."""
    is_server, url, mold = request.param == "postgres", "", None
    if is_server:
        server = request.getfixturevalue("postgres_server")
        name = server.new_database(request.getfixturevalue("postgres_mold"))
        url = server.url(name)
    else:
        mold = request.getfixturevalue("sqlite_mold")
    settings = load_settings(
        {},
        home=tmp_path / "home",
        content=tmp_path / "content",
        site=tmp_path / "site",
        database_url=url,
    )
    opened = open_copy(settings, clock, mold)
    yield opened
    opened.close()
    if is_server:
        server.drop_database(name)


@pytest.fixture
def campaign(ledger: Ledger) -> Campaign:
    """The prompt "Thought leadership is ___?" in the SQLite ledger."""
    with ledger.write() as connection:
        return add_campaign(connection, ledger.clock(), prompt="Thought leadership is ___?")
