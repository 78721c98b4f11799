"""Texts as they were when they were reported; each ban a row of its own, with the day of a network's key."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

NAMES = (
    "site",
    "subject",
    "kind",
    "mode",
    "decision",
    "comment",
    "reason",
    "by_person",
    "at",
    "until",
)
"""Columns of the table of bans before."""


def upgrade() -> None:
    op.create_table(
        "reported_texts",
        sa.Column("comment", sa.String(16), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("comment", "revision", name=op.f("pk_reported_texts")),
    )
    op.create_index("ix_reported_texts_until", "reported_texts", ["until"])
    # SQLite cannot change a primary key: the table is made anew. It has few rows.
    old = sa.table("bans", *(sa.column(name) for name in NAMES))
    rows = [dict(row._mapping) for row in op.get_bind().execute(sa.select(old))]
    op.drop_table("bans")
    made = op.create_table(
        "bans",
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("site", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("mode", sa.String(10), nullable=False),
        sa.Column("comment", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(30), nullable=True),
        sa.Column("by_person", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("day", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["site"], ["sites.slug"], name=op.f("fk_bans_site")),
        sa.PrimaryKeyConstraint("decision", name=op.f("pk_bans")),
    )
    op.create_index("ix_bans_site", "bans", ["site", "at"])
    op.create_index("ix_bans_subject", "bans", ["subject"])
    op.create_index("ix_bans_until", "bans", ["until"])
    if rows:
        op.bulk_insert(made, [row | {"by_person": bool(row["by_person"])} for row in rows])
