"""Conversations, and contributors that are one person."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0009"
branch_labels = None
depends_on = None

#: A conversation for everybody we have written to, in the campaign it was about.
_CAMPAIGN_OF_MESSAGE = (
    "coalesce((SELECT definitions.campaign_id FROM requests JOIN definitions"
    " ON definitions.id = requests.definition_id WHERE requests.id = outbox.request_id),"
    " (SELECT accounts.campaign_id FROM accounts WHERE accounts.id = outbox.account_id))"
)

BACKFILL = (
    (
        "INSERT INTO threads (campaign_id, contributor_id, opened_at)"  # noqa: S608  no input
        f" SELECT {_CAMPAIGN_OF_MESSAGE}, outbox.contributor_id, min(outbox.created_at)"
        " FROM outbox GROUP BY 1, 2"
    ),
    (
        "UPDATE outbox SET thread_id = (SELECT threads.id FROM threads"  # noqa: S608
        " WHERE threads.contributor_id = outbox.contributor_id"
        f" AND threads.campaign_id = {_CAMPAIGN_OF_MESSAGE})"
    ),
)


def upgrade() -> None:
    op.add_column(
        "contributors",
        sa.Column("person_id", sa.String(length=32), server_default="", nullable=False),
    )
    op.create_index("ix_contributors_person_id", "contributors", ["person_id"])
    op.create_table(
        "joins",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("one", sa.String(length=32), nullable=False),
        sa.Column("other", sa.String(length=32), nullable=False),
        sa.Column("because", sa.Text(), server_default="", nullable=False),
        sa.Column("joined_by", sa.Text(), server_default="", nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("parted_by", sa.Text(), server_default="", nullable=False),
        sa.Column("parted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["one"], ["contributors.id"], name=op.f("fk_joins_one_contributors")
        ),
        sa.ForeignKeyConstraint(
            ["other"], ["contributors.id"], name=op.f("fk_joins_other_contributors")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_joins")),
    )
    op.create_index("ix_joins_one", "joins", ["one"])
    op.create_index("ix_joins_other", "joins", ["other"])
    op.create_table(
        "threads",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.String(length=32), nullable=False),
        sa.Column("contributor_id", sa.String(length=32), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_theirs_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_threads_campaign_id_campaigns")
        ),
        sa.ForeignKeyConstraint(
            ["contributor_id"],
            ["contributors.id"],
            name=op.f("fk_threads_contributor_id_contributors"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_threads")),
        sa.UniqueConstraint(
            "campaign_id", "contributor_id", name=op.f("uq_threads_campaign_id_contributor_id")
        ),
    )
    op.create_index("ix_threads_contributor_id", "threads", ["contributor_id"])
    op.add_column("replies", sa.Column("thread_id", sa.Integer(), nullable=True))
    op.create_index("ix_replies_thread_id", "replies", ["thread_id"])
    op.create_index(
        "ix_replies_unplaced",
        "replies",
        ["id"],
        sqlite_where=sa.text("thread_id IS NULL AND NOT automatic"),
        postgresql_where=sa.text("thread_id IS NULL AND NOT automatic"),
    )
    op.add_column("outbox", sa.Column("thread_id", sa.Integer(), nullable=True))
    op.add_column("outbox", sa.Column("sealed_words", sa.LargeBinary(), nullable=True))
    op.create_index("ix_outbox_thread_id", "outbox", ["thread_id"])
    for statement in BACKFILL:
        op.execute(statement)
