"""Reaction and comment counts for lists of stories."""

from starlette.requests import Request
from starlette.responses import Response

from widget_server.model.errors import MalformedError
from widget_server.model.identifiers import STORY_CODE
from widget_server.operations.readers import read
from widget_server.web.api.stories import get_services, json_response

MAX_COUNTS = 1_000


async def counts(request: Request) -> Response:
    """Handle `GET /v1/counts?story=code&story=code…`."""
    codes = _story_params(request)
    if not 1 <= len(codes) <= MAX_COUNTS:
        raise MalformedError(f"Send `story` once for each story, 1 to {MAX_COUNTS} times.")
    valid = [code for code in dict.fromkeys(codes) if STORY_CODE.fullmatch(code)]
    return json_response(await read.counts_json(get_services(request), valid))


def _story_params(request: Request) -> list[str]:
    """Return the `story` parameters. Fast path: no full query parse for up to 1,000 plain values."""
    query: bytes = request.scope["query_string"]
    if b"%" in query or b"+" in query:
        return request.query_params.getlist("story")
    parts = query.decode("latin-1").split("&")
    return [part[6:] for part in parts if part.startswith("story=")]
