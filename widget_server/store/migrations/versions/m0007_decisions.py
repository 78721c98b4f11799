"""Logs of decisions, the texts that decisions keep, and the cases that wait for a decision."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IN_BATCH = sa.text("batch IS NOT NULL")
IS_OPEN = sa.text("closed_at IS NULL")


def _entry_columns(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor_kind", sa.String(length=10), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("via", sa.String(length=10), nullable=False),
        sa.Column("shell_user", sa.Text()),
        sa.Column("verb", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=30)),
        sa.Column("batch", sa.String(length=16)),
        sa.Column("undoes", sa.String(length=16)),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("words", sa.String(length=64)),
        sa.Column("key", sa.String(length=8), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.UniqueConstraint("id", name=op.f(f"uq_{table}_id")),
    ]


def upgrade() -> None:
    # With defaults: a server of the version before goes on writing rows without these columns.
    op.add_column(
        "comments", sa.Column("revision", sa.Integer(), server_default="1", nullable=False)
    )
    op.add_column(
        "stories", sa.Column("decisions", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column(
        "stories", sa.Column("log_hash", sa.String(length=64), server_default="", nullable=False)
    )
    _create_logs()
    _create_kept_texts()
    _create_cases()
    _open_cases()


def _create_logs() -> None:
    op.create_table(
        "decisions",
        sa.Column("story", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("site", sa.String(length=40), nullable=False),
        sa.Column("comment", sa.String(length=16), nullable=False),
        *_entry_columns("decisions"),
        sa.ForeignKeyConstraint(["story"], ["stories.id"], name=op.f("fk_decisions_story")),
        sa.PrimaryKeyConstraint("story", "number", name=op.f("pk_decisions")),
    )
    op.create_index("ix_decisions_site_at", "decisions", ["site", "at", "id"])
    op.create_index("ix_decisions_comment", "decisions", ["story", "comment", "number"])
    op.create_index(
        "ix_decisions_batch",
        "decisions",
        ["batch"],
        sqlite_where=IN_BATCH,
        postgresql_where=IN_BATCH,
    )
    op.create_table(
        "site_decisions",
        sa.Column("site", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("targets", sa.Text(), nullable=False),
        *_entry_columns("site_decisions"),
        sa.ForeignKeyConstraint(["site"], ["sites.slug"], name=op.f("fk_site_decisions_site")),
        sa.PrimaryKeyConstraint("site", "number", name=op.f("pk_site_decisions")),
    )
    op.create_index("ix_site_decisions_site_at", "site_decisions", ["site", "at", "id"])
    op.create_table(
        "decision_words",
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("comment", sa.String(length=16), nullable=False),
        sa.Column("salt", sa.String(length=32), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("decision", name=op.f("pk_decision_words")),
    )
    op.create_index("ix_decision_words_comment", "decision_words", ["comment"])
    op.create_table(
        "log_heads",
        sa.Column("log", sa.String(length=50), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("log", "day", name=op.f("pk_log_heads")),
    )


def _create_kept_texts() -> None:
    op.create_table(
        "kept_texts",
        sa.Column("comment", sa.String(length=16), nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("why", sa.String(length=10), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("comment", name=op.f("pk_kept_texts")),
    )
    op.create_index("ix_kept_texts_until", "kept_texts", ["until"])


def _create_cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", ID, nullable=False),
        sa.Column("site", sa.String(length=40), nullable=False),
        sa.Column("story", ID, nullable=False),
        sa.Column("comment", sa.String(length=16), nullable=False),
        sa.Column("queue", sa.String(length=12), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("closed_at", sa.BigInteger()),
        sa.Column("decision", sa.String(length=16)),
        sa.ForeignKeyConstraint(["story"], ["stories.id"], name=op.f("fk_cases_story")),
        sa.ForeignKeyConstraint(["comment"], ["comments.id"], name=op.f("fk_cases_comment")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_cases_open",
        "cases",
        ["comment", "queue"],
        unique=True,
        sqlite_where=IS_OPEN,
        postgresql_where=IS_OPEN,
    )
    op.create_index(
        "ix_cases_open",
        "cases",
        ["site", "queue", "priority", "opened_at", "id"],
        sqlite_where=IS_OPEN,
        postgresql_where=IS_OPEN,
    )
    op.create_index("ix_cases_comment", "cases", ["comment"])


def _open_cases() -> None:
    """Open a case for everything that waited or was reported before there were cases."""
    columns = "site, story, comment, queue, reasons, priority, opened_at, revision"
    joined = "FROM comments JOIN stories ON stories.id = comments.story"
    op.execute(
        f"INSERT INTO cases ({columns}) SELECT stories.site, comments.story, comments.id, 'pending',"
        f" '[]', 5, comments.created_at, 1 {joined} WHERE comments.state = 'pending'"
        " ORDER BY comments.created_at"
    )
    op.execute(
        f"INSERT INTO cases ({columns}) SELECT stories.site, comments.story, comments.id, 'edits',"
        f" '[]', 5, comments.created_at, 1 {joined} WHERE comments.state = 'published'"
        " AND comments.waiting_source IS NOT NULL ORDER BY comments.created_at"
    )
    op.execute(
        f"INSERT INTO cases ({columns}) SELECT stories.site, comments.story, comments.id, 'reported',"
        f" '[\"other\"]', 3, MIN(reports.at), 1 {joined} JOIN reports ON reports.comment = comments.id"
        " WHERE comments.state = 'published' GROUP BY stories.site, comments.story, comments.id"
        " ORDER BY MIN(reports.at)"
    )
