"""INSERT … ON CONFLICT DO NOTHING, which both databases have and SQLAlchemy spells twice."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table


def insert_or_ignore(connection: Connection, table: Table) -> Any:
    """An insert that leaves a row alone when its unique key is there already."""
    # Only the dialect that is in use: the other one takes longer to import than most commands.
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table).on_conflict_do_nothing()
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table).on_conflict_do_nothing()
