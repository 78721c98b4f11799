"""Which copies agree to be listed on the story's page."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # False unless a token says otherwise: a version that does not know the column may write on.
    op.add_column(
        "copies", sa.Column("listed", sa.Boolean(), nullable=False, server_default=sa.false())
    )
