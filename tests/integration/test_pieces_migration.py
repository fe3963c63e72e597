"""A database from before interviews: every row and every reference is there after the upgrade."""

from __future__ import annotations

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from ledger.database import connect
from ledger.migrate import config, migrate
from ledger.settings import Settings, load_settings

BEFORE, NOW = "0019", "2026-01-05 12:00:00"
ROWS = (
    "INSERT INTO campaigns (id, slug, is_open, created_at) VALUES ('c', 'c', true, '{now}')",
    (
        "INSERT INTO accounts (id, channel, name, campaign_id, options)"
        " VALUES (1, 'import', 'a', 'c', '{{}}')"
    ),
    "INSERT INTO contributors (id, sealed_key, created_at) VALUES ('p', '', '{now}')",
    (
        "INSERT INTO replies (id, channel, account_id, external_id, campaign_id, address, state,"
        " in_reply_to, automatic, spans, received_at)"
        " VALUES (1, 'import', 1, 'e', 'c', 'a', 'new', '[]', false, '[]', '{now}')"
    ),
    (
        "INSERT INTO definitions"
        " (id, contributor_id, campaign_id, reply_id, slug, lang, created_at)"
        " VALUES ('d', 'p', 'c', 1, 'slug', 'de', '{now}')"
    ),
    (
        "INSERT INTO definition_versions (definition_id, version, text, created_at)"
        " VALUES ('d', 1, 'words', '{now}')"
    ),
    (
        "INSERT INTO requests (id, definition_id, contributor_id, version, uses, credit, asked_at,"
        " expires_at) VALUES ('r', 'd', 'p', 1, '[]', '{{}}', '{now}', '{now}')"
    ),
)
ANOTHER = (
    "INSERT INTO definitions (id, contributor_id, campaign_id, reply_id, slug, created_at, kind)"
    " VALUES ('{id}', 'p', 'c', 1, 's', '{now}', '{kind}')"
)


@pytest.mark.parametrize("where", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_p21_nothing_is_lost_when_replies_may_be_in_several_pieces(
    tmp_path: object, where: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if where == "postgres" else ""
    settings: Settings = load_settings({}, home=f"{tmp_path}/home", database_url=url)
    settings.home.mkdir(parents=True)
    engine = connect(settings.database)
    with engine.begin() as connection:
        command.upgrade(config(connection), BEFORE)
        for row in ROWS:
            connection.execute(text(row.format(now=NOW)))
    with engine.begin() as connection:
        migrate(connection)
    with engine.begin() as connection:
        found = connection.execute(text("SELECT * FROM definitions")).mappings().one()
        assert (found["id"], found["reply_id"], found["lang"]) == ("d", 1, "de")
        assert (found["kind"], found["piece_id"], found["part"]) == ("definition", "", 0)
        connection.execute(text(ANOTHER.format(id="i", kind="interview", now=NOW)))
        if where == "sqlite":
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
    for broken in (
        ANOTHER.format(id="x", kind="definition", now=NOW),
        "DELETE FROM definitions WHERE id = 'd'",
    ):
        with pytest.raises(IntegrityError), engine.begin() as connection:
            connection.execute(text(broken))
    engine.dispose()
