"""When a comment and a story changed last, for feeds, and the order of publication as an index."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # 0 unless this version writes the row: a server of the version before may write on.
    for table in ("stories", "comments"):
        op.add_column(
            table, sa.Column("changed_at", sa.BigInteger(), nullable=False, server_default="0")
        )
    op.execute("UPDATE stories SET changed_at = created_at")
    op.create_index("ix_stories_site_changed", "stories", ["site", "changed_at"])
    op.create_index("ix_comments_story_born", "comments", ["story", "born"])
