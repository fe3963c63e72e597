"""INSERT … ON CONFLICT DO NOTHING, which both databases have and SQLAlchemy spells twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import JSON, Connection, Dialect, Table
from sqlalchemy.types import TypeEngine

#: Rows per statement: more gains nothing, fewer costs a round trip each.
BATCH = 500


def insert_or_ignore(connection: Connection, table: Table) -> Any:
    """An insert that leaves a row alone when its unique key is there already."""
    return _insert_or_ignore(connection.dialect, table)


def insert_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> int:
    """Insert the rows that are not there yet; returns how many those were.

    All rows have the same keys; what they leave out has a default. The
    statement is compiled once and given to the driver as it is: for thousands of rows that is
    half of what `Connection.execute` costs, most of it spent on naming parameters again for each.
    """
    if not rows:
        return 0
    names = tuple(rows[0])
    statement, order, left_out, binders = _compiled(connection.dialect, table, names)
    added = 0
    for start in range(0, len(rows), BATCH):
        values = [
            list(map({**left_out, **row}.__getitem__, order)) for row in rows[start : start + BATCH]
        ]
        for at, bind in binders:
            _bind(values, at, bind)
        given: Any = [tuple(row) for row in values]
        if not connection.dialect.positional:
            given = [dict(zip(order, row, strict=True)) for row in values]
        added += connection.exec_driver_sql(statement, given).rowcount
    return added


def _bind(values: list[list[Any]], at: int, bind: Callable[[Any], Any]) -> None:
    """Make what the driver takes of one column; the very same value is worked on only once."""
    given = values[0][at]
    bound = bind(given)
    for row in values:
        if row[at] is not given:
            given = row[at]
            bound = bind(given)
        row[at] = bound


def _insert_or_ignore(dialect: Dialect, table: Table) -> Any:
    # Only the dialect that is in use: the other one takes longer to import than most commands.
    if dialect.name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table).on_conflict_do_nothing()
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table).on_conflict_do_nothing()


@cache
def _compiled(
    dialect: Dialect, table: Table, names: tuple[str, ...]
) -> tuple[str, list[str], dict[str, Any], list[tuple[int, Any]]]:
    """The statement in the driver's words, the order of its values, the defaults of those that
    rows leave out, and what turns values into what the driver takes, by place.
    """
    compiled = _insert_or_ignore(dialect, table).compile(dialect=dialect, column_keys=list(names))
    order = list(compiled.positiontup or compiled.params)
    left_out = {name: table.c[name].default.arg for name in order if name not in names}
    binders = [
        (at, bind)
        for at, name in enumerate(order)
        if (bind := _binder(dialect, table.c[name].type)) is not None
    ]
    return str(compiled), order, left_out, binders


def _binder(dialect: Dialect, kind: TypeEngine[Any]) -> Callable[[Any], Any] | None:
    """What makes the driver's value of ours; both databases take JSON as its text."""
    if isinstance(kind, JSON):
        return json.dumps
    found: Callable[[Any], Any] | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return found
