"""The language in which somebody was asked: that of the message and of their page."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("requests", sa.Column("lang", sa.Text(), server_default="", nullable=False))
