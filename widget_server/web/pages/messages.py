"""HTML pages for errors and for `/`. Programs get JSON instead.

The `Accept` header decides. A client that accepts anything gets JSON.
"""

import re
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from widget_server.web.api.stories import get_services, json_response
from widget_server.web.pages.story import templates

_TRAILING_SLASH = re.compile(r"/[se]/[\w.~-]+(?=/+$)")
_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'"
_MESSAGES = {
    400: ("This address is not right", None),
    401: ("This discussion cannot be shown here", None),
    403: ("This discussion cannot be shown here", None),
    404: ("There is no such page here", "Perhaps the address was not copied completely."),
    405: ("This address cannot be used like that", "It can only be opened."),
    429: ("Too many visits from your network", "Wait a moment and open this page again."),
    500: ("Something went wrong here", "Open this page again in a moment."),
    503: ("This cannot be shown right now", "Open this page again in a moment."),
}
"""Title and sentence by status. If the sentence is None, the error's own detail is shown."""
_NO_STORY = (
    "There is no discussion here yet",
    "A discussion begins when someone first opens a page that carries it. Open the story itself and look "
    "below it. If you have done that, the address was not copied completely.",
)
CACHE_FIVE_MINUTES = "public, max-age=300"


def prefers_html(request: Request) -> bool:
    """Return whether `Accept` lists HTML, and JSON with no higher weight: a browser's request."""
    weights = {"html": 0.0, "json": 0.0}
    for part in request.headers.get("accept", "").lower().split(","):
        media_type, *parameters = [piece.strip() for piece in part.split(";")]
        kind = {"text/html": "html", "application/xhtml+xml": "html"}.get(media_type)
        if kind is None and media_type in {"application/json", "application/problem+json"}:
            kind = "json"
        if kind is not None:
            quality = [one[2:] for one in parameters if re.fullmatch(r"q=[01](\.[0-9]{0,3})?", one)]
            weights[kind] = max(weights[kind], float(quality[0]) if quality else 1.0)
    return weights["html"] > 0 and weights["html"] >= weights["json"]


def rejection_page(request: Request, problem: Response, detail: str) -> Response:
    """Return the error as an HTML page for a browser outside `/v1/`, else `problem` itself."""
    path = request.scope["path"]
    if path.startswith("/v1/"):
        return problem
    problem.headers["Vary"] = "Accept"
    if path.startswith("/e/"):
        # The iframe shows the error too, also inside a cross-origin isolated page.
        problem.headers["Cross-Origin-Embedder-Policy"] = "require-corp"
    if not prefers_html(request):
        return problem
    status = problem.status_code
    about = path.startswith(("/s/", "/e/"))
    title, sentence = _NO_STORY if about and status == 404 else _MESSAGES.get(status, (None, None))
    content = {"title": title or HTTPStatus(status).phrase, "sentence": sentence or detail}
    headers = {k: v for k, v in problem.headers.items() if not k.startswith("content-")}
    headers["Content-Security-Policy"] = (
        _POLICY if path.startswith("/e/") else f"{_POLICY}; frame-ancestors 'none'"
    )
    html = templates.get_template("messages/message.html").render(content)
    return HTMLResponse(html, status, headers)


def redirect_without_slash(request: Request) -> Response | None:
    """Return a redirect from `/s/CODE/` to `/s/CODE`, for links typed by hand, else None."""
    match = _TRAILING_SLASH.match(request.scope["path"])
    if match is None or request.method not in {"GET", "HEAD"}:
        return None
    query = request.scope["query_string"].decode("latin-1")
    # Relative: behind a proxy the server does not know the host name that the browser used.
    headers = {"Cache-Control": CACHE_FIVE_MINUTES}
    return RedirectResponse(match[0] + ("?" + query if query else ""), 308, headers)


async def home(request: Request) -> Response:
    """Handle `GET /`: describe this server. The page names no story."""
    origin = get_services(request).server_origin
    if prefers_html(request):
        headers = {
            "Cache-Control": CACHE_FIVE_MINUTES,
            "Content-Security-Policy": f"{_POLICY}; frame-ancestors 'none'",
        }
        response: Response = HTMLResponse(
            templates.get_template("messages/home.html").render(), headers=headers
        )
    else:
        files = ("embed.js", "openapi.json", "asyncapi.json")
        content = {name.replace(".", "_"): f"{origin}/{name}" for name in files}
        response = json_response({"name": "Story widget", **content}, CACHE_FIVE_MINUTES)
    response.headers["Vary"] = "Accept"
    return response
