"""HTML pages for errors and for `/`, in the reader's language. Programs get JSON instead.

The `Accept` header decides. A client that accepts anything gets JSON.
"""

import re
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from widget_server.web.api.stories import get_services, json_response
from widget_server.web.pages.layout import render
from widget_server.web.pages.translate import translator

_TRAILING_SLASH = re.compile(r"/[se]/[\w.~-]+(?=/+$)")
_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'"
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
    status, t = problem.status_code, translator(request)
    about = path.startswith(("/s/", "/e/"))
    key = "no_story" if about and status == 404 else f"m{status}"
    title, sentence = t.pair(key) if t.knows(key) else (HTTPStatus(status).phrase, "")
    content = {"title": title, "sentence": sentence or detail}
    headers = {k: v for k, v in problem.headers.items() if not k.startswith("content-")}
    headers["Content-Security-Policy"] = (
        _POLICY if path.startswith("/e/") else f"{_POLICY}; frame-ancestors 'none'"
    )
    headers["vary"] = "Accept, Accept-Language"
    return HTMLResponse(render("messages/message.html", t, content), status, headers)


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
        t = translator(request)
        response: Response = HTMLResponse(render("messages/home.html", t, {}), headers=headers)
    else:
        files = ("embed.js", "openapi.json", "asyncapi.json")
        content = {name.replace(".", "_"): f"{origin}/{name}" for name in files}
        response = json_response({"name": "Story widget", **content}, CACHE_FIVE_MINUTES)
    response.headers["Vary"] = "Accept, Accept-Language"
    return response
