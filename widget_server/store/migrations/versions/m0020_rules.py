"""Fingerprints of the last minutes that all processes share, and counts of the kind question."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for name in ("asked", "edited", "insisted"):
        op.add_column("rules", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "text_marks",
        sa.Column("comment", sa.String(16), nullable=False),
        sa.Column("site", sa.String(40), nullable=False),
        sa.Column("draft", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("comment", name=op.f("pk_text_marks")),
    )
    op.create_index("ix_text_marks_site_at", "text_marks", ["site", "at"])
    op.create_table(
        "asked_drafts",
        sa.Column("story", Id, autoincrement=False, nullable=False),
        sa.Column("reader", sa.String(32), nullable=False),
        sa.Column("rule", sa.String(16), nullable=False),
        sa.Column("draft", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("story", "reader", name=op.f("pk_asked_drafts")),
    )
    op.create_index("ix_asked_drafts_reader", "asked_drafts", ["reader"])
