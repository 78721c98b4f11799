"""When a comment was featured."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("comments", sa.Column("featured_at", sa.BigInteger()))
    op.create_index(
        "ix_comments_featured",
        "comments",
        ["story", "featured_at"],
        sqlite_where=sa.text("featured_at IS NOT NULL"),
        postgresql_where=sa.text("featured_at IS NOT NULL"),
    )
