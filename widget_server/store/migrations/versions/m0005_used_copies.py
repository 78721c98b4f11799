"""Which copies were acted on: only the others give up their place when a story has too many."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # True unless it is said otherwise: a version that does not know the column may write on.
    op.add_column(
        "copies", sa.Column("used", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    op.execute(
        "UPDATE copies SET used = false WHERE id NOT IN"
        " (SELECT copy FROM comments WHERE copy IS NOT NULL"
        " UNION SELECT copy FROM reactions WHERE copy IS NOT NULL)"
    )
