"""The embed in a page of its own, for sites that keep an `<iframe>` and nothing else."""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from widget_server.operations.readers import authorize
from widget_server.protocol import serializers
from widget_server.protocol.snippet import LICENCES
from widget_server.web.api.stories import get_services
from widget_server.web.pages.story import templates
from widget_server.web.read_limits import count_read


async def iframe_page(request: Request) -> Response:
    """`GET /e/{token}` and `GET /e/{code}`: framed by the token's origins and no one else.

    Works in `sandbox="allow-scripts"`: its scripts come from this server, and it asks nothing of
    the browser that an opaque origin does not have.
    """
    services, reference = get_services(request), request.path_params["reference"]
    with count_read(request, reference if authorize.CODE.fullmatch(reference) else None):
        framed = await authorize.authorize_iframe(services, reference)
    claims = framed.claims
    content = {
        "server": services.server_origin,
        "story": serializers.story(framed.story),
        "token": framed.token,
        # Without a language of the copy, its reader's: the embed asks the browser.
        "lang": claims.lang if claims is not None else None,
        "license": LICENCES.get(framed.story.license),
        "changes": (claims.changes or "").rstrip(".") if claims is not None else "",
    }
    headers = {
        "Cache-Control": "public, max-age=60",
        "Content-Security-Policy": _content_security_policy(
            services.server_origin, framed.ancestors
        ),
        # A page that isolates itself takes only frames that do so too. All that this one loads says that
        # it may be loaded.
        "Cross-Origin-Embedder-Policy": "require-corp",
    }
    return HTMLResponse(
        templates.get_template("iframe/iframe.html").render(content), headers=headers
    )


def _content_security_policy(server: str, ancestors: tuple[str, ...]) -> str:
    """Only this server's scripts, styles and answers; only the token's pages around it.

    `'self'` is spelled out as well: for sockets it is not the same in every browser.
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
