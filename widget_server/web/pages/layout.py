"""What all pages share: the template environment, the style sheet and the language."""

import functools
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from widget_server.content import urls
from widget_server.model.settings import SiteSettings
from widget_server.web.assets import CACHE_LATEST, Assets
from widget_server.web.pages import theme
from widget_server.web.pages.comment_html import render as render_tree
from widget_server.web.pages.translate import LOCALES, Translator

TEMPLATES = Path(__file__).parents[1] / "templates"
_STYLES = Assets(TEMPLATES)
_FILES = {
    "preview.js": "iframe/preview.js",
    "copy.js": "republish/copy.js",
    "icon.svg": "page/icon.svg",
}
# In the address, so that no page is shown with the styles of another version.
_STYLE_HASH = hashlib.sha256((TEMPLATES / "page/page.css").read_bytes()).hexdigest()[:12]

templates = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
templates.globals |= {
    "draw": render_tree,
    "address": urls.safe,
    "styles": f"/static/page.css?{_STYLE_HASH}",
    "languages": {lang: texts["language"] for lang, texts in LOCALES.items()},
}


def render(name: str, t: Translator, content: Mapping[str, Any]) -> str:
    """Return a page. `link` in the template keeps the language that the address names."""
    return templates.get_template(name).render({"t": t, "link": link_maker(t), **content})


def link_maker(t: Translator) -> Callable[..., str]:
    """Return a function that makes the address of a page in the same language."""

    def link(path: str, **query: str | None) -> str:
        chosen = {name: value for name, value in query.items() if value}
        if t.named and "lang" not in chosen:
            chosen["lang"] = t.named
        return f"{path}?{urlencode(chosen)}" if chosen else path

    return link


def theme_address(settings: SiteSettings) -> str | None:
    """Return the address of a site's own style sheet, or None if it has the default look."""
    name = theme.file_name(settings)
    return None if name is None else f"/static/{name}?{_STYLE_HASH}"


@functools.cache
def file_address(name: str) -> str:
    """Return the address of a script or the icon of the pages. A new version has another address."""
    content = (TEMPLATES / _FILES[name]).read_bytes()
    return f"/static/{name}?{hashlib.sha256(content).hexdigest()[:12]}"


async def stylesheet(request: Request) -> Response:
    """Handle `GET /static/{file}`: styles of the pages, the theme of a site, scripts and the icon."""
    file = request.path_params["file"]
    css = theme.style_sheet(file)
    if css is not None:
        # As `page.css`: no credentials, the same for everyone.
        headers = {"Cache-Control": CACHE_LATEST, "Cross-Origin-Resource-Policy": "cross-origin"}
        return Response(css, headers=headers, media_type="text/css")
    name = _FILES.get(file) or f"{file.removesuffix('.css')}/{file}"
    return _STYLES.response(request, name, CACHE_LATEST)


templates.globals["icon_address"] = file_address("icon.svg")
