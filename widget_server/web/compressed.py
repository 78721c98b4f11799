"""Answers that are equal for many: hashed and compressed once, and one object for all who wait for them."""

import gzip
import hashlib
from collections import OrderedDict

MAX_BODIES = 64
"""Stories whose last answer is kept."""
MIN_GZIP_BYTES = 600
"""Bytes from which compressing is worth it."""


class CompressedBody:
    """One answer: as it is, compressed when first asked for, and its entity tag."""

    __slots__ = ("_gzipped", "body", "etag")

    def __init__(self, body: bytes) -> None:
        self.body = body
        # Weak: the same state, but not the same bytes when it is compressed (RFC 9110, 8.8.3.3).
        self.etag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        self._gzipped: bytes | None = None

    def gzipped(self) -> bytes:
        """The answer in gzip, the same object for everyone."""
        if self._gzipped is None:
            self._gzipped = gzip.compress(self.body, 6, mtime=0)
        return self._gzipped


class CompressedBodyCache:
    """The last answer about each of the stories that were asked for last."""

    def __init__(self) -> None:
        self._bodies: OrderedDict[str, CompressedBody] = OrderedDict()

    def get(self, code: str, body: bytes) -> CompressedBody:
        """`body` packed; what was made of the same object before is used again."""
        packed = self._bodies.pop(code, None)
        if packed is None or packed.body is not body:
            packed = CompressedBody(body)
        self._bodies[code] = packed
        if len(self._bodies) > MAX_BODIES:
            self._bodies.popitem(last=False)
        return packed
