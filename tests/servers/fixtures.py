"""Fixtures of the real servers; tests/conftest.py loads them as a plugin.

Where a server can't run, its tests are skipped with the reason; under CI that is a failure, so
that nothing goes untested unnoticed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.molds import make_mold
from tests.servers import bluesky, mail, postgres, snac
from tests.servers.sharing import shared


def need(reason: str) -> None:
    if not reason:
        return
    if os.environ.get("CI"):
        pytest.fail(f"CI must run these tests, but {reason}", pytrace=False)
    pytest.skip(f"NOT TESTED HERE: {reason}")


@pytest.fixture(scope="session")
def mail_server() -> Iterator[mail.MailServer]:
    """Dovecot and OpenSMTPD; one per test process. Use a user name of your own per test."""
    need(mail.why_unavailable())
    with mail.MailServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.PostgresServer]:
    """PostgreSQL; one per test process."""
    need(postgres.why_unavailable())
    with postgres.PostgresServer() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: postgres.PostgresServer) -> Iterator[str]:
    """The SQLAlchemy URL of an empty database of this test's own."""
    name = postgres_server.new_database()
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture(scope="session")
def postgres_mold(
    postgres_server: postgres.PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The name of a database with the tables of an instance, to copy."""
    name = postgres_server.new_database()
    folder = tmp_path_factory.mktemp("mold")
    make_mold(folder, postgres_server.url(name))
    return name


@pytest.fixture(scope="session")
def sqlite_mold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a database with the tables of an instance, to copy."""
    return make_mold(tmp_path_factory.mktemp("mold"))


@pytest.fixture(scope="session")
def snac_server() -> Iterator[snac.SnacServer]:
    """snac2; one per test process. Make people of your own in each test."""
    need(snac.why_unavailable())
    with snac.SnacServer() as server:
        yield server


@pytest.fixture(scope="session")
def bluesky_network(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[bluesky.BlueskyNetwork]:
    """Bluesky's PLC, PDS and AppView, started once. Make people of your own in each test."""
    need(bluesky.why_unavailable())
    own = tmp_path_factory.getbasetemp()
    folder = own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own
    database = request.getfixturevalue("postgres_server")
    with shared(folder, "bluesky", lambda: bluesky.started(database)) as reached:
        yield bluesky.BlueskyNetwork(reached["pds"])
