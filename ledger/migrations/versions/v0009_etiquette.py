"""Etiquette: what a message is for, who may be greeted, and addresses that said stop."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("contributors", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("zone", sa.String(length=64), server_default="", nullable=False)
        )
    with op.batch_alter_table("replies", schema=None) as batch_op:
        batch_op.create_index("ix_replies_author", ["address", "channel"], unique=False)
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("purpose", sa.String(length=16), server_default="answer", nullable=False)
        )
        batch_op.add_column(sa.Column("once", sa.String(length=80), nullable=True))
        batch_op.add_column(
            sa.Column("likeness", sa.String(length=64), server_default="", nullable=False)
        )
        batch_op.create_unique_constraint(batch_op.f("uq_outbox_once"), ["once"])
    # Until now every message asked for permission.
    op.execute("UPDATE outbox SET purpose = 'ask' WHERE request_id IS NOT NULL")
    op.create_table(
        "manners",
        sa.Column("campaign_id", sa.String(length=32), nullable=False),
        sa.Column("zone", sa.String(length=64), server_default="", nullable=False),
        sa.Column("stricter", sa.JSON(), nullable=False),
        sa.Column("greeting", sa.Text(), server_default="", nullable=False),
        sa.Column("follow_up", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_manners_campaign_id_campaigns")
        ),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_manners")),
    )
    _newcomers()
    op.create_table(
        "passed_over",
        sa.Column("campaign_id", sa.String(length=32), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_passed_over_campaign_id_campaigns")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "token", name=op.f("pk_passed_over")),
    )
    op.create_table(
        "follower_places",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.Text(), server_default="", nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_follower_places_account_id_accounts")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_follower_places")),
    )
    op.create_table(
        "stopped_addresses",
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_stopped_addresses")),
    )


def _newcomers() -> None:
    op.create_table(
        "newcomers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("url", sa.Text(), server_default="", nullable=False),
        sa.Column("contact", sa.Text(), server_default="", nullable=False),
        sa.Column("about", sa.Text(), server_default="", nullable=False),
        sa.Column("zone", sa.String(length=64), server_default="", nullable=False),
        sa.Column("why", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("contributor_id", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_newcomers_account_id_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_newcomers_campaign_id_campaigns")
        ),
        sa.ForeignKeyConstraint(
            ["contributor_id"],
            ["contributors.id"],
            name=op.f("fk_newcomers_contributor_id_contributors"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_newcomers")),
        sa.UniqueConstraint("channel", "address", name=op.f("uq_newcomers_channel_address")),
    )
    with op.batch_alter_table("newcomers", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_newcomers_contributor_id"), ["contributor_id"], unique=False
        )
        batch_op.create_index("ix_newcomers_desk", ["campaign_id", "state", "id"], unique=False)


def downgrade() -> None:
    for table in ("stopped_addresses", "follower_places", "passed_over", "newcomers", "manners"):
        op.drop_table(table)
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_constraint("uq_outbox_once", type_="unique")
        batch_op.drop_column("likeness")
        batch_op.drop_column("once")
        batch_op.drop_column("purpose")
    with op.batch_alter_table("replies", schema=None) as batch_op:
        batch_op.drop_index("ix_replies_author")
    with op.batch_alter_table("contributors", schema=None) as batch_op:
        batch_op.drop_column("zone")
