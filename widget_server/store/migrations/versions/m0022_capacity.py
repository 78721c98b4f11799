"""What the capacity of a site makes of its comments now."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "capacity_states",
        sa.Column("site", sa.String(40), nullable=False),
        sa.Column("mode", sa.String(10), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["sites.slug"], name=op.f("fk_capacity_states_site")),
        sa.PrimaryKeyConstraint("site", name=op.f("pk_capacity_states")),
    )
