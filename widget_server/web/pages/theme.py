"""The accent and the density of a site as a style sheet: `/static/theme-0c8577-1.25.css`.

The pages' policy allows no style in the page itself. The values stand in the name, so that the sheet
is the same for everyone and for ever, and nothing is looked up to answer it.
"""

import re

from widget_server.model import accent
from widget_server.model.settings import DENSITIES, SiteSettings

_INK_LIGHT, _INK_DARK = (ink for _, ink in accent.SERVER_PAGES)
_NAME = re.compile(r"theme-([0-9a-f]{6})?-(\d(?:\.\d{1,6})?)\.css", re.ASCII)
_ACCENT = """:root {{ --story-widget-on-accent: {light}; }}
@media (prefers-color-scheme: dark) {{ :root {{ --story-widget-on-accent: {dark}; }} }}
@supports (color: color-mix(in oklab, red, red)) {{
  :root {{ --story-widget-accent: color-mix(in oklab, {accent} {share:.0%}, var(--ink)); }}
}}
"""
_DENSITY = ":root {{ --story-widget-density: {density}; }}\n"


def file_name(settings: SiteSettings) -> str | None:
    """Return the name of a site's style sheet, or None if it has the default look."""
    if settings.accent is None and settings.density == 1:
        return None
    return f"theme-{(settings.accent or '').removeprefix('#')}-{settings.density:g}.css"


def style_sheet(file: str) -> str | None:
    """Return the style sheet of that name, or None if there is no such one."""
    match = _NAME.fullmatch(file)
    if match is None or not DENSITIES[0] <= float(match[2]) <= DENSITIES[1]:
        return None
    css = "" if match[2] == "1" else _DENSITY.format(density=match[2])
    if match[1]:
        colour = "#" + match[1]
        css += _ACCENT.format(
            accent=colour,
            share=accent.SHARE,
            light=accent.text_on(colour, _INK_LIGHT),
            dark=accent.text_on(colour, _INK_DARK),
        )
    return css
