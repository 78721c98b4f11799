"""Addresses of a page's states: filter, sort and place are in the query, so each state is a link."""

from urllib.parse import urlencode

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
