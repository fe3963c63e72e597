"""What people answered in words to a question of ours: as read, or as an editor corrected it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answers",
        sa.Column("reply_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("request_id", sa.String(length=32), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("evidence", sa.Text(), server_default="", nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("take_down", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("done", sa.Text(), server_default="", nullable=False),
        sa.Column("corrected_by", sa.Text(), server_default="", nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["outbox.id"], name=op.f("fk_answers_message_id_outbox")
        ),
        sa.ForeignKeyConstraint(
            ["reply_id"], ["replies.id"], name=op.f("fk_answers_reply_id_replies")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], name=op.f("fk_answers_request_id_requests")
        ),
        sa.PrimaryKeyConstraint("reply_id", name=op.f("pk_answers")),
    )
    op.create_index(op.f("ix_answers_request_id"), "answers", ["request_id"], unique=False)
