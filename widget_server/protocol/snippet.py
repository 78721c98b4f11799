"""What a republisher pastes: attribution and a link that stay when scripts are stripped."""

import json
import re
from html import escape

from widget_server.model.claims import WidgetClaims

#: SPDX licence ids that can be named by their own page.
LICENCES = {
    "CC-BY-4.0": ("CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/"),
    "CC-BY-SA-4.0": ("CC BY-SA 4.0", "https://creativecommons.org/licenses/by-sa/4.0/"),
    "CC-BY-ND-4.0": ("CC BY-ND 4.0", "https://creativecommons.org/licenses/by-nd/4.0/"),
    "CC-BY-NC-4.0": ("CC BY-NC 4.0", "https://creativecommons.org/licenses/by-nc/4.0/"),
    "CC0-1.0": ("CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
}

#: The forms of a snippet, and what each is for.
FORMS = {
    "html": "HTML, and well-formed XML as well: XHTML, the content of an Atom entry",
    "jsx": "JSX, as React and MDX take it",
    "markdown": "Markdown: no token and no script, which Markdown would lose",
    "link": "HTML without a script, for systems that load it once for all stories",
}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~!&])")


def snippet(server: str, code: str, token: str, claims: WidgetClaims, form: str = "html") -> str:
    """Write the snippet of PROTOCOL, section 5, in one of the `FORMS`.

    `server` is the address without a slash at the end. Raises `ValueError` for another form.
    """
    if form not in FORMS:
        raise ValueError(f"There is no form “{form}”. Known: {', '.join(FORMS)}.")
    if form == "markdown":
        return _markdown(server, code, claims)
    said = claims.attribution
    text = _jsx_text if form == "jsx" else escape
    title = text(said.title or claims.story)
    named = f'<a href="{escape(said.url)}">{title}</a>' if said.url else title
    licence, page = LICENCES.get(said.license, (said.license, ""))
    terms = f'<a rel="license" href="{page}">{licence}</a>' if page else text(licence)
    link = (
        f'<p><a {"className" if form == "jsx" else "class"}="story-widget" '
        f'href="{escape(server)}/s/{code}" data-widget-token="{escape(token)}">'
        f"React to and discuss “{title}”: one conversation on every site that runs it</a></p>"
    )
    # In one line: JSX leaves out a line's end with all the space around it.
    credit = f"<p>“{named}”{text(_by(claims))}. {terms}. Changes: {text(_changes(claims))}.</p>"
    if form == "link":
        return f"{link}\n{credit}"
    cite = f' cite="{escape(said.url)}"' if said.url else ""
    quoted = f"<blockquote{cite}>\n  {link}\n  {credit}\n</blockquote>"
    source = f'src="{escape(server)}/embed.js"'
    if form == "jsx":
        return f"<>\n{quoted}\n<script async={{true}} {source} />\n</>"
    return f'{quoted}\n<script async="async" {source}></script>'


def _markdown(server: str, code: str, claims: WidgetClaims) -> str:
    said = claims.attribution

    def text(words: str) -> str:
        return _MARKDOWN.sub(r"\\\1", " ".join(words.split()))

    title = text(said.title or claims.story)
    licence, page = LICENCES.get(said.license, (said.license, ""))
    named = f"[{title}](<{said.url}>)" if said.url else title
    terms = f"[{licence}]({page})" if page else text(licence)
    return (
        f"> [React to and discuss “{title}”: one conversation on every site that runs it]"
        f"({server}/s/{code})\n>\n"
        f"> “{named}”{text(_by(claims))}. {terms}. Changes: {text(_changes(claims))}."
    )


def _by(claims: WidgetClaims) -> str:
    names = ", ".join(filter(None, (claims.attribution.author, claims.attribution.publisher)))
    return f" by {names}" if names else ""


def _changes(claims: WidgetClaims) -> str:
    return (claims.changes or "none").rstrip(".")


def _jsx_text(words: str) -> str:
    """The words as a string in braces: in JSX's own text a brace or a space at an edge is not one."""
    return "{" + json.dumps(words, ensure_ascii=False) + "}"
