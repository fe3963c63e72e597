"""What profiles ask of programs, and the rule that holds a message back."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "profile_marks",
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("is_bot", sa.Boolean(), nullable=False),
        sa.Column("wants_no_bots", sa.Boolean(), nullable=False),
        sa.Column("is_protected", sa.Boolean(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_profile_marks")),
    )
    op.add_column(
        "outbox", sa.Column("rule", sa.String(length=32), server_default="", nullable=False)
    )
