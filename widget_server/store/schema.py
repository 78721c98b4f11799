"""The tables. Times are milliseconds since 1970; `counts` and `text` are JSON in text columns."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: SQLite only counts up by itself in a column that is exactly INTEGER.
Id = BigInteger().with_variant(Integer, "sqlite")

meta = Table(
    "meta",
    metadata,
    Column("key", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)

sites = Table(
    "sites",
    metadata,
    Column("slug", String(40), primary_key=True),
    Column("name", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("oldest", Integer, nullable=False),
    Column("settings", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    # Counts up with every change of what pages may do: keys, settings, revocations, shut-outs.
    Column("rights", Integer, nullable=False, server_default="0"),
)

stories = Table(
    "stories",
    metadata,
    Column("id", Id, primary_key=True),
    Column("code", String(12), nullable=False, unique=True),
    Column("site", String(40), ForeignKey("sites.slug"), nullable=False),
    Column("key", String(200), nullable=False),
    Column("title", Text),
    Column("author", Text),
    Column("publisher", Text),
    Column("url", Text),
    Column("license", Text, nullable=False),
    # `iat` of the token whose attribution is shown; only a later one changes it.
    Column("attributed", BigInteger, nullable=False),
    Column("closed", Boolean, nullable=False),
    Column("notice", Text),
    # Every public change takes the next number under this row's lock.
    Column("seq", BigInteger, nullable=False),
    # Counts up with every change of any tally in the story; `version` and `counts` are its own.
    Column("tallies", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("counts", Text, nullable=False),
    # Published comments.
    Column("published", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("site", "key"),
    # A number is never given twice: an open page may still speak of a story that is gone.
    sqlite_autoincrement=True,
)

copies = Table(
    "copies",
    metadata,
    Column("id", Id, primary_key=True),
    Column("story", Id, ForeignKey("stories.id"), nullable=False),
    Column("jti", String(64), nullable=False),
    Column("origin", String(300), nullable=False),
    Column("label", Text),
    Column("lang", String(35)),
    Column("page", Text),
    Column("first_seen", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
    # Whether something was stored that came from there; another one's place may be given away.
    Column("used", Boolean, nullable=False, server_default=true()),
    # Whether its token says that the story's page may list it.
    Column("listed", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("story", "jti", "origin"),
    sqlite_autoincrement=True,
)

comments = Table(
    "comments",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("story", Id, ForeignKey("stories.id"), nullable=False),
    Column("parent", String(16)),
    Column("thread", String(16), nullable=False),
    # Place in the order of publication; 0 as long as only author and moderators may see it.
    Column("born", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("state", String(10), nullable=False),
    Column("source", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("waiting_source", Text),
    Column("waiting_text", Text),
    Column("name", Text),
    # The site signed this name.
    Column("vouched", Boolean, nullable=False, server_default=false()),
    Column("email", Text),
    Column("website", Text),
    Column("role", String(10)),
    Column("reader", String(32), nullable=False),
    Column("copy", Id, ForeignKey("copies.id")),
    Column("lang", String(35)),
    Column("created_at", BigInteger, nullable=False),
    Column("edited_at", BigInteger),
    Column("pinned", Boolean, nullable=False),
    Column("client_key", String(64), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("counts", Text, nullable=False),
    Column("score", Integer, nullable=False),
    UniqueConstraint("story", "reader", "client_key"),
)
Index("ix_comments_story_seq", comments.c.story, comments.c.seq)
Index("ix_comments_thread", comments.c.thread, comments.c.born)
Index("ix_comments_reader", comments.c.reader)
# Not “born > 0”: SQLite would rather use that as a range than an index that is in order already.
_TOP = text("parent IS NULL AND born <> 0")
Index(
    "ix_comments_top_born",
    comments.c.story,
    comments.c.born,
    sqlite_where=_TOP,
    postgresql_where=_TOP,
)
Index(
    "ix_comments_top_score",
    comments.c.story,
    comments.c.score,
    comments.c.born,
    sqlite_where=_TOP,
    postgresql_where=_TOP,
)
# Turned around, so that SQLite does not take the index of all top comments for this question.
_PINNED = text("parent IS NULL AND pinned AND 0 <> born")
Index("ix_comments_pinned", comments.c.story, sqlite_where=_PINNED, postgresql_where=_PINNED)
_COUNTED = text("version > 0")
Index(
    "ix_comments_story_version",
    comments.c.story,
    comments.c.version,
    sqlite_where=_COUNTED,
    postgresql_where=_COUNTED,
)
_PENDING = text("born = 0 OR waiting_source IS NOT NULL")
Index("ix_comments_pending", comments.c.story, sqlite_where=_PENDING, postgresql_where=_PENDING)

reactions = Table(
    "reactions",
    metadata,
    Column("story", Id, ForeignKey("stories.id"), primary_key=True),
    # A comment's id, or empty for the story itself.
    Column("target", String(16), primary_key=True),
    Column("reader", String(32), primary_key=True),
    Column("reaction", String(30), nullable=False),
    Column("copy", Id, ForeignKey("copies.id")),
    Column("at", BigInteger, nullable=False),
)
Index("ix_reactions_reader_story", reactions.c.reader, reactions.c.story)

reports = Table(
    "reports",
    metadata,
    Column("comment", String(16), ForeignKey("comments.id"), primary_key=True),
    Column("reader", String(32), primary_key=True),
    Column("reason", Text),
    Column("at", BigInteger, nullable=False),
)

revoked = Table(
    "revoked_tokens",
    metadata,
    Column("site", String(40), ForeignKey("sites.slug"), primary_key=True),
    Column("jti", String(64), primary_key=True),
    Column("at", BigInteger, nullable=False),
)

embed_files = Table(
    "embed_files",
    metadata,
    # As in its address below /embed/, with the hash of its content.
    Column("name", String(80), primary_key=True),
    Column("content", Text, nullable=False),
)

shut_out = Table(
    "shut_out_origins",
    metadata,
    Column("site", String(40), ForeignKey("sites.slug"), primary_key=True),
    Column("origin", String(300), primary_key=True),
    # A story's code, or empty for all stories of the site.
    Column("story", String(12), primary_key=True),
    Column("at", BigInteger, nullable=False),
)

identities = Table(
    "used_identities",
    metadata,
    Column("site", String(40), ForeignKey("sites.slug"), primary_key=True),
    Column("jti", String(64), primary_key=True),
    # Seconds; the row may go once no token with this `jti` could still be valid.
    Column("exp", BigInteger, nullable=False),
)

# What was erased, by ids alone: a restored backup that is older does not bring it back.
erasures = Table(
    "erasures",
    metadata,
    # `reader`: what a reader asked to have forgotten; `comment`: what was deleted or removed.
    Column("kind", String(10), primary_key=True),
    # A reader as the store knows them, or a comment's id.
    Column("subject", String(32), primary_key=True),
    # Of a reader, what was left up to this time is erased.
    Column("at", BigInteger, nullable=False),
)
