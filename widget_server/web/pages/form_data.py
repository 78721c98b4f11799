"""Parse the body of a form (`multipart/form-data`, RFC 7578).

Multipart needs no percent-encoding, so that the longest comment
fits into the 64 KiB that a request's body may have, in any script.
"""

import re

from widget_server.model.errors import MalformedError

MAX_FIELDS = 40
MAX_HEAD_BYTES = 512
"""Bytes before a field's value. The search for the name takes time by the square of this length."""
_BOUNDARY = re.compile(
    r'multipart/form-data\s*;\s*boundary="?([0-9A-Za-z\'()+_,./:=? -]{1,70})"?', re.ASCII
)
_NAME = re.compile(rb'content-disposition:[^\r\n]*;\s*name="([a-z_]{1,20})"', re.IGNORECASE)


def parse_form(content_type: str, body: bytes) -> dict[str, str]:
    """Return the texts by name; of two with one name, the last. Raises `MalformedError`."""
    # Browsers send every line break of a text as CRLF.
    return {
        name: value.decode("utf-8", "replace").replace("\r\n", "\n")
        for name, value in parse_fields(content_type, body)
    }


def parse_fields(content_type: str, body: bytes) -> list[tuple[str, bytes]]:
    """Return names and values in order, also of files. Raises `MalformedError`."""
    match = _BOUNDARY.fullmatch(content_type.strip())
    if match is None:
        raise MalformedError("Send the form as multipart/form-data.")
    pieces = (b"\r\n" + body).split(b"\r\n--" + match[1].encode())
    # Before the first boundary stands nothing that counts, and after the last one “--”.
    if len(pieces) < 2 or not pieces[-1].startswith(b"--") or len(pieces) > MAX_FIELDS + 2:
        raise MalformedError("The form is damaged. Open the page again.")
    fields = []
    for piece in pieces[1:-1]:
        head, separator, value = piece.partition(b"\r\n\r\n")
        name = _NAME.search(head) if len(head) <= MAX_HEAD_BYTES else None
        if not separator or name is None:
            raise MalformedError("The form is damaged. Open the page again.")
        fields.append((name[1].decode(), value))
    return fields
