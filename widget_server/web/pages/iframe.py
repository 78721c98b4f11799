"""Iframe page: the embed in its own document, for sites that allow only an `<iframe>`."""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from widget_server.model.identifiers import STORY_CODE
from widget_server.model.translations import edition
from widget_server.operations.publishing.republish import terms_of
from widget_server.operations.readers import authorize, older_copies
from widget_server.protocol import serializers
from widget_server.protocol.snippet import LICENCES
from widget_server.protocol.snippet_texts import texts_in
from widget_server.web.api.stories import get_services
from widget_server.web.pages.layout import templates
from widget_server.web.pages.translate import (
    Translator,
    accepted_language,
    language_tag,
    text_language,
)
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
    # What the token says of the copy goes before the address.
    lang = (claims.lang if claims is not None else None) or language_tag(
        request.query_params.get("lang", "")
    )
    t = Translator(text_language(lang) or accepted_language(request))
    story = edition(framed.story, lang or t.lang).story
    older = None
    if framed.token is not None:
        handle = authorize.handle_of(framed.token)
        older = await older_copies.older_by(services, framed.story, handle, None)
    content = {
        "server": services.server_origin,
        "t": t,
        "texts": texts_in(t.lang),
        "story": serializers.story(story),
        "title": story.title or story.key,
        "names": ", ".join(filter(None, (story.author, story.publisher))),
        "token": framed.token,
        # If the token lapses while the page is open, the embed goes on with the code. From this origin the
        # code grants everything, so the page says that it may only read.
        "code_reads": framed.code_reads,
        "republish": framed.republish
        and (terms_of(framed.story.license).republish or not framed.code_reads),
        "older": older and serializers.older_copy(older, services.server_origin),
        "changed_on": "" if older is None else t.day(serializers.rfc3339(older.changed_at)),
        "preview": claims is not None and claims.is_preview,
        # If the copy has no language, the embed uses the browser's.
        "lang": lang,
        "license": LICENCES.get(framed.story.license),
        "changes": (claims.changes or "").rstrip(".") if claims is not None else "",
    }
    headers = {
        "Cache-Control": "public, max-age=60",
        "Vary": "Accept-Language",
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
