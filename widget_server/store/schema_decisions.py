"""Tables of decisions: the logs, the words beside them, kept texts and open cases.

`schema` re-exports them. Times are milliseconds since 1970; `before`, `after`, `targets` and `reasons`
are JSON in text columns.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text, text

from widget_server.store.metadata import Id, metadata


def _entry_columns() -> list[Column[object]]:
    """Return the columns that the logs of stories and of sites share."""
    columns: list[Column[object]] = [
        Column("id", String(16), nullable=False, unique=True),
        Column("at", BigInteger, nullable=False),
        Column("actor_kind", String(10), nullable=False),
        Column("actor", Text, nullable=False),
        Column("via", String(10), nullable=False),
        # Name of the operating system's user if an account acted in a shell.
        Column("shell_user", Text),
        Column("verb", String(16), nullable=False),
        Column("reason", String(30)),
        Column("batch", String(16)),
        # Id of the decision that this one undoes.
        Column("undoes", String(16)),
        Column("before", Text, nullable=False),
        Column("after", Text, nullable=False),
        # Salted hash of the words in `decision_words`; the words can be erased, the hash stays.
        Column("words", String(64)),
        # Name of the key that signed the entry.
        Column("key", String(8), nullable=False),
        # Keyed hash over the previous entry's hash and all other columns.
        Column("hash", String(64), nullable=False),
    ]
    return columns


decisions = Table(
    "decisions",
    metadata,
    Column("story", Id, ForeignKey("stories.id"), primary_key=True),
    # 1, 2, 3 … in each story.
    Column("number", Integer, primary_key=True),
    Column("site", String(40), nullable=False),
    # A comment's id, or empty text for the story itself.
    Column("comment", String(16), nullable=False),
    *_entry_columns(),
)
Index("ix_decisions_site_at", decisions.c.site, decisions.c.at, decisions.c.id)
Index("ix_decisions_comment", decisions.c.story, decisions.c.comment, decisions.c.number)
IN_BATCH = text("batch IS NOT NULL")
"""Decisions that were made together."""
Index(
    "ix_decisions_batch",
    decisions.c.batch,
    sqlite_where=IN_BATCH,
    postgresql_where=IN_BATCH,
)

site_decisions = Table(
    "site_decisions",
    metadata,
    Column("site", String(40), ForeignKey("sites.slug"), primary_key=True),
    Column("number", Integer, primary_key=True),
    # JSON array of ids.
    Column("targets", Text, nullable=False),
    *_entry_columns(),
)
Index("ix_site_decisions_site_at", site_decisions.c.site, site_decisions.c.at, site_decisions.c.id)

# Notes and other free words of decisions. Erasing a row erases the words and the salt of their hash.
decision_words = Table(
    "decision_words",
    metadata,
    Column("decision", String(16), primary_key=True),
    # The comment that the decision is about, or empty text.
    Column("comment", String(16), nullable=False),
    Column("salt", String(32), nullable=False),
    # JSON object with `note` and, for the verb `notice`, `notice`.
    Column("words", Text, nullable=False),
)
Index("ix_decision_words_comment", decision_words.c.comment)

# Words that a decision took away, sealed, so that it can be undone. No public code reads this table.
# No foreign keys: a restored backup keeps rows whose comment it does not have.
kept_texts = Table(
    "kept_texts",
    metadata,
    Column("comment", String(16), primary_key=True),
    # Id of the decision that took the words away.
    Column("decision", String(16), nullable=False),
    # `removed` or `held`: the comment is a tombstone. `replaced`: it is still published.
    Column("why", String(10), nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("sealed", Text, nullable=False),
)
Index("ix_kept_texts_until", kept_texts.c.until)

cases = Table(
    "cases",
    metadata,
    Column("id", Id, primary_key=True),
    Column("site", String(40), nullable=False),
    Column("story", Id, ForeignKey("stories.id"), nullable=False),
    Column("comment", String(16), ForeignKey("comments.id"), nullable=False),
    Column("queue", String(12), nullable=False),
    Column("reasons", Text, nullable=False),
    # 0 is the most urgent.
    Column("priority", Integer, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("closed_at", BigInteger),
    # Id of the decision that closed the case. None: its author deleted the comment.
    Column("decision", String(16)),
    # Copy and language of the comment, for filters. No foreign key: a copy without comments may go.
    Column("copy", Id),
    Column("lang", String(35)),
    sqlite_autoincrement=True,
)
IS_OPEN = text("closed_at IS NULL")
"""Cases that wait for a person."""
Index(
    "uq_cases_open",
    cases.c.comment,
    cases.c.queue,
    unique=True,
    sqlite_where=IS_OPEN,
    postgresql_where=IS_OPEN,
)
Index(
    "ix_cases_open",
    cases.c.site,
    cases.c.queue,
    cases.c.priority,
    cases.c.opened_at,
    cases.c.id,
    sqlite_where=IS_OPEN,
    postgresql_where=IS_OPEN,
)
Index("ix_cases_comment", cases.c.comment)
for _name, _columns in {
    # All queues of a site, all cases of a story, and the oldest case of a queue.
    "ix_cases_site": ("site", "priority", "opened_at", "id"),
    "ix_cases_story": ("story", "priority", "opened_at", "id"),
    "ix_cases_age": ("site", "queue", "opened_at"),
}.items():
    Index(
        _name,
        *(cases.c[column] for column in _columns),
        sqlite_where=IS_OPEN,
        postgresql_where=IS_OPEN,
    )

IS_CLOSED = text("closed_at IS NOT NULL")
"""Cases that were decided, until their rows are deleted."""
Index(
    "ix_cases_closed",
    cases.c.site,
    cases.c.closed_at,
    sqlite_where=IS_CLOSED,
    postgresql_where=IS_CLOSED,
)

# The last entry of each log on each day. A copy of these rows is kept outside the database.
log_heads = Table(
    "log_heads",
    metadata,
    # `site:SLUG` or `story:CODE`.
    Column("log", String(50), primary_key=True),
    # Days since 1970.
    Column("day", Integer, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)
