"""Rejections of requests that are not read: reason, `Retry-After`, and the plain-text response."""

import math
from dataclasses import dataclass
from http import HTTPStatus

NO_DOCUMENT_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"


@dataclass(frozen=True, slots=True)
class Rejection:
    """The status and the reason of a rejected request. `retry_after` is in seconds."""

    status: HTTPStatus
    reason: str
    """One word, for /metrics."""
    retry_after: float | None = None


def retry_after_header(seconds: float) -> str:
    """Return the value of `Retry-After`: whole seconds, at least 1, rounded up.

    A client that retries after a value that was rounded down would be rejected again.
    """
    return str(max(1, math.ceil(seconds)))


def plain_response(rejection: Rejection, default_headers: list[tuple[bytes, bytes]]) -> bytes:
    """Return the last response on a connection: one line of text."""
    text = b"%b\n" % rejection.status.phrase.encode()
    lines = [b"%b: %b\r\n" % header for header in default_headers]
    if rejection.retry_after is not None:
        lines.append(b"retry-after: %b\r\n" % retry_after_header(rejection.retry_after).encode())
    return (
        b"HTTP/1.1 %d %b\r\n%bcontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n"
        b"content-security-policy: %b\r\nx-content-type-options: nosniff\r\n"
        b"connection: close\r\n\r\n%b"
    ) % (rejection.status, text[:-1], b"".join(lines), len(text), NO_DOCUMENT_POLICY.encode(), text)
