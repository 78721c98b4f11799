"""Tables of hints: what readers tell the editors about errors in stories, and how many wait.

`schema` imports them. Times are milliseconds since 1970.
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
    text as sql_text,
)

from widget_server.store.metadata import Id, metadata

# One row is one case of the queue `corrections`. It is no row of `cases`, which are about comments.
hints = Table(
    "hints",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("site", String(40), nullable=False),
    Column("story", Id, ForeignKey("stories.id"), nullable=False),
    Column("reader", String(32), nullable=False),
    Column("at", BigInteger, nullable=False),
    # The reader's words. Null once they were deleted.
    Column("text", Text),
    Column("passage", Text),
    # The name under which the reader wants to be thanked.
    Column("credit", Text),
    # `open`, `accepted` or `declined`.
    Column("state", String(10), nullable=False),
    # Id of the decision that answered it. Of an accepted one it is that of the correction too.
    Column("decision", String(16)),
    Column("decided_at", BigInteger),
    # What the editor wrote to the reader.
    Column("answer", Text),
    # Whether a correction names the reader's `credit`, or did: the log has the name of a withdrawn one.
    Column("credited", Boolean, nullable=False),
    # When the words of an answered one are deleted.
    Column("until", BigInteger),
)
IS_OPEN_HINT = sql_text("state = 'open'")
"""Hints that wait for an editor."""
Index(
    "ix_hints_open",
    hints.c.site,
    hints.c.at,
    hints.c.id,
    sqlite_where=IS_OPEN_HINT,
    postgresql_where=IS_OPEN_HINT,
)
Index("ix_hints_reader", hints.c.reader, hints.c.story)
Index("ix_hints_story", hints.c.story)
Index("ix_hints_decision", hints.c.decision)
Index("ix_hints_until", hints.c.until)

# Number of open hints. Not a row of `case_counts`: a server of the version before would set it to 0.
hint_counts = Table(
    "hint_counts",
    metadata,
    Column("site", String(40), primary_key=True),
    Column("number", Integer, nullable=False),
)
