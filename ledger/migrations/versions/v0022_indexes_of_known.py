"""Arriving replies cost nothing in indexes of what is not known of them yet."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in ("handle_id", "continues_id", "thread_id"):
        name = f"ix_replies_{column}"
        known = sa.text(f"{column} IS NOT NULL")
        op.drop_index(name, "replies")
        op.create_index(name, "replies", [column], sqlite_where=known, postgresql_where=known)
