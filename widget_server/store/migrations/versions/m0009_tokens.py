"""Tokens that were minted or seen, the key generation of each copy, and indexes for the numbers."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tokens",
        sa.Column("site", sa.String(length=40), nullable=False),
        sa.Column("jti", sa.String(length=64), nullable=False),
        sa.Column("story", sa.String(length=200), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("origins", sa.Text(), nullable=False),
        sa.Column("rights", sa.Text(), nullable=False),
        sa.Column("lang", sa.String(length=35), nullable=True),
        sa.Column("iat", sa.BigInteger(), nullable=False),
        sa.Column("exp", sa.BigInteger(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=True),
        sa.Column("by", sa.String(length=120), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["sites.slug"], name=op.f("fk_tokens_site")),
        sa.PrimaryKeyConstraint("site", "jti", "story", name=op.f("pk_tokens")),
    )
    op.create_index("ix_tokens_site_created", "tokens", ["site", "created_at", "jti"])
    op.add_column("copies", sa.Column("generation", sa.Integer(), nullable=True))
    # What the copies know about their tokens. The rest is filled in when a page shows the token again.
    op.execute(
        "INSERT INTO tokens (site, jti, story, label, origins, rights, lang, iat, created_at)"
        " SELECT stories.site, copies.jti, stories.key, MAX(copies.label), '[]', '[]',"
        " MAX(copies.lang), 0, MIN(copies.first_seen)"
        " FROM copies JOIN stories ON stories.id = copies.story WHERE copies.jti <> 'open'"
        " GROUP BY stories.site, copies.jti, stories.key"
    )
    op.create_index("ix_comments_copy", "comments", ["copy", "state"])
    op.create_index(
        "ix_comments_story_created", "comments", ["story", "created_at", "state", "copy", "lang"]
    )
    op.create_index("ix_reactions_copy", "reactions", ["copy", "target"])
    op.create_index(
        "ix_reactions_story_at",
        "reactions",
        ["story", "at", "reaction", "copy"],
        sqlite_where=sa.text("target = ''"),
        postgresql_where=sa.text("target = ''"),
    )
