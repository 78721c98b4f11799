"""Sign the entries of a log, and seal the texts that decisions keep."""

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from widget_server.store.schema import decisions, site_decisions

STORY_ENTRY = tuple(column.name for column in decisions.columns if column.name != "hash")
SITE_ENTRY = tuple(column.name for column in site_decisions.columns if column.name != "hash")
"""Columns that an entry's hash covers, in this order."""

CONNECTION_KEY = "log_keys"
"""Key of `connection.info` under which the writer offers its `LogKeys` to transaction functions."""


MARK = "."
"""Begins a sealed text. Those of earlier versions begin with a letter."""
NONCE_BYTES = 12
"""Random bytes of AES-GCM. With them one key may seal 2³² texts (NIST SP 800-38D, 8.3)."""


class LogKeys:
    """Keys derived from the server's secrets: those of the logs by name, and those of kept texts.

    The first of each signs and seals; all of them check and open. `texts` are 32 bytes each.
    """

    def __init__(self, logs: Mapping[str, bytes], texts: Sequence[bytes]) -> None:
        # A copy of a started HMAC costs less than one that begins with the key.
        self._logs = {name: hmac.new(key, digestmod="sha256") for name, key in logs.items()}
        self._newest = next(iter(self._logs))
        self._texts = [AESGCM(hmac.digest(key, b"text", "sha256")) for key in texts]
        self._earlier = MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in texts])
        """Opens what an earlier version sealed."""

    def sign(self, before: str, entry: dict[str, Any], columns: Sequence[str]) -> None:
        """Set `key` and `hash` of an entry. `before` is the hash of the entry before, or empty."""
        entry["key"] = self._newest
        values = itemgetter(*columns)(entry)
        entry["hash"] = _digest(self._logs[self._newest], before, values)

    def is_signed(self, before: str, values: Sequence[Any], key: str, found: str) -> bool | None:
        """Return whether an entry has this hash, or None if its secret is not known any more."""
        secret = self._logs.get(key)
        if secret is None:
            return None
        return _digest(secret, before, values) == found

    def seal(self, words: Mapping[str, Any]) -> str:
        """Return words as text that only this server can read."""
        # AES-GCM: a batch seals thousands of texts, and Fernet takes ten times as long.
        nonce = os.urandom(NONCE_BYTES)
        sealed = nonce + self._texts[0].encrypt(nonce, orjson.dumps(words), None)
        return MARK + base64.b64encode(sealed).decode()

    def unseal(self, sealed: str) -> dict[str, Any] | None:
        """Return sealed words, or None if no known key opens them."""
        try:
            words: dict[str, Any] = orjson.loads(self._opened(sealed))
        except (InvalidTag, InvalidToken, ValueError):
            return None
        return words

    def _opened(self, sealed: str) -> bytes:
        if not sealed.startswith(MARK):
            return self._earlier.decrypt(sealed.encode())
        found = base64.b64decode(sealed.removeprefix(MARK), validate=True)
        nonce, text = found[:NONCE_BYTES], found[NONCE_BYTES:]
        for key in self._texts[:-1]:
            with suppress(InvalidTag):
                return key.decrypt(nonce, text, None)
        return self._texts[-1].decrypt(nonce, text, None)


def _digest(started: hmac.HMAC, before: str, values: Sequence[Any]) -> str:
    code = started.copy()
    code.update(before.encode() + b"\n" + orjson.dumps(values))
    return code.hexdigest()


def new_salt() -> str:
    """Return a salt for `salted_hash`."""
    return secrets.token_hex(16)


def salted_hash(salt: str, words: str) -> str:
    """Return the hash that a log stores of words. Without the salt it cannot be matched to them."""
    return hashlib.sha256(f"{salt}\n{words}".encode()).hexdigest()
