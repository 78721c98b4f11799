"""Rules about comments, the comments that they hit, and what the learned filter counts."""

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
    op.create_table(
        "learners",
        sa.Column("site", sa.String(40), nullable=False),
        sa.Column("mode", sa.String(10), nullable=False),
        sa.Column("mode_at", sa.BigInteger(), nullable=False),
        sa.Column("mode_by", sa.String(120), nullable=False),
        sa.Column("rate", sa.Integer(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("good", sa.Integer(), nullable=False),
        sa.Column("bad", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("curve", sa.Text(), nullable=False),
        sa.Column("curve_version", sa.Integer(), nullable=False),
        sa.Column("curve_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_until", sa.BigInteger(), nullable=False),
        sa.Column("stood_until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["sites.slug"], name=op.f("fk_learners_site")),
        sa.PrimaryKeyConstraint("site", name=op.f("pk_learners")),
    )
    op.create_table(
        "words",
        sa.Column("site", sa.String(40), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("good", sa.Integer(), nullable=False),
        sa.Column("bad", sa.Integer(), nullable=False),
        sa.Column("readers", sa.Text(), nullable=False),
        sa.Column("used_by", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["sites.slug"], name=op.f("fk_words_site")),
        sa.PrimaryKeyConstraint("site", "token", name=op.f("pk_words")),
    )
    op.create_table(
        "learned",
        sa.Column("comment", sa.String(16), nullable=False),
        sa.Column("site", sa.String(40), nullable=False),
        sa.Column("bad", sa.Boolean(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("forget", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.ForeignKeyConstraint(["comment"], ["comments.id"], name=op.f("fk_learned_comment")),
        sa.ForeignKeyConstraint(["site"], ["sites.slug"], name=op.f("fk_learned_site")),
        sa.PrimaryKeyConstraint("comment", name=op.f("pk_learned")),
    )
    op.create_index("ix_learned_site_bad_at", "learned", ["site", "bad", "at"])
    forgotten = sa.text("forget")
    op.create_index(
        "ix_learned_forget",
        "learned",
        ["site"],
        sqlite_where=forgotten,
        postgresql_where=forgotten,
    )
