"""Compressed response bodies: hashed and compressed once, and shared by all requests for them."""

import gzip
import hashlib
from collections import OrderedDict

MAX_BODIES = 64
"""Stories whose last body is stored."""
MIN_GZIP_BYTES = 600
"""Bytes from which a response is compressed. Below, gzip saves too little."""


class CompressedBody:
    """One response body, its ETag, and its gzip form, made on first use."""

    __slots__ = ("_gzipped", "body", "etag")

    def __init__(self, body: bytes) -> None:
        self.body = body
        # Weak: the plain and the gzip form have the same state but not the same bytes (RFC 9110, 8.8.3.3).
        self.etag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        self._gzipped: bytes | None = None

    def gzipped(self) -> bytes:
        """Return the body in gzip. All callers get the same object."""
        if self._gzipped is None:
            self._gzipped = gzip.compress(self.body, 6, mtime=0)
        return self._gzipped


class CompressedBodyCache:
    """The last body of each of the most recently requested stories."""

    def __init__(self) -> None:
        self._bodies: OrderedDict[str, CompressedBody] = OrderedDict()

    def get(self, code: str, body: bytes) -> CompressedBody:
        """Return the compressed body of a story, or with another key of one of its copies.

        The stored one is reused for an equal `body`.
        """
        compressed = self._bodies.pop(code, None)
        if compressed is None or compressed.body != body:
            compressed = CompressedBody(body)
        self._bodies[code] = compressed
        if len(self._bodies) > MAX_BODIES:
            self._bodies.popitem(last=False)
        return compressed
