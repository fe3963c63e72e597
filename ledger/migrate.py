"""Bring the database to the newest schema, in the transaction it is given.

Both databases run DDL inside a transaction, so a kill leaves the old or the new schema.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

if TYPE_CHECKING:  # a tenth of a worker's start, for what it seldom has to do
    from alembic.config import Config


def config(connection: Connection | None = None) -> Config:
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    made.attributes["connection"] = connection
    return made


def known_versions() -> set[str]:
    from alembic.script import ScriptDirectory

    return {script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()}


def migrate(connection: Connection) -> None:
    """Run every migration that is still missing."""
    from alembic import command

    command.upgrade(config(connection), "head")
