"""The queue: counters of open cases, leases, batches by search, and where a case's comment was written."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IS_OPEN = sa.text("closed_at IS NULL")


def upgrade() -> None:
    # Both may be null: a server of the version before goes on opening cases without them.
    op.add_column("cases", sa.Column("copy", ID))
    op.add_column("cases", sa.Column("lang", sa.String(length=35)))
    op.execute(
        "UPDATE cases SET copy = (SELECT comments.copy FROM comments WHERE"
        " comments.id = cases.comment) WHERE closed_at IS NULL"
    )
    op.execute(
        "UPDATE cases SET lang = (SELECT comments.lang FROM comments WHERE"
        " comments.id = cases.comment) WHERE closed_at IS NULL"
    )
    for name, columns in (
        ("ix_cases_site", ["site", "priority", "opened_at", "id"]),
        ("ix_cases_story", ["story", "priority", "opened_at", "id"]),
        ("ix_cases_age", ["site", "queue", "opened_at"]),
    ):
        op.create_index(name, "cases", columns, sqlite_where=IS_OPEN, postgresql_where=IS_OPEN)
    op.create_index("ix_reports_reader", "reports", ["reader"])
    op.create_table(
        "case_counts",
        sa.Column("site", sa.String(length=40), nullable=False),
        sa.Column("queue", sa.String(length=12), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("site", "queue", name=op.f("pk_case_counts")),
    )
    op.execute(
        "INSERT INTO case_counts (site, queue, number) SELECT site, queue, COUNT(*) FROM cases"
        " WHERE closed_at IS NULL GROUP BY site, queue"
    )
    op.create_table(
        "case_leases",
        sa.Column("case_id", ID, autoincrement=False, nullable=False),
        sa.Column("site", sa.String(length=40), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_leases")),
    )
    op.create_index("ix_case_leases_site", "case_leases", ["site", "by"])
    op.create_index("ix_case_leases_until", "case_leases", ["until"])
    op.create_table(
        "batches",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("site", sa.String(length=40), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("verb", sa.String(length=16), nullable=False),
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=30)),
        sa.Column("note", sa.Text()),
        sa.Column("undoes", sa.String(length=16)),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
    )
    op.create_index("ix_batches_site", "batches", ["site", "created_at"])
    op.create_index("ix_batches_undoes", "batches", ["undoes"])
