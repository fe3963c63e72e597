"""Accounts can rest and say how they fare; what was skipped has a kind; released edits stay so."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "accounts",
        sa.Column("reading", sa.String(length=16), server_default="on", nullable=False),
    )
    op.add_column(
        "accounts",
        sa.Column("needs_person", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column("accounts", sa.Column("last_reply_at", sa.DateTime(timezone=True)))
    op.execute(
        "UPDATE accounts SET last_reply_at = (SELECT max(replies.received_at) FROM replies"
        " WHERE replies.account_id = accounts.id)"
    )
    op.add_column(
        "skipped_items",
        sa.Column("kind", sa.String(length=16), server_default="malformed", nullable=False),
    )
    op.add_column(
        "replies", sa.Column("released_text", sa.Text(), server_default="", nullable=False)
    )
    op.add_column("replies", sa.Column("released_at", sa.DateTime(timezone=True)))
