"""Tables of copies: where stories are carried, and what was seen on those pages."""

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
    true,
)

from widget_server.store.metadata import Id, metadata

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
    # The last characters of its token, by which `?copy=` names it; empty for a bare code. Null: not seen since
    # the column exists.
    Column("handle", String(16)),
    # The version of the story's text that its page had when the server last looked. Null: not known.
    Column("text_version", Integer),
    UniqueConstraint("story", "jti", "origin"),
    sqlite_autoincrement=True,
)

# Copies whose readers are to be told something else, by the site's `copy_changes` at that change.
changed_copies = Table(
    "changed_copies",
    metadata,
    Column(
        "copy",
        Id,
        ForeignKey("copies.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("site", String(40), nullable=False),
    Column("number", Integer, nullable=False),
)
Index("ix_changed_copies_site", changed_copies.c.site, changed_copies.c.number)

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
