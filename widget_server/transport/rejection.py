"""The plain-text response that ends a connection whose request is not read."""

import math
from http import HTTPStatus

NO_DOCUMENT_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"


def plain_response(
    status: HTTPStatus, headers: list[tuple[bytes, bytes]], retry_after: float | None
) -> bytes:
    """The last answer on a connection, for what was not read: a line of text."""
    text = b"%b\n" % status.phrase.encode()
    lines = [b"%b: %b\r\n" % header for header in headers]
    if retry_after is not None:
        lines.append(b"retry-after: %d\r\n" % max(1, math.ceil(retry_after)))
    return (
        b"HTTP/1.1 %d %b\r\n%bcontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n"
        b"content-security-policy: %b\r\nx-content-type-options: nosniff\r\n"
        b"connection: close\r\n\r\n%b"
    ) % (status, text[:-1], b"".join(lines), len(text), NO_DOCUMENT_POLICY.encode(), text)
