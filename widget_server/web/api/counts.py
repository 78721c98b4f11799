"""Reaction and comment counts for lists of stories."""

from starlette.requests import Request
from starlette.responses import Response

from widget_server.model.errors import MalformedError
from widget_server.operations.readers import read
from widget_server.web.api.stories import CODE, get_services, json_response

MAX_COUNTS = 1_000


async def counts(request: Request) -> Response:
    """`GET /v1/counts?story=code&story=code…`: for lists of stories."""
    codes = _story_params(request)
    if not 1 <= len(codes) <= MAX_COUNTS:
        raise MalformedError(f"Send `story` once for each story, 1 to {MAX_COUNTS} times.")
    known = [code for code in dict.fromkeys(codes) if CODE.fullmatch(code)]
    return json_response(await read.counts_json(get_services(request), known))


def _story_params(request: Request) -> list[str]:
    """The `story` parameters; a thousand of them are not worth a whole parse of the query."""
    query: bytes = request.scope["query_string"]
    if b"%" in query or b"+" in query:
        return request.query_params.getlist("story")
    parts = query.decode("latin-1").split("&")
    return [part[6:] for part in parts if part.startswith("story=")]
