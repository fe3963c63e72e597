"""Messages on every channel, by hand where need be; pages that are told of our posts."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    handed_over = sa.text("sealed_composer <> ''")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("private", sa.Boolean(), server_default=sa.text("true"), nullable=False)
        )
        batch_op.add_column(
            sa.Column("external_id", sa.String(length=998), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("sealed_composer", sa.Text(), server_default="", nullable=False)
        )
        batch_op.create_index(
            "ix_outbox_handed_over",
            ["id"],
            unique=False,
            sqlite_where=handed_over,
            postgresql_where=handed_over,
        )
        batch_op.create_index("ix_outbox_external", ["account_id", "external_id"], unique=False)
    op.create_table(
        "told_pages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=32), nullable=False),
        sa.Column("page", sa.String(length=2000), nullable=False),
        sa.Column("sealed_post", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("gone", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("times", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_told_pages")),
        sa.UniqueConstraint("subject", name=op.f("uq_told_pages_subject")),
    )
    with op.batch_alter_table("told_pages", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_told_pages_due_at"), ["due_at"], unique=False)


def downgrade() -> None:
    op.drop_table("told_pages")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index("ix_outbox_external")
        batch_op.drop_index("ix_outbox_handed_over")
        batch_op.drop_column("sealed_composer")
        batch_op.drop_column("external_id")
        batch_op.drop_column("private")
