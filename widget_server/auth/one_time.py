"""Random secrets of sessions, links, API keys and recovery codes. Only their hashes are stored."""

import hashlib
import re
import secrets

KEY_PREFIX = "wsk_"
CODE_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without letters and digits that are easily confused on paper."""
CODES = 10
"""Recovery codes of an account."""


def new_secret() -> str:
    """Return 256 random bits in base64url."""
    return secrets.token_urlsafe(32)


def new_id() -> str:
    """Return a random id: 16 hex digits."""
    return secrets.token_hex(8)


def new_key(site: str) -> str:
    """Return a new API key. Its beginning says what it is, so that scanners find leaked ones."""
    return f"{KEY_PREFIX}{site}_{new_secret()}"


def new_codes() -> list[str]:
    """Return ten recovery codes of 60 bits, in three groups of four."""
    return [
        "-".join("".join(secrets.choice(CODE_ALPHABET) for _ in range(4)) for _ in range(3))
        for _ in range(CODES)
    ]


def canonical_code(text: str) -> str:
    """Return a recovery code as it was given out, however it is typed."""
    plain = re.sub(r"[^a-z0-9]", "", text.lower())
    return "-".join(plain[start : start + 4] for start in range(0, len(plain), 4))


def hash_secret(secret: str) -> str:
    """Return the SHA-256 of a secret: 64 hex digits. Random secrets need no salt and no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
