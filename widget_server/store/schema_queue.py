"""Tables of the queue: counters of open cases, leases, handed cases, batches of decisions that a search names,
marks of what each person has looked at, watch-lists, and second looks.

Times are milliseconds since 1970.
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
)

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

# Cases that one person handed over to another. No other person gets them from a queue until their time is over.
# No foreign key: rows of closed cases are deleted by a job.
handed_cases = Table(
    "handed_cases",
    metadata,
    Column("case_id", Id, primary_key=True, autoincrement=False),
    Column("site", String(40), nullable=False),
    # To whom, and by whom, as `account:…`, `key:…` or `shell:…`.
    Column("person", String(120), nullable=False),
    Column("by", String(120), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    # Words for that person.
    Column("note", Text),
)
Index("ix_handed_cases_person", handed_cases.c.site, handed_cases.c.person)

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
Index("ix_batches_ended", batches.c.ended_at)

# Up to which published comment a person has looked at what came in, in order of time and id.
looked_at = Table(
    "looked_at",
    metadata,
    Column("site", String(40), primary_key=True),
    # Who, as `account:…`, `key:…` or `shell:…`.
    Column("by", String(120), primary_key=True),
    # Time and id of the comment. No foreign key: the comment may go.
    Column("at", BigInteger, nullable=False),
    Column("comment", String(16), nullable=False),
)

# Named sets of stories whose cases are a queue of their own.
watch_lists = Table(
    "watch_lists",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("site", String(40), ForeignKey("sites.slug"), nullable=False),
    Column("name", Text, nullable=False),
    # JSON of `model.queue.StorySet`.
    Column("terms", Text, nullable=False),
    Column("by", String(120), nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
Index("ix_watch_lists_site", watch_lists.c.site, watch_lists.c.created_at)

# Decisions of people that another person looks at again without being told the first one.
second_looks = Table(
    "second_looks",
    metadata,
    # Id of the first decision.
    Column("decision", String(16), primary_key=True),
    Column("site", String(40), nullable=False),
    # No foreign key: the comment may go.
    Column("comment", String(16), nullable=False),
    Column("by", String(120), nullable=False),
    # Whether the comment was to stay.
    Column("stays", Boolean, nullable=False),
    Column("at", BigInteger, nullable=False),
    # The second person, whether the comment would stay, and when. Null: not looked at yet.
    Column("second_by", String(120)),
    Column("second_stays", Boolean),
    Column("second_at", BigInteger),
)
Index("ix_second_looks_site", second_looks.c.site, second_looks.c.second_at, second_looks.c.at)
Index("ix_second_looks_at", second_looks.c.at)
