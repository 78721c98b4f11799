"""The moderators' desk: marks of what was looked at, watch-lists, second looks, and keys of one's own."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

IS_CLOSED = sa.text("closed_at IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "looked_at",
        sa.Column("site", sa.String(40), nullable=False),
        sa.Column("by", sa.String(120), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("comment", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("site", "by", name=op.f("pk_looked_at")),
    )
    op.create_table(
        "watch_lists",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("site", sa.String(40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("by", sa.String(120), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["sites.slug"], name=op.f("fk_watch_lists_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watch_lists")),
    )
    op.create_index("ix_watch_lists_site", "watch_lists", ["site", "created_at"])
    op.create_table(
        "second_looks",
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("site", sa.String(40), nullable=False),
        sa.Column("comment", sa.String(16), nullable=False),
        sa.Column("by", sa.String(120), nullable=False),
        sa.Column("stays", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("second_by", sa.String(120), nullable=True),
        sa.Column("second_stays", sa.Boolean(), nullable=True),
        sa.Column("second_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("decision", name=op.f("pk_second_looks")),
    )
    op.create_index("ix_second_looks_site", "second_looks", ["site", "second_at", "at"])
    op.create_index("ix_second_looks_at", "second_looks", ["at"])
    # JSON, or null for the usual keys.
    op.add_column("accounts", sa.Column("keys", sa.Text(), nullable=True))
    op.create_index(
        "ix_cases_closed",
        "cases",
        ["site", "closed_at"],
        sqlite_where=IS_CLOSED,
        postgresql_where=IS_CLOSED,
    )
    # Priorities are finer than before: those of reported comments follow from their reports.
    op.execute(
        "UPDATE cases SET priority = priority * 10 WHERE closed_at IS NULL AND priority < 10"
    )
    op.create_index("ix_batches_ended", "batches", ["ended_at"])
