"""Tables of the learned filter. `schema` re-exports them. Times are milliseconds since 1970."""

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
    false,
    text,
)

from widget_server.store.metadata import metadata

learners = Table(
    "learners",
    metadata,
    Column("site", String(40), ForeignKey("sites.slug"), primary_key=True),
    # `off`, `shadow` (it learns and holds nothing) or `on`.
    Column("mode", String(10), nullable=False),
    Column("mode_at", BigInteger, nullable=False),
    Column("mode_by", String(120), nullable=False),
    # Good comments that may be held, in 10,000.
    Column("rate", Integer, nullable=False),
    # Random number with which words become numbers.
    Column("seed", BigInteger, nullable=False),
    # Comments whose words are counted.
    Column("good", Integer, nullable=False),
    Column("bad", Integer, nullable=False),
    # Incremented when words change.
    Column("version", Integer, nullable=False),
    # JSON list of what each threshold does, and the version and time that it was computed for.
    Column("curve", Text, nullable=False),
    Column("curve_version", Integer, nullable=False),
    Column("curve_at", BigInteger, nullable=False),
    # Decisions and comments up to these times have been looked at.
    Column("decided_until", BigInteger, nullable=False),
    Column("stood_until", BigInteger, nullable=False),
)

# Words by number: how many counted comments contain each, and by how many writers it was used.
words = Table(
    "words",
    metadata,
    Column("site", String(40), ForeignKey("sites.slug"), primary_key=True),
    Column("token", BigInteger, primary_key=True),
    Column("good", Integer, nullable=False),
    Column("bad", Integer, nullable=False),
    # JSON list of hashes of at most three writers, and its length.
    Column("readers", Text, nullable=False),
    Column("used_by", Integer, nullable=False),
)

# Comments that the filter has seen. The sealed numbers of their words make it possible to subtract them.
learned = Table(
    "learned",
    metadata,
    Column("comment", String(16), ForeignKey("comments.id"), primary_key=True),
    Column("site", String(40), ForeignKey("sites.slug"), nullable=False),
    # Whether people removed it; otherwise it stood.
    Column("bad", Boolean, nullable=False),
    # Whether its words are counted. False: it is only used to measure.
    Column("counted", Boolean, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    # Its words were erased: the next run subtracts it.
    Column("forget", Boolean, nullable=False, server_default=false()),
)
Index("ix_learned_site_bad_at", learned.c.site, learned.c.bad, learned.c.at)
IS_TO_FORGET = text("forget")
"""Comments whose words must be subtracted."""
Index(
    "ix_learned_forget",
    learned.c.site,
    sqlite_where=IS_TO_FORGET,
    postgresql_where=IS_TO_FORGET,
)
