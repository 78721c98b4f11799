"""Comments that are hidden on one copy, and copies whose readers' comments wait."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("copies", sa.Column("handle", sa.String(length=16)))
    op.create_table(
        "hidden_comments",
        sa.Column("copy", ID, autoincrement=False, nullable=False),
        sa.Column("comment", sa.String(length=16), nullable=False),
        sa.Column("root", sa.String(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_site", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["copy"], ["copies.id"], name=op.f("fk_hidden_comments_copy"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("copy", "comment", "root", name=op.f("pk_hidden_comments")),
    )
    op.create_index("ix_hidden_comments_comment", "hidden_comments", ["comment"])
    op.create_table(
        "copy_approvals",
        sa.Column("copy", ID, autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_site", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["copy"], ["copies.id"], name=op.f("fk_copy_approvals_copy"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("copy", name=op.f("pk_copy_approvals")),
    )
    op.create_table(
        "local_waits",
        sa.Column("comment", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("comment", name=op.f("pk_local_waits")),
    )
