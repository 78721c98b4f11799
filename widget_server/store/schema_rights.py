"""Tables of what pages may do: tokens, revocations, shut-out origins, used identities."""

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
)

from widget_server.store.metadata import metadata

revoked = Table(
    "revoked_tokens",
    metadata,
    Column("site", String(40), ForeignKey("sites.slug"), primary_key=True),
    Column("jti", String(64), primary_key=True),
    Column("at", BigInteger, nullable=False),
)

# What each minted token says, never the token itself. A token that was minted elsewhere gets its row
# when a page shows it for the first time.
tokens = Table(
    "tokens",
    metadata,
    Column("site", String(40), ForeignKey("sites.slug"), primary_key=True),
    Column("jti", String(64), primary_key=True),
    # The story's key. A publisher may sign tokens for several stories with one handle.
    Column("story", String(200), primary_key=True),
    Column("label", Text),
    # JSON lists.
    Column("origins", Text, nullable=False),
    Column("rights", Text, nullable=False),
    Column("lang", String(35)),
    # `iat` and `exp` of the token, in seconds since 1970.
    Column("iat", BigInteger, nullable=False),
    Column("exp", BigInteger),
    # Generation of the key that signed it; null if it is not known.
    Column("generation", Integer),
    # Who minted it, as `account:…`, `key:…` or `shell:…`; null if it was minted elsewhere.
    Column("by", String(120)),
    Column("created_at", BigInteger, nullable=False),
)
Index("ix_tokens_site_created", tokens.c.site, tokens.c.created_at, tokens.c.jti)

# What republishers asked for who made a token for themselves. Its row in `tokens` says the rest.
republisher_tokens = Table(
    "republisher_tokens",
    metadata,
    Column("site", String(40), ForeignKey("sites.slug"), primary_key=True),
    Column("jti", String(64), primary_key=True),
    # The story's code.
    Column("story", String(12), nullable=False),
    # The name that the republisher wants. Readers see it once the owner has agreed.
    Column("label", Text),
    Column("agreed_at", BigInteger),
    # Whether the republisher wants the copy on the story's page, which needs the owner's agreement too.
    Column("listed", Boolean, nullable=False, server_default=false()),
    # SHA-256 of the secret in the link that the republisher keeps.
    Column("secret_hash", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
Index("ix_republisher_tokens_story", republisher_tokens.c.story, republisher_tokens.c.created_at)
Index("ix_republisher_tokens_secret", republisher_tokens.c.secret_hash)

shut_out = Table(
    "shut_out_origins",
    metadata,
    Column("site", String(40), ForeignKey("sites.slug"), primary_key=True),
    Column("origin", String(300), primary_key=True),
    # A story's code, or empty text for all stories of the site.
    Column("story", String(12), primary_key=True),
    Column("at", BigInteger, nullable=False),
)

identities = Table(
    "used_identities",
    metadata,
    Column("site", String(40), ForeignKey("sites.slug"), primary_key=True),
    Column("jti", String(64), primary_key=True),
    # Seconds since 1970. The row is deleted once no token with this `jti` can be valid any more.
    Column("exp", BigInteger, nullable=False),
)
