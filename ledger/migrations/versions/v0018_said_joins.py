"""The message by which somebody said that two contributors are one."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("joins", sa.Column("reply_id", sa.Integer(), nullable=True))
