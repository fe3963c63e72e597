"""Links that end all messages to one person, for the header List-Unsubscribe."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stop_links",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("contributor_id", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["contributor_id"],
            ["contributors.id"],
            name=op.f("fk_stop_links_contributor_id_contributors"),
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_stop_links")),
    )
    op.create_index(op.f("ix_stop_links_contributor_id"), "stop_links", ["contributor_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_stop_links_contributor_id"), "stop_links")
    op.drop_table("stop_links")
