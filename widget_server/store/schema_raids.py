"""Tables of raids. `schema` imports them. Times are milliseconds since 1970."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table

from widget_server.store.metadata import Id, metadata

# Floods that were found, and raids that people switched on.
raids = Table(
    "raids",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("site", String(40), ForeignKey("sites.slug"), nullable=False),
    # `site`, `story`, `copy`, `network` or `text`.
    Column("kind", String(10), nullable=False),
    # A story's id, a copy's id, the hash of a network with the day's random key, or the fingerprint of a text.
    Column("subject", String(64), nullable=False),
    # The story of the kinds `story` and `copy`.
    Column("story", Id, ForeignKey("stories.id")),
    Column("began_at", BigInteger, nullable=False),
    # Until then what is written is held.
    Column("held_until", BigInteger, nullable=False),
    # Until then the raid is on. A flood that goes on moves it.
    Column("until", BigInteger, nullable=False),
    # Who switched it on, as `account:…`, `key:…` or `shell:…`; empty if the server found it.
    Column("by", String(120), nullable=False),
    # When a person ended it.
    Column("ended_at", BigInteger),
    # Comments that were held for it.
    Column("held", Integer, nullable=False),
)
Index("ix_raids_site_until", raids.c.site, raids.c.until)
Index("ix_raids_until", raids.c.until)

# How near a story, or a copy of it, is to a flood: the times at which its rates are full again.
flood_levels = Table(
    "flood_levels",
    metadata,
    Column("story", Id, ForeignKey("stories.id"), primary_key=True),
    # `story` or `copy`, and the id of the copy (or 0) and the place of the rate in the setting.
    Column("subject", String(40), primary_key=True),
    Column("full_at", BigInteger, nullable=False),
)
Index("ix_flood_levels_full_at", flood_levels.c.full_at)

# Proofs of work that were used: each is accepted once.
used_proofs = Table(
    "used_proofs",
    metadata,
    Column("challenge", String(64), primary_key=True),
    Column("site", String(40), ForeignKey("sites.slug"), nullable=False),
    # Keyed hash of the reader, who is not asked again for some time.
    Column("reader", String(64), nullable=False),
    # Hash of the comment's key: the same comment may be sent again with the same proof.
    Column("draft", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
)
Index("ix_used_proofs_reader_at", used_proofs.c.reader, used_proofs.c.at)
Index("ix_used_proofs_at", used_proofs.c.at)
