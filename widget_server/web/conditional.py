"""Responses that a client may hold already: ETag, Last-Modified and 304 (RFC 9110, 13)."""

from collections import OrderedDict
from collections.abc import Hashable
from datetime import UTC
from email.utils import formatdate, parsedate_to_datetime

from starlette.requests import Request
from starlette.responses import Response

from widget_server.model.records import Site
from widget_server.operations.cache import RECENT_S
from widget_server.web.compressed import MIN_GZIP_BYTES, CompressedBody

MAX_BODIES = 256
"""Bodies that are stored."""
MODIFIED_AFTER_MS = round(1_000 * (1 + RECENT_S))
"""Age in milliseconds from which the last change is sure to be the only one of its second."""


class VersionedBodyCache:
    """The last rendered body of each feed, with the version of the state that it shows."""

    def __init__(self) -> None:
        self._bodies: OrderedDict[Hashable, tuple[object, CompressedBody]] = OrderedDict()

    def has(self, key: Hashable) -> bool:
        """Return whether a body of any version is stored."""
        return key in self._bodies

    def get(self, key: Hashable, version: object) -> CompressedBody | None:
        """Return the body if it was stored with an equal version."""
        found = self._bodies.get(key)
        if found is None or found[0] != version:
            return None
        self._bodies.move_to_end(key)
        return found[1]

    def put(self, key: Hashable, version: object, body: bytes) -> CompressedBody:
        """Store a body and return it with its ETag."""
        packed = CompressedBody(body)
        self._bodies[key] = version, packed
        self._bodies.move_to_end(key)
        if len(self._bodies) > MAX_BODIES:
            self._bodies.popitem(last=False)
        return packed


def conditional_response(
    request: Request,
    packed: CompressedBody,
    media_type: str,
    headers: dict[str, str],
    changed_ms: int | None = None,
    now_ms: int = 0,
) -> Response:
    """Return the body, or 304 if the client has it.

    `changed_ms` is the time of the last change. It becomes `Last-Modified` only later: of two changes in one
    second, the client could miss the second one (RFC 9110, 8.8.2.2), and one by another process may not
    have been read for `RECENT_S`.
    """
    headers = {**headers, "ETag": packed.etag, "Vary": "Accept-Encoding"}
    if changed_ms is not None and now_ms - changed_ms >= MODIFIED_AFTER_MS:
        headers["Last-Modified"] = formatdate(changed_ms // 1000, usegmt=True)
    if _client_has(request, packed.etag, changed_ms if "Last-Modified" in headers else None):
        return Response(None, 304, headers)
    body = packed.body
    if len(body) >= MIN_GZIP_BYTES and "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        body = packed.gzipped()
    return Response(body, 200, headers | {"Content-Type": media_type})


def robots(site: Site) -> dict[str, str]:
    """Return the header that keeps search engines away, unless the site lets them in."""
    return {} if site.settings.search_engines else {"X-Robots-Tag": "noindex"}


def etag_matches(header: str, tag: str) -> bool:
    """Return whether `If-None-Match` lists the tag, weak or not (RFC 9110, 13.1.2)."""
    listed = {part.strip().removeprefix("W/") for part in header.split(",")}
    return tag.removeprefix("W/") in listed or "*" in listed


def _client_has(request: Request, etag: str, changed_ms: int | None) -> bool:
    tags = request.headers.get("if-none-match")
    if tags is not None:
        return etag_matches(tags, etag)
    since = request.headers.get("if-modified-since")
    if since is None or changed_ms is None:
        return False
    try:
        at = parsedate_to_datetime(since)
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        return changed_ms // 1000 <= at.timestamp()
    except (ValueError, TypeError, OverflowError):
        return False
