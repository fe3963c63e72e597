"""The site's graph: what stands where, what it was built from, and what is to be made again."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "places",
        sa.Column("definition_id", sa.String(length=32), nullable=False),
        sa.Column("campaign_id", sa.String(length=32), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=120), nullable=False),
        sa.Column("person_number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("definition_id", name=op.f("pk_places")),
    )
    op.create_index("ix_places_month", "places", ["campaign_id", "month", "number"])
    op.create_index("ix_places_person", "places", ["person", "person_number"])
    op.create_table(
        "site_entries",
        sa.Column("definition_id", sa.String(length=32), nullable=False),
        sa.Column("campaign_id", sa.String(length=32), nullable=False),
        sa.Column("grant_hash", sa.String(length=64), nullable=False),
        sa.Column("granted_at", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=300), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=120), nullable=False),
        sa.Column("person_number", sa.Integer(), nullable=False),
        sa.Column("in_editions", sa.Boolean(), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("url", sa.Text(), server_default="", nullable=False),
        sa.Column("words", sa.Text(), server_default="", nullable=False),
        sa.Column("lang", sa.Text(), server_default="", nullable=False),
        sa.Column("cite", sa.Text(), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("listed", sa.Text(), server_default="", nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("definition_id", name=op.f("pk_site_entries")),
    )
    for name, columns in {
        "newest": ["granted_at", "definition_id"],
        "campaign": ["campaign_id", "granted_at", "definition_id"],
        "month": ["campaign_id", "month", "number"],
        "person": ["person", "person_number"],
    }.items():
        op.create_index(f"ix_site_entries_{name}", "site_entries", columns)
    op.create_table(
        "site_groups",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("owner", sa.String(length=120), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "owner", "month", "part", name=op.f("pk_site_groups")),
    )
    op.create_table(
        "site_edges",
        sa.Column("definition_id", sa.String(length=32), nullable=False),
        sa.Column("edition_id", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("definition_id", "edition_id", name=op.f("pk_site_edges")),
    )
    op.create_index("ix_site_edges_edition_id", "site_edges", ["edition_id"])
    op.create_table(
        "site_dirty",
        sa.Column("path", sa.String(length=400), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("owner", sa.String(length=120), nullable=False),
        sa.Column("part", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_site_dirty")),
    )
    op.create_table(
        "site_sources",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("value", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_site_sources")),
    )


def downgrade() -> None:
    for name in ("sources", "dirty", "edges", "groups", "entries"):
        op.drop_table(f"site_{name}")
    op.drop_table("places")
