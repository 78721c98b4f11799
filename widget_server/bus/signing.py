"""Sign bus messages, so that only this server's processes can send valid ones.

A message is sent as its signature (32 hex digits of HMAC-SHA256), a space, and its bytes. The
channel name is signed as well, so that a message cannot be replayed on another story's channel.
"""

import hmac
from collections.abc import Sequence

_DIGITS = 32


class BusSigner:
    """Keys of the bus, newest first: the newest key signs, every key verifies."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("The bus needs at least one signing key.")
        # A copy of a started HMAC costs less than one that begins with the key.
        self._keys = tuple(hmac.new(key, digestmod="sha256") for key in keys)

    def sign(self, channel: str, data: bytes) -> bytes:
        """Return the signed bytes, for this channel only."""
        return _signature(self._keys[0], channel, data) + b" " + data

    def verify(self, channel: str, signed: bytes) -> bytes | None:
        """Return the bytes signed for this channel, or None if no key matches the signature."""
        signature, data = signed[:_DIGITS], signed[_DIGITS + 1 :]
        if signed[_DIGITS : _DIGITS + 1] != b" ":
            return None
        for key in self._keys:
            if hmac.compare_digest(signature, _signature(key, channel, data)):
                return data
        return None


def _signature(started: hmac.HMAC, channel: str, data: bytes) -> bytes:
    code = started.copy()
    code.update(channel.encode() + b"\n" + data)
    return code.hexdigest()[:_DIGITS].encode()
