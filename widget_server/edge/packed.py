"""Answers that are equal for many: hashed and compressed once, and one object for all who wait for them."""

import gzip
import hashlib
from collections import OrderedDict

MOST = 64
"""Stories whose last answer is kept."""
LEAST = 600
"""Bytes from which compressing is worth it."""


class Packed:
    """One answer: as it is, compressed when first asked for, and its entity tag."""

    __slots__ = ("_small", "body", "tag")

    def __init__(self, body: bytes) -> None:
        self.body = body
        # Weak: the same state, but not the same bytes when it is compressed (RFC 9110, 8.8.3.3).
        self.tag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        self._small: bytes | None = None

    def small(self) -> bytes:
        """The answer in gzip, the same object for everyone."""
        if self._small is None:
            self._small = gzip.compress(self.body, 6, mtime=0)
        return self._small


class Shelf:
    """The last answer about each of the stories that were asked for last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Packed] = OrderedDict()

    def of(self, code: str, body: bytes) -> Packed:
        """`body` packed; what was made of the same object before is used again."""
        packed = self._kept.pop(code, None)
        if packed is None or packed.body is not body:
            packed = Packed(body)
        self._kept[code] = packed
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return packed
