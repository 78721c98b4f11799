"""Snippet that a republisher pastes: attribution and a link remain if scripts are stripped."""

import json
import re
from html import escape

from widget_server.model.claims import WidgetClaims

#: Names and pages of licences, by SPDX id.
LICENCES = {
    "CC-BY-4.0": ("CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/"),
    "CC-BY-SA-4.0": ("CC BY-SA 4.0", "https://creativecommons.org/licenses/by-sa/4.0/"),
    "CC-BY-ND-4.0": ("CC BY-ND 4.0", "https://creativecommons.org/licenses/by-nd/4.0/"),
    "CC-BY-NC-4.0": ("CC BY-NC 4.0", "https://creativecommons.org/licenses/by-nc/4.0/"),
    "CC0-1.0": ("CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
}

#: The forms of a snippet, and the use of each.
FORMS = {
    "html": "HTML that is also well-formed XML, for XHTML and Atom entries",
    "jsx": "JSX, for React and MDX",
    "markdown": "Markdown, without token and script, because Markdown would lose them",
    "link": "HTML without a script, for sites that load the script once for all stories",
}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~!&])")


def snippet(server: str, code: str, token: str, claims: WidgetClaims, form: str = "html") -> str:
    """Return the snippet of docs/users/republishing.md in one of the `FORMS`.

    `server` is the address without a final slash. Raises `ValueError` for another form.
    """
    if form not in FORMS:
        raise ValueError(f"There is no form “{form}”. Known: {', '.join(FORMS)}.")
    if form == "markdown":
        return _markdown(server, code, claims)
    attribution = claims.attribution
    text = _jsx_text if form == "jsx" else escape
    title = text(attribution.title or claims.story)
    linked_title = f'<a href="{escape(attribution.url)}">{title}</a>' if attribution.url else title
    licence, page = LICENCES.get(attribution.license, (attribution.license, ""))
    terms = f'<a rel="license" href="{page}">{licence}</a>' if page else text(licence)
    link = (
        f'<p><a {"className" if form == "jsx" else "class"}="story-widget" '
        f'href="{escape(server)}/s/{code}" data-widget-token="{escape(token)}">'
        f"React to and discuss “{title}”: one conversation on every site that runs it</a></p>"
    )
    # On one line: JSX removes a line break and all space around it.
    credit = f"<p>“{linked_title}”{text(_byline(claims))}. {terms}. Changes: {text(_changes(claims))}.</p>"
    if form == "link":
        return f"{link}\n{credit}"
    cite = f' cite="{escape(attribution.url)}"' if attribution.url else ""
    quote = f"<blockquote{cite}>\n  {link}\n  {credit}\n</blockquote>"
    source = f'src="{escape(server)}/embed.js"'
    if form == "jsx":
        return f"<>\n{quote}\n<script async={{true}} {source} />\n</>"
    return f'{quote}\n<script async="async" {source}></script>'


def _markdown(server: str, code: str, claims: WidgetClaims) -> str:
    attribution = claims.attribution

    def text(plain: str) -> str:
        return _MARKDOWN.sub(r"\\\1", " ".join(plain.split()))

    title = text(attribution.title or claims.story)
    licence, page = LICENCES.get(attribution.license, (attribution.license, ""))
    linked_title = f"[{title}](<{attribution.url}>)" if attribution.url else title
    terms = f"[{licence}]({page})" if page else text(licence)
    return (
        f"> [React to and discuss “{title}”: one conversation on every site that runs it]"
        f"({server}/s/{code})\n>\n"
        f"> “{linked_title}”{text(_byline(claims))}. {terms}. Changes: {text(_changes(claims))}."
    )


def _byline(claims: WidgetClaims) -> str:
    names = ", ".join(filter(None, (claims.attribution.author, claims.attribution.publisher)))
    return f" by {names}" if names else ""


def _changes(claims: WidgetClaims) -> str:
    return (claims.changes or "none").rstrip(".")


def _jsx_text(text: str) -> str:
    """Return text as a string in braces: plain JSX text loses braces and outer spaces."""
    return "{" + json.dumps(text, ensure_ascii=False) + "}"
