"""Record the copies from which an action was stored. Only other copies are replaced by new ones."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Default true: the previous version, which does not set the column, writes rows during a deploy.
    op.add_column(
        "copies", sa.Column("used", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    op.execute(
        "UPDATE copies SET used = false WHERE id NOT IN"
        " (SELECT copy FROM comments WHERE copy IS NOT NULL"
        " UNION SELECT copy FROM reactions WHERE copy IS NOT NULL)"
    )
