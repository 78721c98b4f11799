"""Translations of stories: their titles and addresses by language."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("stories", sa.Column("translations", sa.Text()))
