"""Tokens that republishers make for themselves, and the texts of stories."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "republisher_tokens",
        sa.Column("site", sa.String(length=40), nullable=False),
        sa.Column("jti", sa.String(length=64), nullable=False),
        sa.Column("story", sa.String(length=12), nullable=False),
        sa.Column("label", sa.Text()),
        sa.Column("agreed_at", sa.BigInteger()),
        sa.Column("listed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["sites.slug"], name=op.f("fk_republisher_tokens_site")),
        sa.PrimaryKeyConstraint("site", "jti", name=op.f("pk_republisher_tokens")),
    )
    op.create_index("ix_republisher_tokens_story", "republisher_tokens", ["story", "created_at"])
    op.create_index("ix_republisher_tokens_secret", "republisher_tokens", ["secret_hash"])
    op.create_table(
        "story_texts",
        sa.Column("story", ID, autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("title", sa.Text()),
        sa.Column("format", sa.String(length=10), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("tree", sa.Text(), nullable=False),
        sa.Column("images", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["story"], ["stories.id"], name=op.f("fk_story_texts_story")),
        sa.PrimaryKeyConstraint("story", "version", name=op.f("pk_story_texts")),
    )
