"""Snippets that a republisher pastes: attribution and a link remain if scripts are stripped.

Every form is made from the same parts, and each part is escaped for its form: a title may contain any
character.
"""

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html import escape

from widget_server.model.claims import WidgetClaims
from widget_server.model.corrections import Correction, shown
from widget_server.model.identifiers import LANGUAGE_TAG
from widget_server.protocol.snippet_texts import ENGLISH, SnippetTexts, texts_in

#: Names and pages of licences, by SPDX id.
LICENCES = {
    "CC-BY-4.0": ("CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/"),
    "CC-BY-SA-4.0": ("CC BY-SA 4.0", "https://creativecommons.org/licenses/by-sa/4.0/"),
    "CC-BY-ND-4.0": ("CC BY-ND 4.0", "https://creativecommons.org/licenses/by-nd/4.0/"),
    "CC-BY-NC-4.0": ("CC BY-NC 4.0", "https://creativecommons.org/licenses/by-nc/4.0/"),
    "CC-BY-NC-SA-4.0": ("CC BY-NC-SA 4.0", "https://creativecommons.org/licenses/by-nc-sa/4.0/"),
    "CC-BY-NC-ND-4.0": ("CC BY-NC-ND 4.0", "https://creativecommons.org/licenses/by-nc-nd/4.0/"),
    "CC0-1.0": ("CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
}

#: The forms of a snippet, and the use of each.
FORMS = {
    "html": "HTML that is also well-formed XML, for XHTML and Atom entries",
    "jsx": "JSX, for React and MDX",
    "markdown": "Markdown, without token and script, because Markdown would lose them",
    "link": "HTML without a script, for sites that load the script once for all stories",
    "iframe": "an iframe with the attribution and a link above it, for sites that allow no script",
    "email": "HTML without token and script, for mail",
    "text": "plain text, without token and script",
    "atom": "elements of an Atom entry, without token and script",
    "address": "the address of the discussion's page alone",
}
TOKENLESS = frozenset({"markdown", "email", "text", "atom", "address"})
"""Forms that carry no token: what reads them would lose it."""
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~!&])")
# Claims are checked when they are parsed. This keeps a damaged row out of an `href`.
_ADDRESS = re.compile(r'https?://[^\s<>"\\]+', re.IGNORECASE)
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def snippet(
    server: str,
    code: str,
    token: str | None,
    claims: WidgetClaims,
    form: str = "html",
    texts: SnippetTexts | None = None,
    corrections: Sequence[Correction] = (),
) -> str:
    """Return the snippet of docs/users/republishing.md in one of the `FORMS`.

    `server` is the address without a final slash. Without a token, the story's code stands for itself.
    Without `texts`, the sentences are in the copy's language, which `claims` name.
    `corrections` are those of the story, the oldest first: each that stands is a line of the attribution.
    Raises `ValueError` for another form.
    """
    if form not in FORMS:
        raise ValueError(f"There is no form “{form}”. Known: {', '.join(FORMS)}.")
    texts = texts or texts_in(claims.lang)
    own = _Snippet(server, code, None if form in TOKENLESS else token, claims, texts, corrections)
    made: str = getattr(own, form)()
    return made


def credit(claims: WidgetClaims, texts: SnippetTexts = ENGLISH) -> str:
    """Return the attribution of a story alone, as HTML."""
    return _Snippet("", "", None, claims, texts).credit()


