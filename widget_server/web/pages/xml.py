"""Templates of XML documents."""

import re

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from widget_server.web.pages.comment_html import render as render_tree
from widget_server.web.pages.layout import TEMPLATES

# XML 1.0, 2.2: not even an escaped reference to these characters is well-formed.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def _allowed(value: object) -> object:
    """Return a value of a template without the characters that XML forbids."""
    if isinstance(value, Markup):
        return Markup(_FORBIDDEN.sub("", value))  # noqa: S704 - escaped before
    return _FORBIDDEN.sub("", value) if isinstance(value, str) else value


xml_templates = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    finalize=_allowed,
)
xml_templates.globals["draw"] = render_tree
