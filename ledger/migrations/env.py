"""Alembic's entry point: always run from ledger/migrate.py, with the caller's connection."""

from typing import Any, Literal

from alembic import context

from ledger.tables import Utc, metadata


def _render(kind: str, column_type: Any, _context: Any) -> str | Literal[False]:
    # Migrations must keep their meaning when our own type changes.
    if kind == "type" and isinstance(column_type, Utc):
        return "sa.DateTime(timezone=True)"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    render_item=_render,
    # The caller's transaction holds the whole upgrade.
    transactional_ddl=False,
)
context.run_migrations()
