"""What an editor let stand although its source is gone."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "replies",
        sa.Column("released_state", sa.String(length=16), server_default="", nullable=False),
    )
