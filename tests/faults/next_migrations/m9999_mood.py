"""Migration of the simulated next version: one more nullable column.

It is compatible as docs/operators/reliability.md ("Two versions side by side") requires.
"""

import os

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = os.environ["VERSION_BEFORE"]
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("comments", sa.Column("mood", sa.Text(), nullable=True))
