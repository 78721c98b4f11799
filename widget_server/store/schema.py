"""Tables and the predicates of their partial indexes.

Times are milliseconds since 1970; `counts` and `text` are JSON in text columns. A query uses a partial
index only if it repeats the index's predicate word for word, so queries import the predicates from here.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)

# Importing the tables of people and of the queue adds them to `metadata`.
from widget_server.store import schema_people as schema_people, schema_queue as schema_queue
from widget_server.store.metadata import Id, metadata
from widget_server.store.schema_decisions import (
    IN_BATCH,
    IS_OPEN,
    cases,
    decision_words,
    decisions,
    kept_texts,
    log_heads,
    site_decisions,
)

__all__ = [
    "HAS_REACTIONS",
    "IN_BATCH",
    "IS_OPEN",
    "IS_PENDING",
    "IS_PINNED_TOP_COMMENT",
    "IS_TOP_COMMENT",
    "cases",
    "comments",
    "copies",
    "decision_words",
    "decisions",
    "embed_files",
    "erasures",
    "identities",
    "kept_texts",
    "log_heads",
    "meta",
    "metadata",
    "reactions",
    "reports",
    "revoked",
    "shut_out",
    "site_decisions",
    "sites",
    "stories",
]

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
    # Incremented by every change of what pages may do: keys, settings, revocations, shut-outs.
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
    # `iat` (seconds) of the token whose attribution is shown. Only a later token changes it.
    Column("attributed", BigInteger, nullable=False),
    Column("closed", Boolean, nullable=False),
    Column("notice", Text),
    # Number of the last public change. It is incremented under this row's lock.
    Column("seq", BigInteger, nullable=False),
    # Incremented by every change of any tally in the story. `version` and `counts` are the story's own.
    Column("tallies", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("counts", Text, nullable=False),
    # Number of published comments.
    Column("published", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    # Number of entries in the story's log, and the hash of the last one.
    Column("decisions", Integer, nullable=False, server_default="0"),
    Column("log_hash", String(64), nullable=False, server_default=""),
    # When the story is to be closed. Null: when the site's settings say, or never.
    Column("closes_at", BigInteger),
    # JSON of the settings that override the site's, or null for none.
    Column("settings", Text),
    # Time of the last change that `seq` counts.
    Column("changed_at", BigInteger, nullable=False, server_default="0"),
    UniqueConstraint("site", "key"),
    # Ids are never reused: an open page may still hold the id of a deleted story.
    sqlite_autoincrement=True,
)
WILL_CLOSE = text("closes_at IS NOT NULL AND NOT closed")
"""Open stories with a closing date."""
Index(
    "ix_stories_closes_at",
    stories.c.closes_at,
    sqlite_where=WILL_CLOSE,
    postgresql_where=WILL_CLOSE,
)
HAS_SETTINGS = text("settings IS NOT NULL")
"""Stories with settings of their own."""
Index(
    "ix_stories_settings",
    stories.c.site,
    sqlite_where=HAS_SETTINGS,
    postgresql_where=HAS_SETTINGS,
)

Index("ix_stories_site_changed", stories.c.site, stories.c.changed_at)

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
    # Whether an action was stored from this copy. Only an unused copy may be replaced by a new one.
    Column("used", Boolean, nullable=False, server_default=true()),
    # Whether its token says that the story's page may list it.
    Column("listed", Boolean, nullable=False, server_default=false()),
    # Generation of the key that signed its token; null for a bare code and for a copy that was not
    # seen since the column exists.
    Column("generation", Integer),
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
    # Place in the order of publication. 0 while only the author and moderators may see the comment.
    Column("born", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("state", String(10), nullable=False),
    Column("source", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("waiting_source", Text),
    Column("waiting_text", Text),
    Column("name", Text),
    # Whether the site signed this name.
    Column("vouched", Boolean, nullable=False, server_default=false()),
    Column("email", Text),
    Column("website", Text),
    Column("role", String(10)),
    Column("reader", String(32), nullable=False),
    Column("copy", Id, ForeignKey("copies.id")),
    Column("lang", String(35)),
    Column("created_at", BigInteger, nullable=False),
    Column("edited_at", BigInteger),
    # Time of the last change that `seq` counts, also of a removal. 0 in rows of earlier versions.
    Column("changed_at", BigInteger, nullable=False, server_default="0"),
    Column("pinned", Boolean, nullable=False),
    Column("client_key", String(64), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("counts", Text, nullable=False),
    Column("score", Integer, nullable=False),
    # Incremented when the author's words change. A decision names the revision that it is about.
    Column("revision", Integer, nullable=False, server_default="1"),
    # SPDX id of the licence that the site showed to its author, or null.
    Column("licence", String(40)),
    UniqueConstraint("story", "reader", "client_key"),
)
Index("ix_comments_story_seq", comments.c.story, comments.c.seq)
Index("ix_comments_story_born", comments.c.story, comments.c.born)
Index("ix_comments_thread", comments.c.thread, comments.c.born)
Index("ix_comments_reader", comments.c.reader)
# The numbers of a copy. Without it, the deletion of a copy would also read all comments.
Index("ix_comments_copy", comments.c.copy, comments.c.state)
# Comments over time: all columns that the query reads, so that it reads no text.
Index(
    "ix_comments_story_created",
    comments.c.story,
    comments.c.created_at,
    comments.c.state,
    comments.c.copy,
    comments.c.lang,
)
# Not “born > 0”: SQLite would use that as a range and then sort, instead of reading an ordered index.
IS_TOP_COMMENT = text("parent IS NULL AND born <> 0")
"""Published or removed comments without a parent."""
Index(
    "ix_comments_top_born",
    comments.c.story,
    comments.c.born,
    sqlite_where=IS_TOP_COMMENT,
    postgresql_where=IS_TOP_COMMENT,
)
Index(
    "ix_comments_top_score",
    comments.c.story,
    comments.c.score,
    comments.c.born,
    sqlite_where=IS_TOP_COMMENT,
    postgresql_where=IS_TOP_COMMENT,
)
# “0 <> born” and not “born <> 0”: otherwise SQLite reads the index of all top comments for this query.
IS_PINNED_TOP_COMMENT = text("parent IS NULL AND pinned AND 0 <> born")
"""Pinned comments without a parent."""
Index(
    "ix_comments_pinned",
    comments.c.story,
    sqlite_where=IS_PINNED_TOP_COMMENT,
    postgresql_where=IS_PINNED_TOP_COMMENT,
)
HAS_REACTIONS = text("version > 0")
"""Comments whose tally has changed at least once."""
Index(
    "ix_comments_story_version",
    comments.c.story,
    comments.c.version,
    sqlite_where=HAS_REACTIONS,
    postgresql_where=HAS_REACTIONS,
)
# In parentheses: queries combine this predicate with others by AND.
IS_PENDING = text("(born = 0 OR waiting_source IS NOT NULL)")
"""Pending comments and comments with a pending edit. Removed pending comments match as well."""
Index(
    "ix_comments_pending",
    comments.c.story,
    sqlite_where=IS_PENDING,
    postgresql_where=IS_PENDING,
)

reactions = Table(
    "reactions",
    metadata,
    Column("story", Id, ForeignKey("stories.id"), primary_key=True),
    # A comment's id, or empty text for the story itself.
    Column("target", String(16), primary_key=True),
    Column("reader", String(32), primary_key=True),
    Column("reaction", String(30), nullable=False),
    Column("copy", Id, ForeignKey("copies.id")),
    Column("at", BigInteger, nullable=False),
)
Index("ix_reactions_reader_story", reactions.c.reader, reactions.c.story)
# The numbers of a copy. Without it, the deletion of a copy would also read all reactions.
Index("ix_reactions_copy", reactions.c.copy, reactions.c.target)
IS_STORY_REACTION = text("target = ''")
"""Reactions to a story itself, not to its comments."""
Index(
    "ix_reactions_story_at",
    reactions.c.story,
    reactions.c.at,
    reactions.c.reaction,
    reactions.c.copy,
    sqlite_where=IS_STORY_REACTION,
    postgresql_where=IS_STORY_REACTION,
)

reports = Table(
    "reports",
    metadata,
    Column("comment", String(16), ForeignKey("comments.id"), primary_key=True),
    Column("reader", String(32), primary_key=True),
    Column("reason", Text),
    Column("at", BigInteger, nullable=False),
)

# What became of the earlier reports of a reader.
Index("ix_reports_reader", reports.c.reader)

revoked = Table(
    "revoked_tokens",
    metadata,
    Column("site", String(40), ForeignKey("sites.slug"), primary_key=True),
    Column("jti", String(64), primary_key=True),
    Column("at", BigInteger, nullable=False),
)

# What each minted token says, never the token itself. A token that was minted elsewhere gets its row
# when a page shows it for the first time.
tokens = Table(
    "tokens",
    metadata,
    Column("site", String(40), ForeignKey("sites.slug"), primary_key=True),
    Column("jti", String(64), primary_key=True),
    # The story's key. A publisher may sign tokens for several stories with one handle.
    Column("story", String(200), primary_key=True),
    Column("label", Text),
    # JSON lists.
    Column("origins", Text, nullable=False),
    Column("rights", Text, nullable=False),
    Column("lang", String(35)),
    # `iat` and `exp` of the token, in seconds since 1970.
    Column("iat", BigInteger, nullable=False),
    Column("exp", BigInteger),
    # Generation of the key that signed it; null if it is not known.
    Column("generation", Integer),
    # Who minted it, as `account:…`, `key:…` or `shell:…`; null if it was minted elsewhere.
    Column("by", String(120)),
    Column("created_at", BigInteger, nullable=False),
)
Index("ix_tokens_site_created", tokens.c.site, tokens.c.created_at, tokens.c.jti)

embed_files = Table(
    "embed_files",
    metadata,
    # The name in the file's URL below /embed/, with the hash of the content.
    Column("name", String(80), primary_key=True),
    Column("content", Text, nullable=False),
)

shut_out = Table(
    "shut_out_origins",
    metadata,
    Column("site", String(40), ForeignKey("sites.slug"), primary_key=True),
    Column("origin", String(300), primary_key=True),
    # A story's code, or empty text for all stories of the site.
    Column("story", String(12), primary_key=True),
    Column("at", BigInteger, nullable=False),
)

identities = Table(
    "used_identities",
    metadata,
    Column("site", String(40), ForeignKey("sites.slug"), primary_key=True),
    Column("jti", String(64), primary_key=True),
    # Seconds since 1970. The row is deleted once no token with this `jti` can be valid any more.
    Column("exp", BigInteger, nullable=False),
)

# Ids of erased things. Restoring an older backup reads them and erases the same things again.
erasures = Table(
    "erasures",
    metadata,
    # `reader`: a reader asked for erasure. `comment`: a comment was deleted or removed.
    Column("kind", String(10), primary_key=True),
    # A reader id or a comment id.
    Column("subject", String(32), primary_key=True),
    # For a reader: everything stored up to this time is erased.
    Column("at", BigInteger, nullable=False),
)

# What is to be done and when. Any process may lease a row that is due: see `queries/schedule.py`.
schedule = Table(
    "schedule",
    metadata,
    Column("kind", String(40), primary_key=True),
    # What the work is about: a story's code, a copy's id, or empty text.
    Column("subject", String(64), primary_key=True),
    Column("due_at", BigInteger, nullable=False),
    # Milliseconds between two runs. Null: the row is deleted once the work is done.
    Column("every", BigInteger),
    # Until then the work belongs to the lease `lease_by`. 0: to nobody.
    Column("lease_until", BigInteger, nullable=False),
    Column("lease_by", String(32)),
    # Leases since the work was last done.
    Column("tries", Integer, nullable=False),
    # Class of the last error. Never its text, which could name an address.
    Column("last_error", String(100)),
)
Index("ix_schedule_kind_due_at", schedule.c.kind, schedule.c.due_at)

page_facts = Table(
    "page_facts",
    metadata,
    Column("copy", Id, ForeignKey("copies.id", ondelete="CASCADE"), primary_key=True),
    # The page that was looked at. The copy may have been seen on another page since.
    Column("page", Text, nullable=False),
    Column("host", String(300), nullable=False),
    # When the server last asked for the page.
    Column("fetched_at", BigInteger, nullable=False),
    # `asked` until the page was read, then a status of `model.page_facts`.
    Column("status", String(20), nullable=False),
    Column("title", Text),
    Column("lang", String(35)),
    # Whether the page has them. Null: unknown.
    Column("credit", Boolean),
    Column("licence", Boolean),
    Column("snippet", Boolean),
)
Index("ix_page_facts_host_fetched_at", page_facts.c.host, page_facts.c.fetched_at)
