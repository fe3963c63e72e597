"""A reply may continue an earlier one of its author's: their words are taken together."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("replies", sa.Column("continues_id", sa.Integer(), nullable=True))
    op.create_index(op.f("ix_replies_continues_id"), "replies", ["continues_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_replies_continues_id"), table_name="replies")
    op.drop_column("replies", "continues_id")
