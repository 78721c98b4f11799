"""The tags of a comment."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("comments", sa.Column("tags", sa.Text()))
    op.create_index(
        "ix_comments_tagged",
        "comments",
        ["created_at", "id"],
        sqlite_where=sa.text("tags IS NOT NULL"),
        postgresql_where=sa.text("tags IS NOT NULL"),
    )
