"""When a person opened the page of copies before this visit, kept in a cookie of the browser."""

from starlette.responses import Response

from widget_server.web.dashboard import cookies
from widget_server.web.dashboard.page import Page
from widget_server.web.dashboard.times import DAY, MINUTE

VISIT_MS = 30 * MINUTE
"""A visit ends if the page was not opened for so long."""
FIRST_MS = 7 * DAY
"""On the first visit, copies of this time are new."""


def last_visit(page: Page) -> int:
    """Return the end of the visit before this one, in milliseconds."""
    before, latest = _times(page)
    now = page.services.now_ms()
    return latest if now - latest > VISIT_MS else before


def note_visit(page: Page, response: Response) -> None:
    """Keep that the page was opened now."""
    now = page.services.now_ms()
    cookies.set_visit(page.request, response, page.site, f"{last_visit(page)}.{now}")


def _times(page: Page) -> tuple[int, int]:
    """Return the end of the visit before the latest, and when the page was opened last."""
    now = page.services.now_ms()
    parts = cookies.visit(page.request, page.site).split(".")
    if len(parts) == 2 and all(part.isascii() and part.isdigit() for part in parts):
        before, latest = (min(int(part[:15]), now) for part in parts)
        return before, latest
    return now - FIRST_MS, now - FIRST_MS
