"""Statements that are put together and compiled once, and then given to the driver as they are.

`Connection.execute` makes an execution context, looks up the compiled form, names parameters and
wraps rows: about ten times what SQLite needs for a look-up by key. That is nothing for a page view,
and most of what one change of the blog costs, which runs some sixty statements. Whatever is asked
that often is written in SQLAlchemy Core as everything else, and prepared (docs/adr/0028).
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Dialect, Table, bindparam, insert
from sqlalchemy.exc import DBAPIError

#: A list of more values than this is left to `Connection.execute`: each length has its own form.
MOST_IN_LIST = 10


@dataclass(frozen=True)
class _Form:
    """The statement in one driver's words, for lists of certain lengths.

    `fixed` are the values that the statement itself states; `binders` and `openers` turn values
    into what the driver takes, and back.
    """

    text: str
    order: Sequence[str] | None
    fixed: Mapping[str, Any]
    lists: Mapping[str, Sequence[str]]
    binders: Mapping[str, Callable[[Any], Any]]
    openers: Sequence[tuple[int, Callable[[Any], Any]]]

    def bind(self, values: Mapping[str, Any]) -> Any:
        given = {**self.fixed, **values}
        for name, names in self.lists.items():
            listed = given.pop(name)
            if isinstance(listed[0], tuple):
                listed = chain.from_iterable(listed)
            given.update(zip(names, listed, strict=True))
        for name, bind in self.binders.items():
            given[name] = bind(given[name])
        return given if self.order is None else tuple(map(given.__getitem__, self.order))

    def open(self, row: Sequence[Any]) -> Sequence[Any]:
        opened = list(row)
        for place, opener in self.openers:
            opened[place] = opener(opened[place])
        return opened


class Prepared:
    """A statement of SQLAlchemy Core whose parameters are all named with `bindparam`.

    What it raises is what `Connection.execute` would raise. Defaults that Python would give to
    columns are not applied.
    """

    def __init__(self, statement: Any) -> None:
        self.statement = statement
        self._forms: dict[tuple[str, tuple[tuple[str, int], ...]], _Form] = {}
        self._row: Any = None

    def rows(self, connection: Connection, values: Mapping[str, Any] | None = None) -> list[Any]:
        """Rows with the names of their columns."""
        if self._row is None:
            names = tuple(column.key for column in self.statement.exported_columns)
            self._row = _row_of(names)._make
        return list(map(self._row, self.tuples(connection, values)))

    def tuples(
        self, connection: Connection, values: Mapping[str, Any] | None = None
    ) -> list[tuple[Any, ...]]:
        values = values or {}
        lists = [(name, len(one)) for name, one in values.items() if type(one) is list]
        if any(length > MOST_IN_LIST or not length for _, length in lists):
            return [tuple(row) for row in connection.execute(self.statement, dict(values))]
        form = self._form(connection.dialect, tuple(lists), values)
        found = _run(connection, form, form.bind(values), many=False).fetchall()
        return list(map(tuple, map(form.open, found))) if form.openers else found

    def scalar(self, connection: Connection, values: Mapping[str, Any] | None = None) -> Any:
        """The first value of the first row; None when there is no row."""
        found = self.tuples(connection, values)
        return found[0][0] if found else None

    def run(self, connection: Connection, values: Sequence[Mapping[str, Any]]) -> None:
        """Once for each of these; none of them holds a list."""
        if values:
            form = self._form(connection.dialect, (), values[0])
            _run(connection, form, list(map(form.bind, values)), many=True)

    def _form(
        self, dialect: Dialect, lists: tuple[tuple[str, int], ...], sample: Mapping[str, Any]
    ) -> _Form:
        key = (dialect.name, lists)
        form = self._forms.get(key)
        if form is None:
            form = self._forms[key] = self._compiled(dialect, sample)
        return form

    def _compiled(self, dialect: Dialect, sample: Mapping[str, Any]) -> _Form:
        compiled = self.statement.compile(dialect=dialect)
        fixed = {name: one.value for name, one in compiled.binds.items() if not one.required}
        state = compiled.construct_expanded_state({**fixed, **sample})
        columns = getattr(self.statement, "exported_columns", ())
        openers = []
        for place, column in enumerate(columns):
            opener = column.type.dialect_impl(dialect).result_processor(dialect, None)
            if opener is not None:
                openers.append((place, opener))
        return _Form(
            state.statement,
            state.positiontup,
            fixed,
            state.parameter_expansion,
            state.processors,
            openers,
        )


def _row_of(names: Any) -> Any:
    return namedtuple("Row", names)


def inserting(table: Table, *names: str) -> Prepared:
    """Inserts rows that name all columns of the table, or those of these names."""
    columns = names or table.c.keys()
    return Prepared(insert(table).values({name: bindparam(name) for name in columns}))


def _run(connection: Connection, form: _Form, values: Any, *, many: bool) -> Any:
    if not connection.in_transaction():
        connection.begin()
    driver: Any = connection.connection.driver_connection
    dbapi: Any = connection.dialect.loaded_dbapi
    try:
        cursor = driver.cursor()
        (cursor.executemany if many else cursor.execute)(form.text, values)
    except dbapi.Error as error:
        raise DBAPIError.instance(
            form.text,
            None,  # they may be somebody's words
            error,
            dbapi.Error,
            hide_parameters=True,
            dialect=connection.dialect,
        ) from error
    return cursor
