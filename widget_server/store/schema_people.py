"""Tables of people: accounts, how they sign in, and their roles on sites; and API keys.

Times are milliseconds since 1970. Secrets (sessions, links, keys, recovery codes) are stored as SHA-256
only. E-mail addresses are sealed with the server's secret.
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
    false,
)

from widget_server.store.metadata import metadata

accounts = Table(
    "accounts",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text),
    # Keyed hash of the address in lower case: by it an account is found when somebody signs in.
    Column("email_hash", String(64), unique=True),
    # Argon2id in its own text form, or NULL for an account that signs in by passkey or link only.
    Column("password", Text),
    # May make sites, and has the rights of an owner on every site.
    Column("server_owner", Boolean, nullable=False, server_default=false()),
    Column("lang", String(35)),
    # `light` or `dark`; NULL follows the system.
    Column("theme", String(10)),
    # JSON of the keys of the queue that this person changed or switched off, or NULL.
    Column("keys", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("last_at", BigInteger),
    Column("disabled_at", BigInteger),
)

passkeys = Table(
    "passkeys",
    metadata,
    # The credential's id in base64url.
    Column("id", Text, primary_key=True),
    Column("account", String(16), ForeignKey("accounts.id"), nullable=False),
    # COSE key in base64url.
    Column("public_key", Text, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("label", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_at", BigInteger),
)
Index("ix_passkeys_account", passkeys.c.account)

sessions = Table(
    "sessions",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("account", String(16), ForeignKey("accounts.id"), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    # Written once a minute at most.
    Column("seen_at", BigInteger, nullable=False),
    # When the person last proved who they are.
    Column("strong_at", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    # Whether the session lives until `until` without use, because the device is remembered.
    Column("remembered", Boolean, nullable=False),
    # `password`, `passkey`, `code` or `link`.
    Column("method", String(10), nullable=False),
    # Browser and system in words, such as “Firefox on Linux”.
    Column("agent", Text, nullable=False),
)
Index("ix_sessions_account", sessions.c.account)

invitations = Table(
    "invitations",
    metadata,
    Column("hash", String(64), primary_key=True),
    # `owner`, `invite`, `reset`, or `ticket` for what a link was exchanged for.
    Column("kind", String(10), nullable=False),
    Column("site", String(40), ForeignKey("sites.slug")),
    Column("role", String(10)),
    # JSON array of the ids of copies, or NULL.
    Column("scope", Text),
    # The account that a `reset` signs in.
    Column("account", String(16), ForeignKey("accounts.id")),
    Column("email", Text),
    Column("by", String(16)),
    Column("created_at", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)
Index("ix_invitations_site", invitations.c.site)

members = Table(
    "members",
    metadata,
    Column("site", String(40), ForeignKey("sites.slug"), primary_key=True),
    Column("account", String(16), ForeignKey("accounts.id"), primary_key=True),
    Column("role", String(10), nullable=False),
    # JSON array of the ids of the copies that a local moderator is limited to, or NULL.
    Column("scope", Text),
    Column("created_at", BigInteger, nullable=False),
)
Index("ix_members_account", members.c.account)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("hash", String(64), nullable=False, unique=True),
    Column("site", String(40), ForeignKey("sites.slug"), nullable=False),
    Column("label", Text, nullable=False),
    # JSON array of verbs.
    Column("scopes", Text, nullable=False),
    # The account that made the key, or NULL if a shell made it. The key ends with its account.
    Column("by", String(16), ForeignKey("accounts.id")),
    Column("created_at", BigInteger, nullable=False),
    # Written once a minute at most.
    Column("last_at", BigInteger),
    Column("until", BigInteger),
    Column("ended_at", BigInteger),
)
Index("ix_api_keys_site", api_keys.c.site)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("account", String(16), ForeignKey("accounts.id"), primary_key=True),
    Column("hash", String(64), primary_key=True),
    Column("used_at", BigInteger),
)

# Answers of the owner API by idempotency key, for a day.
api_answers = Table(
    "api_answers",
    metadata,
    # Id of the API key. No foreign key: rows of an ended key are deleted after a day like all others.
    Column("api_key", String(16), primary_key=True),
    # The idempotency key that the client chose.
    Column("name", String(64), primary_key=True),
    # SHA-256 of method, path and body.
    Column("fingerprint", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    # NULL while the request is being done.
    Column("status", Integer),
    # JSON, without secrets that are shown once.
    Column("body", Text),
)
Index("ix_api_answers_created_at", api_answers.c.created_at)
