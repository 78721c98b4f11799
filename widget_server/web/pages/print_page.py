"""A whole discussion as one page to print or to save as PDF. It has no script."""

from collections.abc import Sequence
from typing import Any

from widget_server.content import urls
from widget_server.protocol import serializers
from widget_server.web.pages.corrections import drawn
from widget_server.web.pages.layout import render, theme_address
from widget_server.web.pages.shown_comments import About

_BETWEEN = "<!-- comments -->"
"""Where the comments stand. Titles and names are escaped: they cannot contain it."""


class PrintPage:
    """The page before its comments (`head`) and after them (`foot`)."""

    POLICY = "; ".join(
        (
            "default-src 'none'",
            "style-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )

    def __init__(self, about: About) -> None:
        self._t = about.t
        story, site = about.found.story, about.found.site
        content = {
            "about": about,
            "story": serializers.story(story),
            "title": about.title,
            "site": site,
            "total": story.count,
            "counts": about.counts(),
            "corrections": drawn(story, about.t),
            "original": urls.safe(story.url),
            "theme": theme_address(site.settings),
            "between": _BETWEEN,
        }
        html = render("story/print.html", about.t, content)
        self.head, self.foot = html.split(_BETWEEN)

    def comments(self, views: Sequence[dict[str, Any]]) -> str:
        """Return the HTML of some comments."""
        return render("story/print_comments.html", self._t, {"views": views})
