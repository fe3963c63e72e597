"""INSERT … ON CONFLICT DO NOTHING, which both databases have and SQLAlchemy spells twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import repeat
from typing import Any

from sqlalchemy import JSON, Connection, Dialect, Table
from sqlalchemy.types import TypeEngine

#: Rows per statement: more gains nothing, fewer costs a round trip each.
BATCH = 500

Column = Sequence[Any]


def insert_or_ignore(connection: Connection, table: Table) -> Any:
    """An insert that leaves a row alone when its unique key is there already."""
    # Only the dialect that is in use: the other one takes longer to import than most commands.
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table).on_conflict_do_nothing()
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table).on_conflict_do_nothing()


def insert_new(
    connection: Connection,
    table: Table,
    columns: Mapping[str, Column],
    same: Mapping[str, Any],
) -> int:
    """Insert the rows that are not there yet; returns how many those were.

    `columns`: values by name, all of one length. `same`: what all rows have in common. For what
    both leave out, the database has a default. Thousands come at once, so the values go to the
    driver as they are: `Connection.execute` takes several times as long, naming each one again.
    """
    size = len(next(iter(columns.values())))
    added = 0
    for start in range(0, size, BATCH):
        batch = {name: column[start : start + BATCH] for name, column in columns.items()}
        # Nulls are what a column has by itself, and dear to hand over.
        told = {name: column for name, column in batch.items() if any(map(_is_told, column))}
        added += _insert(connection, table, told, same)
    return added


def _is_told(value: object) -> bool:
    return value is not None


def _insert(
    connection: Connection, table: Table, columns: Mapping[str, Column], same: Mapping[str, Any]
) -> int:
    if connection.dialect.name == "postgresql":
        return _insert_as_json(connection, table, columns, same)
    statement, binders = _prepared(connection.dialect, table, (*columns, *same))
    rows = zip(
        *(_bound(column, binders.get(name)) for name, column in columns.items()),
        *(repeat(*_bound([value], binders.get(name))) for name, value in same.items()),
        strict=False,
    )
    return connection.exec_driver_sql(statement, list(rows)).rowcount


def _insert_as_json(
    connection: Connection, table: Table, columns: Mapping[str, Column], same: Mapping[str, Any]
) -> int:
    """All rows as one value: adapting each to the protocol takes the driver four times as long."""
    names = (*columns, *same)
    rows = zip(*columns.values(), *map(repeat, same.values()), strict=False)
    whole = json.dumps([dict(zip(names, row, strict=True)) for row in rows], default=str)
    statement = _from_json(connection.dialect, table, names)
    return connection.exec_driver_sql(statement, (whole,)).rowcount


@cache
def _from_json(dialect: Dialect, table: Table, names: tuple[str, ...]) -> str:
    listed = ", ".join(names)
    typed = ", ".join(f"{name} {table.c[name].type.compile(dialect)}" for name in names)
    rows = f"json_to_recordset(%s::json) AS row ({typed})"
    return f"INSERT INTO {table.name} ({listed}) SELECT {listed} FROM {rows} ON CONFLICT DO NOTHING"  # noqa: S608  ours


def _bound(column: Column, bind: Callable[[Any], Any] | None) -> Column:
    """What the driver takes of one column; the very same value is worked on only once."""
    if bind is None:
        return column
    given = column[0]
    found = bind(given)
    bound = []
    for value in column:
        if value is not given:
            given, found = value, bind(value)
        bound.append(found)
    return bound


@cache
def _prepared(
    dialect: Dialect, table: Table, names: tuple[str, ...]
) -> tuple[str, dict[str, Callable[[Any], Any]]]:
    """The statement in the driver's words, and what turns values into what the driver takes."""
    marks = ", ".join(["?" if dialect.paramstyle == "qmark" else "%s"] * len(names))
    into = f"{table.name} ({', '.join(names)})"
    statement = f"INSERT INTO {into} VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608  ours
    binders = {name: _binder(dialect, table.c[name].type) for name in names}
    return statement, {name: bind for name, bind in binders.items() if bind is not None}


def _binder(dialect: Dialect, kind: TypeEngine[Any]) -> Callable[[Any], Any] | None:
    """What makes the driver's value of ours; both databases take JSON as its text."""
    if isinstance(kind, JSON):
        return json.dumps
    found: Callable[[Any], Any] | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return found
