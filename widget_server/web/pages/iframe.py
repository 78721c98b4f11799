"""Iframe page: the embed in its own document, for sites that allow only an `<iframe>`."""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from widget_server.model.identifiers import STORY_CODE
from widget_server.operations.readers import authorize
from widget_server.protocol import serializers
from widget_server.protocol.snippet import LICENCES
from widget_server.web.api.stories import get_services
from widget_server.web.pages.layout import templates
from widget_server.web.read_limits import count_read


async def iframe_page(request: Request) -> Response:
    """Handle `GET /e/{token}` and `GET /e/{code}`. Only the token's origins may frame the page.

    The page works in `sandbox="allow-scripts"`: its scripts come from this server, and it uses no
    browser feature that needs an origin.
    """
    services, reference = get_services(request), request.path_params["reference"]
    with count_read(request, reference if STORY_CODE.fullmatch(reference) else None):
        framed = await authorize.authorize_iframe(services, reference)
    claims = framed.claims
    content = {
        "server": services.server_origin,
        "story": serializers.story(framed.story),
        "token": framed.token,
        # If the token lapses while the page is open, the embed goes on with the code. From this origin the
        # code grants everything, so the page says that it may only read.
        "code_reads": framed.code_reads,
        "preview": claims is not None and claims.is_preview,
        # If the copy has no language, the embed uses the browser's.
        "lang": claims.lang if claims is not None else None,
        "license": LICENCES.get(framed.story.license),
        "changes": (claims.changes or "").rstrip(".") if claims is not None else "",
    }
    headers = {
        "Cache-Control": "public, max-age=60",
        "Content-Security-Policy": _content_security_policy(
            services.server_origin, framed.ancestors
        ),
        # A cross-origin isolated page only loads iframes with this header. It is safe here: all files
        # of this page have `Cross-Origin-Resource-Policy: cross-origin`.
        "Cross-Origin-Embedder-Policy": "require-corp",
    }
    return HTMLResponse(
        templates.get_template("iframe/iframe.html").render(content), headers=headers
    )


def _content_security_policy(server: str, ancestors: tuple[str, ...]) -> str:
    """Return the policy: scripts, styles and connections of this server; the token's pages as parents.

    The server's origin is listed beside `'self'`, because browsers differ in whether `'self'`
    includes WebSockets.
    """
    address = urlsplit(server)
    sockets = f"{'wss' if address.scheme == 'https' else 'ws'}://{address.netloc}"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {server}",
            f"style-src 'self' {server}",
            f"connect-src 'self' {server} {sockets}",
            f"frame-ancestors {' '.join(ancestors)}",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )
