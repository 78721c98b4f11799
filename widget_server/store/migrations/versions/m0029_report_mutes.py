"""Readers whose reports no longer count, and the reports that do not."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("reports", sa.Column("muted_by", sa.String(16), nullable=True))
    op.create_index(
        "ix_reports_muted_by",
        "reports",
        ["muted_by"],
        sqlite_where=sa.text("muted_by IS NOT NULL"),
        postgresql_where=sa.text("muted_by IS NOT NULL"),
    )
    op.create_table(
        "report_mutes",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("site", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("comment", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["site"], ["sites.slug"], name=op.f("fk_report_mutes_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_mutes")),
    )
    op.create_index("ix_report_mutes_site", "report_mutes", ["site", "at"])
    op.create_index("ix_report_mutes_subject", "report_mutes", ["subject"])
    op.create_index("ix_report_mutes_until", "report_mutes", ["until"])
