"""Tables about readers whom decisions concern: objections, bans, muted reporters, reported texts, and networks for two days.

`schema` imports them. Times are milliseconds since 1970.
"""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from widget_server.store.metadata import metadata

# Objections of readers against decisions: one for each decision.
appeals = Table(
    "appeals",
    metadata,
    Column("decision", String(16), primary_key=True),
    Column("comment", String(16), ForeignKey("comments.id"), nullable=False),
    Column("reader", String(32), nullable=False),
    Column("at", BigInteger, nullable=False),
    # The sealed words, or null if the reader wrote none or they were erased.
    Column("sealed", Text),
)
Index("ix_appeals_comment", appeals.c.comment)
Index("ix_appeals_reader", appeals.c.reader)

# Who may not write. The subject is a keyed hash, so that a ban outlives the erasure of the reader. Each ban has
# its row; at most one of a subject is in effect.
bans = Table(
    "bans",
    metadata,
    # Id of the decision. No foreign key: a restored backup keeps bans whose entry it does not have.
    Column("decision", String(16), primary_key=True),
    Column("site", String(40), ForeignKey("sites.slug"), nullable=False),
    Column("subject", String(64), nullable=False),
    # `reader` or `network`.
    Column("kind", String(10), nullable=False),
    # `read` or `approval`.
    Column("mode", String(10), nullable=False),
    Column("comment", String(16), nullable=False),
    Column("reason", String(30)),
    Column("by_person", Boolean, nullable=False),
    Column("at", BigInteger, nullable=False),
    # Null: for good.
    Column("until", BigInteger),
    # Of a network: the day (since 1970) of the key in the hash. That key is kept as long as the ban.
    Column("day", Integer),
)
Index("ix_bans_site", bans.c.site, bans.c.at)
Index("ix_bans_subject", bans.c.subject)
Index("ix_bans_until", bans.c.until)

# Readers whose reports do not count. The subject is a keyed hash, so that it outlives the erasure of the reader.
report_mutes = Table(
    "report_mutes",
    metadata,
    # Id of the entry of the site's log. No foreign key: a restored backup keeps mutes whose entry it does not have.
    Column("id", String(16), primary_key=True),
    Column("site", String(40), ForeignKey("sites.slug"), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("comment", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    # Null: for good.
    Column("until", BigInteger),
)
Index("ix_report_mutes_site", report_mutes.c.site, report_mutes.c.at)
Index("ix_report_mutes_subject", report_mutes.c.subject)
Index("ix_report_mutes_until", report_mutes.c.until)

# A random key for each day. Networks are known by a hash with it, for two days, then by nothing. A key on which a
# ban of a network stands stays until the ban ends. Keys and traces are in no backup: there they would never end.
network_days = Table(
    "network_days",
    metadata,
    # Days since 1970.
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("key", String(64), nullable=False),
)

# From which network comments and reports came.
network_traces = Table(
    "network_traces",
    metadata,
    Column("comment", String(16), primary_key=True),
    # `comment` or `report`. Or `erased`: a report that counted no more was erased, and `network` says nothing.
    Column("kind", String(10), primary_key=True),
    Column("network", String(64), primary_key=True),
    # Days since 1970, of the key in the hash.
    Column("day", Integer, nullable=False),
)
Index("ix_network_traces_day", network_traces.c.day)

# What was reported as it was then, sealed: its author may change or remove it. Erased with the comment, and after
# the site's `keep_days`. No foreign keys, as in `kept_texts`.
reported_texts = Table(
    "reported_texts",
    metadata,
    Column("comment", String(16), primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("sealed", Text, nullable=False),
)
Index("ix_reported_texts_until", reported_texts.c.until)
