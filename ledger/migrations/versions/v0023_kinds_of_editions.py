"""Editions by period, by theme and the best of a year; how often a campaign gathers one."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "campaigns",
        sa.Column("edition_every", sa.String(length=8), server_default="", nullable=False),
    )
    op.add_column(
        "editions",
        sa.Column("kind", sa.String(length=8), server_default="edition", nullable=False),
    )
    op.add_column("editions", sa.Column("theme", sa.Text(), server_default="", nullable=False))
    for name in ("since", "until"):
        op.add_column("editions", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "editions",
        sa.Column("winner_id", sa.String(length=32), server_default="", nullable=False),
    )
    op.add_column("editions", sa.Column("method", sa.Text(), server_default="", nullable=False))
