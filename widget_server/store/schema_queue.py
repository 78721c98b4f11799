"""Tables of the queue: counters of open cases, leases, and batches of decisions that a search names.

Times are milliseconds since 1970.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from widget_server.store.metadata import Id, metadata

# Number of open cases. Every transaction that opens or closes cases changes it.
case_counts = Table(
    "case_counts",
    metadata,
    Column("site", String(40), primary_key=True),
    Column("queue", String(12), primary_key=True),
    Column("number", Integer, nullable=False),
)

# Who looks at a case. A lease ends by itself; the row of an ended one may be taken by another person.
# No foreign key: rows of closed cases are deleted when their time is over.
case_leases = Table(
    "case_leases",
    metadata,
    Column("case_id", Id, primary_key=True, autoincrement=False),
    Column("site", String(40), nullable=False),
    # Who has it, as `account:…`, `key:…` or `shell:…`.
    Column("by", String(120), nullable=False),
    Column("until", BigInteger, nullable=False),
)
Index("ix_case_leases_site", case_leases.c.site, case_leases.c.by)
Index("ix_case_leases_until", case_leases.c.until)

# A decision about all comments that a search finds, made in chunks by a job. Its id is that of the batch
# in the log.
batches = Table(
    "batches",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("site", String(40), nullable=False),
    # JSON of the actor who ordered it.
    Column("actor", Text, nullable=False),
    Column("verb", String(16), nullable=False),
    # JSON of the search. It names a writer by one of their comments, never by the reader's id.
    Column("search", Text, nullable=False),
    Column("reason", String(30)),
    Column("note", Text),
    # Id of the batch that this one undoes.
    Column("undoes", String(16)),
    # Comments that the search found when it was ordered.
    Column("total", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
)
Index("ix_batches_undoes", batches.c.undoes)
Index("ix_batches_site", batches.c.site, batches.c.created_at)
