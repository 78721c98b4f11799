"""What is due and when, closing dates of stories, and what the server saw on the pages of copies."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # Null unless a date is set: a version that does not know the column may write on.
    op.add_column("stories", sa.Column("closes_at", sa.BigInteger(), nullable=True))
    closes = sa.text("closes_at IS NOT NULL AND NOT closed")
    op.create_index(
        "ix_stories_closes_at",
        "stories",
        ["closes_at"],
        sqlite_where=closes,
        postgresql_where=closes,
    )
    op.create_table(
        "schedule",
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("every", sa.BigInteger(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("lease_by", sa.String(32), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(100), nullable=True),
        sa.PrimaryKeyConstraint("kind", "subject", name=op.f("pk_schedule")),
    )
    op.create_index("ix_schedule_kind_due_at", "schedule", ["kind", "due_at"])
    op.create_table(
        "page_facts",
        sa.Column("copy", Id, nullable=False),
        sa.Column("page", sa.Text(), nullable=False),
        sa.Column("host", sa.String(300), nullable=False),
        sa.Column("fetched_at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("lang", sa.String(35), nullable=True),
        sa.Column("credit", sa.Boolean(), nullable=True),
        sa.Column("licence", sa.Boolean(), nullable=True),
        sa.Column("snippet", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(
            ["copy"], ["copies.id"], name=op.f("fk_page_facts_copy"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("copy", name=op.f("pk_page_facts")),
    )
    op.create_index("ix_page_facts_host_fetched_at", "page_facts", ["host", "fetched_at"])
