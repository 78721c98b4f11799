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
)

# Importing the tables of capacity, hints, local moderators, people, the queue, raids and bans adds them to `metadata`.
from widget_server.store import (
    schema_capacity as schema_capacity,
    schema_hints as schema_hints,
    schema_local as schema_local,
    schema_people as schema_people,
    schema_queue as schema_queue,
    schema_raids as schema_raids,
    schema_readers as schema_readers,
)
from widget_server.store.metadata import Id, metadata
from widget_server.store.schema_copies import changed_copies, copies, page_facts
from widget_server.store.schema_decisions import (
    IN_BATCH,
    IS_CLOSED,
    IS_OPEN,
    cases,
    decision_words,
    decisions,
    kept_texts,
    log_heads,
    site_decisions,
)
from widget_server.store.schema_learner import IS_TO_FORGET, learned, learners, words
from widget_server.store.schema_rights import (
    identities,
    republisher_tokens,
    revoked,
    shut_out,
    tokens,
)
from widget_server.store.schema_rules import asked_drafts, rule_hits, rules, text_marks
from widget_server.store.schema_server import embed_files, erasures, meta, schedule
from widget_server.store.schema_texts import story_texts

__all__ = [
    "HAS_REACTIONS",
    "IN_BATCH",
    "IS_CLOSED",
    "IS_OPEN",
    "IS_PENDING",
    "IS_PINNED_TOP_COMMENT",
    "IS_TOP_COMMENT",
    "IS_TO_FORGET",
    "asked_drafts",
    "cases",
    "changed_copies",
    "comments",
    "copies",
    "decision_words",
    "decisions",
    "embed_files",
    "erasures",
    "identities",
    "kept_texts",
    "learned",
    "learners",
    "log_heads",
    "meta",
    "metadata",
    "page_facts",
    "reactions",
    "reports",
    "republisher_tokens",
    "revoked",
    "rule_hits",
    "rules",
    "schedule",
    "shut_out",
    "site_decisions",
    "sites",
    "stories",
    "story_texts",
    "text_marks",
    "tokens",
    "words",
]

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
    # Incremented by every change of what the readers of single copies are told. `changed_copies` names them.
    Column("copy_changes", Integer, nullable=False, server_default="0"),
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
    # JSON of `{language: {title, url}}`, or null for none.
    Column("translations", Text),
    # JSON of the corrections, the oldest first, or null for none.
    Column("corrections", Text),
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
    # When it was featured, or null.
    Column("featured_at", BigInteger),
    # JSON list of the tags that moderators gave it, or null. For the site's own people only.
    Column("tags", Text),
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
IS_FEATURED = text("featured_at IS NOT NULL")
"""Comments that the site features."""
Index(
    "ix_comments_featured",
    comments.c.story,
    comments.c.featured_at,
    sqlite_where=IS_FEATURED,
    postgresql_where=IS_FEATURED,
)
IS_TAGGED = text("tags IS NOT NULL")
"""Comments that have a tag."""
Index(
    "ix_comments_tagged",
    comments.c.created_at,
    comments.c.id,
    sqlite_where=IS_TAGGED,
    postgresql_where=IS_TAGGED,
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
    # A key of `model.decisions.REASONS`, or null.
    Column("category", String(30)),
    # Id of the mute of its reader, because of which it does not count. Null: it counts.
    Column("muted_by", String(16)),
)

# What became of the earlier reports of a reader.
Index("ix_reports_reader", reports.c.reader)
IS_MUTED = text("muted_by IS NOT NULL")
Index("ix_reports_muted_by", reports.c.muted_by, sqlite_where=IS_MUTED, postgresql_where=IS_MUTED)