class _Snippet:
    """One snippet, ready to be written in any form."""

    def __init__(
        self,
        server: str,
        code: str,
        token: str | None,
        claims: WidgetClaims,
        texts: SnippetTexts,
        corrections: Sequence[Correction] = (),
    ) -> None:
        attribution = claims.attribution
        # Of the copy. What carries no token names it in addresses and attributes.
        self.language = claims.lang if LANGUAGE_TAG.fullmatch(claims.lang or "") else None
        self.server, self.code, self.token, self.texts = server, code, token, texts
        self.page = f"{server}/s/{code}"
        self.query = f"?lang={self.language}" if self.language else ""
        self.title = _line(attribution.title or claims.story)
        self.url = attribution.url if _ADDRESS.fullmatch(attribution.url or "") else None
        names = (attribution.author, attribution.publisher)
        self.names = ", ".join(_line(name) for name in names if name)
        self.changes = _line(claims.changes or texts.none).rstrip(".")
        standing = [one for one in shown(corrections) if one.withdrawn_at is None]
        lang = texts.lang or claims.lang or "en"
        self.corrected = [_correction(one, texts, lang) for one in standing]
        self.licence, self.terms = LICENCES.get(attribution.license, (attribution.license, ""))

    def credit(self) -> str:
        return self._credit(escape)

    def html(self) -> str:
        cite = f' cite="{escape(self.url)}"' if self.url else ""
        quote = f"<blockquote{cite}>\n  {self._link()}\n  {self._credit(escape)}\n{self._lines('  ')}</blockquote>"
        return f'{quote}\n<script async="async" src="{escape(self.server)}/embed.js"></script>'

    def link(self) -> str:
        return f"{self._link()}\n{self._credit(escape)}\n{self._lines()}".rstrip()

    def jsx(self) -> str:
        cite = f' cite="{escape(self.url)}"' if self.url else ""
        link = self._link("className", _jsx_text)
        quote = f"<blockquote{cite}>\n  {link}\n  {self._credit(_jsx_text)}\n{self._lines('  ', _jsx_text)}</blockquote>"
        return f'<>\n{quote}\n<script async={{true}} src="{escape(self.server)}/embed.js" />\n</>'

    def iframe(self) -> str:
        title = escape(self.texts.frame_title(self.title))
        reference = escape(self.token or f"{self.code}{self.query}")
        # The link remains where a system removes the frame. With other text in its line, the embed leaves it a link.
        link = f' <a href="{escape(self.page + self.query)}">{title}</a>'
        return (
            f"{self._credit(escape, link)}\n{self._lines()}"
            f'<iframe src="{escape(self.server)}/e/{reference}" title="{title}" width="100%" height="640"'
            ' loading="lazy" style="border:0"></iframe>'
        )

    def email(self) -> str:
        join = escape(self._join())
        return (
            f'<p{self._lang()}><a href="{escape(self.page + self.query)}">{join}</a></p>\n'
            f"{self._credit(escape)}\n{self._lines()}"
        ).rstrip()

    def text(self) -> str:
        parts = [f"“{self.title}”{self._byline()}.", f"{self.licence}."]
        if self.terms:
            parts[1] = f"{self.licence} ({self.terms})."
        parts.append(self._changes())
        lines = [" ".join(parts), *self.corrected]
        if self.url:
            lines.append(self.url)
        return "\n".join([*lines, f"{self._join()}:", self.page + self.query])

    def atom(self) -> str:
        def line(rel: str, href: str, media: str = "text/html") -> str:
            return f'<link rel="{rel}" type="{media}" href="{_xml(href)}"/>'

        lines = [line("via", self.url)] if self.url else []
        lines += [line("license", self.terms)] if self.terms else []
        lines += [line("replies", self.page + self.query)]
        lines += [line("replies", f"{self.page}/feed.atom", "application/atom+xml")]
        rights = f"“{self.title}”{self._byline()}. {self.licence}. {self._changes()}"
        lines += [f"<rights>{_xml(rights)}</rights>"]
        body = _NOT_XML.sub("", self.email())
        return "\n".join(
            [
                *lines,
                '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">',
                body,
                "</div></content>",
            ]
        )

    def address(self) -> str:
        return self.page + self.query

    def markdown(self) -> str:
        title = _markdown_text(self.title)
        # In angle brackets an address may contain brackets and spaces do not end it.
        linked = f"[{title}](<{self.url}>)" if self.url else title
        terms = f"[{self.licence}]({self.terms})" if self.terms else _markdown_text(self.licence)
        credit = f"“{linked}”{_markdown_text(self._byline())}. {terms}. "
        return (
            f"> [{_markdown_text(self._join())}]({self.page}{self.query})\n>\n"
            f"> {credit}{_markdown_text(self._changes())}"
            + "".join(f"\n>\n> {_markdown_text(line)}" for line in self.corrected)
        )

    def _lines(self, indent: str = "", text: Callable[[str], str] = escape) -> str:
        """Return a paragraph for each correction, each ending with a line break."""
        return "".join(f"{indent}<p{self._lang()}>{text(one)}</p>\n" for one in self.corrected)

    def _join(self) -> str:
        return self.texts.invitation(self.title)

    def _byline(self) -> str:
        return self.texts.byline(self.names)

    def _changes(self) -> str:
        return self.texts.changed(self.changes)

    def _lang(self) -> str:
        return f' lang="{escape(self.texts.lang)}"' if self.texts.lang else ""

    def _link(self, name: str = "class", text: Callable[[str], str] = escape) -> str:
        token = f' data-widget-token="{escape(self.token)}"' if self.token else ""
        token += f' data-lang="{self.language}"' if self.language else ""
        return (
            f'<p{self._lang()}><a {name}="story-widget" href="{escape(self.server)}/s/{self.code}"{token}>'
            f"{text(self._join())}</a></p>"
        )

    def _credit(self, text: Callable[[str], str], more: str = "") -> str:
        """Return the attribution, and more HTML, on one line: JSX removes a line break and all space around it."""
        title = text(self.title)
        linked = f'<a href="{escape(self.url)}">{title}</a>' if self.url else title
        terms = text(self.licence)
        if self.terms:
            terms = f'<a rel="license" href="{self.terms}">{terms}</a>'
        return f"<p{self._lang()}>“{linked}”{text(self._byline())}. {terms}. {text(self._changes())}{more}</p>"


def _correction(one: Correction, texts: SnippetTexts, lang: str) -> str:
    """Return what a snippet says about a correction, on one line."""
    at = datetime.fromtimestamp(one.at / 1000, UTC)
    when = texts.day.replace("{day}", str(at.day)).replace("{month}", texts.months[at.month - 1])
    said = texts.corrected[one.kind].replace("{when}", when.replace("{year}", str(at.year)))
    return _line(said.replace("{text}", one.text_in(lang)))


def _line(text: str) -> str:
    return " ".join(text.split())


def _jsx_text(text: str) -> str:
    """Return text as a string in braces: plain JSX text loses braces and outer spaces."""
    return "{" + json.dumps(text, ensure_ascii=False) + "}" if text else ""


def _markdown_text(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)


def _xml(text: str) -> str:
    return escape(_NOT_XML.sub("", text))
