"""XML documents from templates."""

import re
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from widget_server.web.pages.comment_html import render as render_tree
from widget_server.web.pages.layout import TEMPLATES

# XML 1.0, 2.2: not even an escaped reference to these characters is well-formed.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

_templates = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.globals["draw"] = render_tree


def render_xml(template: str, **values: Any) -> bytes:
    """Return a template's document, without the characters that XML forbids."""
    return _FORBIDDEN.sub("", _templates.get_template(template).render(values)).encode()
