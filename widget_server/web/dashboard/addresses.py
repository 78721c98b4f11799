"""Addresses of a page's states: filter, sort and place are in the query, so each state is a link."""

from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlencode, urlsplit

from widget_server.web.dashboard.page import Page

NOT_KEPT = frozenset({"done", "undo", "after", "revoke"})
"""Parameters that another filter or order leaves out: notices, places and opened rows."""


def query_of(page: Page, **changes: str | None) -> str:
    """Return the page's own address with some parameters changed; None and "" leave one out."""
    kept = {k: v for k, v in page.request.query_params.items() if k not in NOT_KEPT}
    chosen = {k: v for k, v in (kept | changes).items() if v}
    path = page.request.url.path
    return path + (f"?{urlencode(chosen)}" if chosen else "")


def kept_fields(page: Page, *replaced: str) -> list[tuple[str, str]]:
    """Return the parameters that a search form sends again, without those that it has itself."""
    return [
        (name, value)
        for name, value in page.request.query_params.items()
        if name not in NOT_KEPT and name not in replaced and value
    ]


def placed(place: tuple[int, str] | None) -> str:
    """Return the time and id of a page's last comment as an address names them; "" for none."""
    return f"{place[0]}.{place[1]}" if place else ""


def place_named(text: str) -> tuple[int, str] | None:
    """Return the place in an address. Anything else begins at the newest."""
    time, _, comment = text.partition(".")
    if not (time.isdecimal() and len(time) < 16 and comment.isalnum() and len(comment) <= 16):
        return None
    return int(time), comment


def host_of(page: str | None, origin: str) -> str:
    """Return the host of a copy's page, or its origin if that has none."""
    return urlsplit(page or origin).netloc or origin


def path_of(page: str | None) -> str:
    """Return the path of a copy's page, or an empty text for the first page of a host."""
    path = urlsplit(page or "").path
    return "" if path == "/" else path


def short_origins(origins: Sequence[str | None]) -> dict[str | None, str]:
    """Return for each origin the shortest of host, host with port, and origin that is its own.

    An origin that is not known has the empty text.
    """
    known = [one for one in origins if one]
    short: dict[str | None, str] = {None: ""}
    for words in (_bare_host, lambda one: urlsplit(one).netloc, lambda one: one):
        rest = [one for one in known if one not in short]
        counted = Counter(words(one) for one in rest)
        short |= {one: words(one) for one in rest if words(one) and counted[words(one)] == 1}
    return {one: short.get(one, one or "") for one in origins}


def _bare_host(origin: str) -> str:
    return (urlsplit(origin).hostname or "").removeprefix("www.")
