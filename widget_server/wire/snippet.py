"""What a republisher pastes: attribution and a link that stay when scripts are stripped."""

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


def snippet(server: str, code: str, token: str, claims: WidgetClaims) -> str:
    """The HTML of PROTOCOL, section 5. `server` is the address without a slash at the end."""
    said = claims.attribution
    title = escape(said.title or claims.story)
    named = f'<a href="{escape(said.url)}">{title}</a>' if said.url else title
    cite = f' cite="{escape(said.url)}"' if said.url else ""
    by = escape(", ".join(filter(None, (said.author, said.publisher))))
    credit = f"“{named}”" + (f" by {by}" if by else "") + "."
    licence, page = LICENCES.get(said.license, (said.license, ""))
    terms = f'<a rel="license" href="{page}">{licence}</a>' if page else escape(licence)
    changes = escape((claims.changes or "none").rstrip("."))
    return (
        f"<blockquote{cite}>\n"
        f'  <p><a class="story-widget" href="{escape(server)}/s/{code}" '
        f'data-widget-token="{escape(token)}">'
        f"React to and discuss “{title}”: one conversation on every site that runs it</a></p>\n"
        f"  <p>{credit}\n"
        f"     {terms}. Changes: {changes}.</p>\n"
        f"</blockquote>\n"
        f'<script async src="{escape(server)}/embed.js"></script>'
    )
