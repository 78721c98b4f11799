"""Signs what travels on the bus, so that no one but this server's processes can say anything on it.

A message is sent as its signature (32 hex digits of HMAC-SHA256), a space, and its bytes. The channel
is signed as well: what was said of one story cannot be said again of another.
"""

import hmac
from collections.abc import Sequence

_DIGITS = 32


class BusSigner:
    """The keys of the bus, newest first: the newest signs, with each of them a message is known."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("The bus needs a key to sign with.")
        self._keys = tuple(keys)

    def sign(self, channel: str, data: bytes) -> bytes:
        """The bytes to be published on this channel."""
        return _signature(self._keys[0], channel, data) + b" " + data

    def verify(self, channel: str, signed: bytes) -> bytes | None:
        """What was signed for this channel, or None when no key of ours did that."""
        signature, data = signed[:_DIGITS], signed[_DIGITS + 1 :]
        if signed[_DIGITS : _DIGITS + 1] != b" ":
            return None
        for key in self._keys:
            if hmac.compare_digest(signature, _signature(key, channel, data)):
                return data
        return None


def _signature(key: bytes, channel: str, data: bytes) -> bytes:
    return hmac.digest(key, channel.encode() + b"\n" + data, "sha256").hex()[:_DIGITS].encode()
