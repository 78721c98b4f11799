"""Origins that are shut out, names that a site signed, and a count of what changes rights."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shut_out_origins",
        sa.Column("site", sa.String(length=40), nullable=False),
        sa.Column("origin", sa.String(length=300), nullable=False),
        sa.Column("story", sa.String(length=12), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["sites.slug"], name=op.f("fk_shut_out_origins_site")),
        sa.PrimaryKeyConstraint("site", "origin", "story", name=op.f("pk_shut_out_origins")),
    )
    # With defaults: a server of the version before goes on writing rows without these columns.
    op.add_column("sites", sa.Column("rights", sa.Integer(), server_default="0", nullable=False))
    op.add_column(
        "comments", sa.Column("vouched", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    # Old rows do not record who was signed in. Only authors of a story certainly were.
    op.execute("UPDATE comments SET vouched = true WHERE role = 'author' AND name IS NOT NULL")
