"""Encrypt personal data with the server's secrets, and hash it so that it can be found."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class Sealer:
    """Seals with the newest secret and opens what any of the secrets sealed."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._hash_keys = [_derive(secret, b"lookup") for secret in secrets]
        keys = [base64.urlsafe_b64encode(_derive(secret, b"seal")) for secret in secrets]
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def seal(self, text: str) -> str:
        """Return the text encrypted."""
        return self._fernet.encrypt(text.encode()).decode()

    def unseal(self, sealed: str) -> str | None:
        """Return the text, or None if it was sealed with another secret."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            return None

    def lookup_hash(self, text: str) -> str:
        """Return the hash under which the text is stored: 64 hex digits, without regard to case."""
        return self.lookup_hashes(text)[0]

    def lookup_hashes(self, text: str) -> list[str]:
        """Return the hashes under which the text may be stored, one for each secret, newest first."""
        plain = text.strip().casefold().encode()
        return [hmac.digest(key, plain, "sha256").hex() for key in self._hash_keys]


def _derive(secret: str, use: bytes) -> bytes:
    return hmac.digest(secret.encode(), b"people:" + use, hashlib.sha256)
