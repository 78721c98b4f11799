"""A discussion as a text file. Lines of the server begin in the first column, words of readers are indented.

So no comment can look like a comment of another person. A line of the server that names a reader, a place or a
story may be too long: the rest of it is indented too.
"""

from collections.abc import Mapping
from typing import Any

from widget_server.content import urls
from widget_server.content.plain_text import wrap, wrapped
from widget_server.web.pages.corrections import drawn
from widget_server.web.pages.shown_comments import About

WIDTH = 76
"""Columns of a line."""
INDENT = "    "
RULE = "-" * WIDTH


class TextFile:
    """Writes the parts of a text file."""

    def __init__(self, about: About) -> None:
        self._about = about

    def head(self) -> str:
        """Return what the file is about: the story, its credit and licence, and the rights in comments."""
        about, t = self._about, self._about.t
        name, terms = about.licence
        licence = t("dl_licence", licence=f"{name} ({terms})" if terms else name)
        story = about.found.story
        lines = _lines(t("dl_title", title=about.title))
        lines += _lines(about.byline) if about.byline else []
        lines += [""]
        if urls.safe(story.url):
            lines += [t("dl_story", address=story.url)]
        lines += [t("dl_page", address=about.page)]
        # A known licence stands on one line with its address.
        lines += [licence] if terms else _lines(licence)
        lines += wrap(t("dl_rights"), WIDTH)
        for one in drawn(story, t):
            lines += ["", one["what"]]
            lines += [
                INDENT + line for line in wrap(one["withdrawn"] or one["text"], WIDTH - len(INDENT))
            ]
        lines += ["", t("dl_when", when=about.when), *_lines(self._counts())]
        return "\n".join([*lines, "", RULE, ""])

    def _counts(self) -> str:
        about, t = self._about, self._about.t
        count = about.found.story.count
        said = [t("comments", n=count) if count else t("none")]
        said += [f"{name} {t.number(number)}" for name, number in about.counts()]
        return " · ".join(said)

    def comment(self, view: Mapping[str, Any]) -> str:
        """Return one comment: number and name, what is known about it, its address, its words."""
        if view["state"] == "removed":
            lines = [f"{view['number']}  {self._about.t('removed')}"]
        else:
            lines = _lines(f"{view['number']}  {view['name']}")
            lines += _lines(" · ".join(view["facts"]))
            if view["chips"]:
                lines += _lines(
                    " · ".join(
                        f"{one['name']} {self._about.t.number(one['count'])}"
                        for one in view["chips"]
                    )
                )
            lines += [view["address"], ""]
            lines += [
                (INDENT + line).rstrip() for line in wrapped(view["text"], WIDTH - len(INDENT))
            ]
        return "\n".join(["", *lines, ""])

    def foot(self) -> str:
        """Return the last line: a file without it was cut off."""
        return "\n".join(["", RULE, self._about.t("dl_end"), ""])


def _lines(text: str) -> list[str]:
    """Return a line of the server that has words of others: only its beginning is in the first column."""
    first, *rest = wrap(text, WIDTH - len(INDENT))
    return [first, *((INDENT + line).rstrip() for line in rest)]
