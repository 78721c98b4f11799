"""Settings of a story that override the site's, and the licence of each comment."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Both are empty for what an earlier version writes.
    op.add_column("stories", sa.Column("settings", sa.Text(), nullable=True))
    has_settings = sa.text("settings IS NOT NULL")
    op.create_index(
        "ix_stories_settings",
        "stories",
        ["site"],
        sqlite_where=has_settings,
        postgresql_where=has_settings,
    )
    op.add_column("comments", sa.Column("licence", sa.String(length=40), nullable=True))
