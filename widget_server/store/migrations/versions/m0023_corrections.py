"""Corrections of stories."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("stories", sa.Column("corrections", sa.Text(), nullable=True))
