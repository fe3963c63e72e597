"""Where profiles show their picture, and the pictures that contributors want to have shown."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "profile_pictures",
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("url", sa.Text(), server_default="", nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("channel", "address", name=op.f("pk_profile_pictures")),
    )
    op.create_table(
        "pictures",
        sa.Column("contributor_id", sa.String(length=32), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("url", sa.Text(), server_default="", nullable=False),
        sa.Column("sealed_picture", sa.LargeBinary(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["contributor_id"],
            ["contributors.id"],
            name=op.f("fk_pictures_contributor_id_contributors"),
        ),
        sa.PrimaryKeyConstraint("contributor_id", "hash", name=op.f("pk_pictures")),
    )
    op.add_column(
        "site_entries",
        sa.Column("picture", sa.String(length=64), server_default="", nullable=False),
    )
    op.create_index(
        "ix_site_entries_picture",
        "site_entries",
        ["picture"],
        sqlite_where=sa.text("picture <> ''"),
        postgresql_where=sa.text("picture <> ''"),
    )
