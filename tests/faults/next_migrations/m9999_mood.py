"""A column more, as compatible as the rules of docs/operators/operating.md ask."""

import os

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = os.environ["VERSION_BEFORE"]
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("comments", sa.Column("mood", sa.Text(), nullable=True))
