"""Raids, how near stories are to a flood, and proofs of work that were used."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "raids",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("site", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("story", ID, nullable=True),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("held_until", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(120), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["sites.slug"], name=op.f("fk_raids_site")),
        sa.ForeignKeyConstraint(["story"], ["stories.id"], name=op.f("fk_raids_story")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_raids")),
    )
    op.create_index("ix_raids_site_until", "raids", ["site", "until"])
    op.create_index("ix_raids_until", "raids", ["until"])
    op.create_table(
        "flood_levels",
        sa.Column("story", ID, nullable=False),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("full_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["story"], ["stories.id"], name=op.f("fk_flood_levels_story")),
        sa.PrimaryKeyConstraint("story", "subject", name=op.f("pk_flood_levels")),
    )
    op.create_index("ix_flood_levels_full_at", "flood_levels", ["full_at"])
    op.create_table(
        "used_proofs",
        sa.Column("challenge", sa.String(64), nullable=False),
        sa.Column("site", sa.String(40), nullable=False),
        sa.Column("reader", sa.String(64), nullable=False),
        sa.Column("draft", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["sites.slug"], name=op.f("fk_used_proofs_site")),
        sa.PrimaryKeyConstraint("challenge", name=op.f("pk_used_proofs")),
    )
    op.create_index("ix_used_proofs_reader_at", "used_proofs", ["reader", "at"])
    op.create_index("ix_used_proofs_at", "used_proofs", ["at"])
