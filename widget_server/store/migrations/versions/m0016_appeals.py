"""Objections of readers, bans, categories of reports, and networks for two days."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("reports", sa.Column("category", sa.String(30), nullable=True))
    op.create_table(
        "appeals",
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("comment", sa.String(16), nullable=False),
        sa.Column("reader", sa.String(32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["comment"], ["comments.id"], name=op.f("fk_appeals_comment")),
        sa.PrimaryKeyConstraint("decision", name=op.f("pk_appeals")),
    )
    op.create_index("ix_appeals_comment", "appeals", ["comment"])
    op.create_index("ix_appeals_reader", "appeals", ["reader"])
    op.create_table(
        "bans",
        sa.Column("site", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("mode", sa.String(10), nullable=False),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("comment", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(30), nullable=True),
        sa.Column("by_person", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["site"], ["sites.slug"], name=op.f("fk_bans_site")),
        sa.PrimaryKeyConstraint("site", "subject", name=op.f("pk_bans")),
        sa.UniqueConstraint("decision", name=op.f("uq_bans_decision")),
    )
    op.create_index("ix_bans_until", "bans", ["until"])
    op.create_table(
        "network_days",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_network_days")),
    )
    op.create_table(
        "network_traces",
        sa.Column("comment", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("network", sa.String(64), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("comment", "kind", "network", name=op.f("pk_network_traces")),
    )
    op.create_index("ix_network_traces_day", "network_traces", ["day"])
