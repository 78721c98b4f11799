"""Rules about comments, and the comments that they hit."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "rules",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("site", sa.String(40), nullable=False),
        sa.Column("story", Id, nullable=True),
        sa.Column("copy", Id, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("action", sa.String(10), nullable=False),
        sa.Column("mode", sa.String(10), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(120), nullable=False),
        sa.Column("mode_at", sa.BigInteger(), nullable=False),
        sa.Column("mode_by", sa.String(120), nullable=False),
        sa.Column("blocked", sa.Integer(), nullable=False, server_default="0"),
        sa.ForeignKeyConstraint(["site"], ["sites.slug"], name=op.f("fk_rules_site")),
        sa.ForeignKeyConstraint(["story"], ["stories.id"], name=op.f("fk_rules_story")),
        sa.ForeignKeyConstraint(
            ["copy"], ["copies.id"], name=op.f("fk_rules_copy"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rules")),
    )
    op.create_index("ix_rules_site", "rules", ["site", "created_at"])
    op.create_index("ix_rules_copy", "rules", ["copy"])
    op.create_table(
        "rule_hits",
        sa.Column("site", sa.String(40), nullable=False),
        sa.Column("rule", sa.String(16), nullable=False),
        sa.Column("comment", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("acting", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["sites.slug"], name=op.f("fk_rule_hits_site")),
        sa.ForeignKeyConstraint(["comment"], ["comments.id"], name=op.f("fk_rule_hits_comment")),
        sa.PrimaryKeyConstraint("site", "rule", "comment", name=op.f("pk_rule_hits")),
    )
    op.create_index("ix_rule_hits_site_rule_at", "rule_hits", ["site", "rule", "at"])
    op.create_index("ix_rule_hits_comment", "rule_hits", ["comment"])
    op.create_index("ix_rule_hits_at", "rule_hits", ["at"])
