"""What the processes of a test run would do anew for each test, done once.

Nothing here changes what is run: a statement is compiled to the same SQL, a page has the same
address. A process that a test starts by itself does without any of it.
"""

from __future__ import annotations

import gc
from typing import Any

import sqlalchemy
from flask import Flask
from sqlalchemy import Dialect, Engine, event
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

import ledger.database

#: More statements than we have, on two databases.
STATEMENTS = 4000
_dialects: dict[str, Dialect] = {}
_compiled: LRUCache[Any, Any] = LRUCache(STATEMENTS)


def spare_work() -> None:
    """Call it once, before anything is opened."""
    ledger.database.create_engine = _engine_that_shares  # type: ignore[attr-defined]
    Flask.url_rule_class = _PatientRule


def keep_what_is_loaded() -> None:
    """All modules and tests stay until the end: the garbage collector need not look at them."""
    gc.collect()
    gc.freeze()


def _engine_that_shares(url: str, **options: Any) -> Engine:
    """An engine that knows the statements which others of its kind have compiled.

    SQLAlchemy finds them by their dialect, so that is shared too, once it has met its database.
    """
    engine = sqlalchemy.create_engine(url, **options)

    @event.listens_for(engine, "connect")
    def _share(_connection: Any, _record: Any) -> None:
        engine.dialect = _dialects.setdefault(engine.dialect.name, engine.dialect)
        engine._compiled_cache = _compiled

    return engine


class _PatientRule(Rule):
    """A route that compiles the making of its addresses when the first one is made.

    Werkzeug does so for all routes of each application, which takes longer than most tests.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Any:
        compile_now = super()._compile_builder
        made: Any = None

        def build(rule: Rule, **values: Any) -> Any:
            nonlocal made
            if made is None:
                made = compile_now(append_unknown)
            return made(rule, **values)

        return build
