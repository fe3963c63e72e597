"""Interviews and endorsements: definitions of another kind, of which one reply can be in several.

On SQLite a uniqueness that was declared with the table can only go with the table. So it is made
anew, within the one transaction of the upgrade: references to it are checked at the end of that
(sqlite.org/foreignkeys.html, section 4.2), when every row is back in its place.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_OLD = "id, contributor_id, campaign_id, reply_id, slug, lang, created_at"


def _new_columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("kind", sa.String(length=16), server_default="definition", nullable=False),
        sa.Column("piece_id", sa.String(length=32), server_default="", nullable=False),
        sa.Column("part", sa.Integer(), server_default="0", nullable=False),
    )


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _make_anew()
    else:
        for column in _new_columns():
            op.add_column("definitions", column)
        op.drop_constraint("uq_definitions_reply_id", "definitions", type_="unique")
    op.create_index("ix_definitions_piece_id", "definitions", ["piece_id"])
    op.create_index(
        "ix_definitions_reply_id",
        "definitions",
        ["reply_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'definition'"),
        postgresql_where=sa.text("kind = 'definition'"),
    )
    op.create_table(
        "piece_sources",
        sa.Column("piece_id", sa.String(length=32), nullable=False),
        sa.Column("reply_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["piece_id"], ["definitions.id"], name=op.f("fk_piece_sources_piece_id_definitions")
        ),
        sa.ForeignKeyConstraint(
            ["reply_id"], ["replies.id"], name=op.f("fk_piece_sources_reply_id_replies")
        ),
        sa.PrimaryKeyConstraint("piece_id", "reply_id", name=op.f("pk_piece_sources")),
    )
    op.create_index("ix_piece_sources_reply_id", "piece_sources", ["reply_id"])
    op.add_column(
        "site_entries",
        sa.Column("kind", sa.String(length=16), server_default="definition", nullable=False),
    )
    op.add_column("site_entries", sa.Column("people", sa.Text(), server_default="", nullable=False))


def _make_anew() -> None:
    op.execute("PRAGMA defer_foreign_keys = ON")
    op.execute(f"CREATE TABLE definitions_aside AS SELECT {_OLD} FROM definitions")  # noqa: S608
    op.drop_table("definitions")
    op.create_table(
        "definitions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("contributor_id", sa.String(length=32), nullable=False),
        sa.Column("campaign_id", sa.String(length=32), nullable=False),
        sa.Column("reply_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=120), nullable=False),
        sa.Column("lang", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        *_new_columns(),
        sa.ForeignKeyConstraint(
            ["contributor_id"],
            ["contributors.id"],
            name=op.f("fk_definitions_contributor_id_contributors"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_definitions_campaign_id_campaigns")
        ),
        sa.ForeignKeyConstraint(
            ["reply_id"], ["replies.id"], name=op.f("fk_definitions_reply_id_replies")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_definitions")),
    )
    op.execute(f"INSERT INTO definitions ({_OLD}) SELECT {_OLD} FROM definitions_aside")  # noqa: S608
    op.drop_table("definitions_aside")
    op.create_index("ix_definitions_contributor_id", "definitions", ["contributor_id"])
    op.create_index("ix_definitions_campaign_id", "definitions", ["campaign_id"])
