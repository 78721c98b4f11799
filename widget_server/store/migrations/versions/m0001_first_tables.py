"""The first tables."""

import secrets
import time

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "meta",
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_meta")),
    )
    op.create_table(
        "sites",
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("oldest", sa.Integer(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_sites")),
    )
    op.create_table(
        "revoked_tokens",
        sa.Column("site", sa.String(length=40), nullable=False),
        sa.Column("jti", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["sites.slug"], name=op.f("fk_revoked_tokens_site")),
        sa.PrimaryKeyConstraint("site", "jti", name=op.f("pk_revoked_tokens")),
    )
    op.create_table(
        "stories",
        sa.Column("id", ID, nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("site", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("publisher", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("license", sa.Text(), nullable=False),
        sa.Column("attributed", sa.BigInteger(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("notice", sa.Text(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("tallies", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("published", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["sites.slug"], name=op.f("fk_stories_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stories")),
        sa.UniqueConstraint("code", name=op.f("uq_stories_code")),
        sa.UniqueConstraint("site", "key", name=op.f("uq_stories_site_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "used_identities",
        sa.Column("site", sa.String(length=40), nullable=False),
        sa.Column("jti", sa.String(length=64), nullable=False),
        sa.Column("exp", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["sites.slug"], name=op.f("fk_used_identities_site")),
        sa.PrimaryKeyConstraint("site", "jti", name=op.f("pk_used_identities")),
    )
    op.create_table(
        "copies",
        sa.Column("id", ID, nullable=False),
        sa.Column("story", ID, nullable=False),
        sa.Column("jti", sa.String(length=64), nullable=False),
        sa.Column("origin", sa.String(length=300), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("lang", sa.String(length=35), nullable=True),
        sa.Column("page", sa.Text(), nullable=True),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["story"], ["stories.id"], name=op.f("fk_copies_story")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_copies")),
        sa.UniqueConstraint("story", "jti", "origin", name=op.f("uq_copies_story_jti_origin")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "comments",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("story", ID, nullable=False),
        sa.Column("parent", sa.String(length=16), nullable=True),
        sa.Column("thread", sa.String(length=16), nullable=False),
        sa.Column("born", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("waiting_source", sa.Text(), nullable=True),
        sa.Column("waiting_text", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("website", sa.Text(), nullable=True),
        sa.Column("role", sa.String(length=10), nullable=True),
        sa.Column("reader", sa.String(length=32), nullable=False),
        sa.Column("copy", ID, nullable=True),
        sa.Column("lang", sa.String(length=35), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("edited_at", sa.BigInteger(), nullable=True),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("client_key", sa.String(length=64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["copy"], ["copies.id"], name=op.f("fk_comments_copy")),
        sa.ForeignKeyConstraint(["story"], ["stories.id"], name=op.f("fk_comments_story")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comments")),
        sa.UniqueConstraint(
            "story", "reader", "client_key", name=op.f("uq_comments_story_reader_client_key")
        ),
    )
    op.create_index(
        "ix_comments_pending",
        "comments",
        ["story"],
        unique=False,
        sqlite_where=sa.text("born = 0 OR waiting_source IS NOT NULL"),
        postgresql_where=sa.text("born = 0 OR waiting_source IS NOT NULL"),
    )
    op.create_index(
        "ix_comments_pinned",
        "comments",
        ["story"],
        unique=False,
        sqlite_where=sa.text("parent IS NULL AND pinned AND 0 <> born"),
        postgresql_where=sa.text("parent IS NULL AND pinned AND 0 <> born"),
    )
    op.create_index("ix_comments_reader", "comments", ["reader"], unique=False)
    op.create_index("ix_comments_story_seq", "comments", ["story", "seq"], unique=False)
    op.create_index(
        "ix_comments_story_version",
        "comments",
        ["story", "version"],
        unique=False,
        sqlite_where=sa.text("version > 0"),
        postgresql_where=sa.text("version > 0"),
    )
    op.create_index("ix_comments_thread", "comments", ["thread", "born"], unique=False)
    op.create_index(
        "ix_comments_top_born",
        "comments",
        ["story", "born"],
        unique=False,
        sqlite_where=sa.text("parent IS NULL AND born <> 0"),
        postgresql_where=sa.text("parent IS NULL AND born <> 0"),
    )
    op.create_index(
        "ix_comments_top_score",
        "comments",
        ["story", "score", "born"],
        unique=False,
        sqlite_where=sa.text("parent IS NULL AND born <> 0"),
        postgresql_where=sa.text("parent IS NULL AND born <> 0"),
    )
    op.create_table(
        "reactions",
        sa.Column("story", ID, nullable=False),
        sa.Column("target", sa.String(length=16), nullable=False),
        sa.Column("reader", sa.String(length=32), nullable=False),
        sa.Column("reaction", sa.String(length=30), nullable=False),
        sa.Column("copy", ID, nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["copy"], ["copies.id"], name=op.f("fk_reactions_copy")),
        sa.ForeignKeyConstraint(["story"], ["stories.id"], name=op.f("fk_reactions_story")),
        sa.PrimaryKeyConstraint("story", "target", "reader", name=op.f("pk_reactions")),
    )
    op.create_index("ix_reactions_reader_story", "reactions", ["reader", "story"], unique=False)
    op.create_table(
        "reports",
        sa.Column("comment", sa.String(length=16), nullable=False),
        sa.Column("reader", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["comment"], ["comments.id"], name=op.f("fk_reports_comment")),
        sa.PrimaryKeyConstraint("comment", "reader", name=op.f("pk_reports")),
    )

    meta = sa.table("meta", sa.column("key"), sa.column("value"))
    op.bulk_insert(
        meta,
        [
            # Names the numbering of this database. A restore sets another epoch.
            {"key": "epoch", "value": secrets.token_hex(8)},
            {"key": "made_at", "value": str(int(time.time() * 1000))},
        ],
    )
