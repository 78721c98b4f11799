"""Which version of a story's text each copy has, and which copies changed for their readers."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("copies", sa.Column("text_version", sa.Integer()))
    op.add_column(
        "sites", sa.Column("copy_changes", sa.Integer(), nullable=False, server_default="0")
    )
    op.create_table(
        "changed_copies",
        sa.Column("copy", ID, autoincrement=False, nullable=False),
        sa.Column("site", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["copy"], ["copies.id"], name=op.f("fk_changed_copies_copy"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("copy", name=op.f("pk_changed_copies")),
    )
    # What was decided before this version does not wait any more.
    op.execute(
        "DELETE FROM local_waits WHERE NOT EXISTS (SELECT 1 FROM cases WHERE cases.comment = local_waits.comment"
        " AND cases.queue IN ('pending', 'edits') AND cases.closed_at IS NULL)"
    )
    op.create_index("ix_changed_copies_site", "changed_copies", ["site", "number"])
