"""Tables of the whole server: its own values, the embed's files, erasures, and scheduled work."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from widget_server.store.metadata import metadata

meta = Table(
    "meta",
    metadata,
    Column("key", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)

embed_files = Table(
    "embed_files",
    metadata,
    # The name in the file's URL below /embed/, with the hash of the content.
    Column("name", String(80), primary_key=True),
    Column("content", Text, nullable=False),
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
