"""Home of a site, the way to it, and the list of sites."""

from typing import Any

from starlette.responses import Response

from widget_server.operations.moderation.queue import count_hints
from widget_server.operations.moderation.raids import raids_on
from widget_server.operations.owners.home import show_home
from widget_server.web.dashboard.decisions import told_now
from widget_server.web.dashboard.log_words import say_latest
from widget_server.web.dashboard.page import Page, account_page, open_page, site_page

HOUR_MS = 3_600_000


@open_page
async def enter(page: Page) -> Response:
    """Handle `GET /admin`: to the first site's home, to the first site's form, or to the sign-in."""
    if page.signed_in is None:
        return page.redirect("/admin/sign-in")
    memberships = page.signed_in.memberships
    if memberships:
        return page.redirect(f"/admin/sites/{memberships[0].site}/home")
    if page.signed_in.account.server_owner:
        return page.redirect("/admin/new-site")
    return page.redirect("/admin/sites")


@site_page("read")
async def enter_site(page: Page) -> Response:
    """Handle `GET /admin/sites/{site}`."""
    return page.redirect(page.path("home"))


@account_page
async def show_sites(page: Page) -> Response:
    """Handle `GET /admin/sites`: the sites on which the person has a role."""
    return page.render("home/sites.html")


@site_page("read", counts=False)
async def show(page: Page) -> Response:
    """Handle `GET /admin/sites/{site}/home`: what needs a person, who reads now, what happened today."""
    found = await show_home(page.services, page.actor, page.site)
    today = found.today
    waiting = sum(today.queues.get(queue, (0, 0))[0] for queue in ("pending", "held", "edits"))
    oldest = [today.queues[one][1] for one in ("pending", "held", "edits") if one in today.queues]
    hints = await count_hints(page.services, page.actor, page.site)
    page.waits = sum(number for number, _ in today.queues.values()) + hints
    hour = page.services.now_ms() // HOUR_MS % 24
    cached = await page.services.cache.site(page.site)
    return page.render(
        "home/home.html",
        full="open" if cached is None else cached.full,
        found=found,
        waiting=waiting,
        hints=hints,
        raids_now=await raids_on(page.services, page.site),
        latest=[(one, say_latest(page, one)) for one in found.latest],
        oldest=min(oldest, default=None),
        charts=[
            ("reactions", _chart(today.reactions, hour)),
            ("comments", _chart(today.comments, hour)),
        ],
        **told_now(page),
    )


def _chart(by_hour: dict[int, int], last: int) -> dict[str, Any]:
    """Return the bars of a day: hour, height from 0 to 1, number; and their sum and greatest."""
    most = max(by_hour.values(), default=0)
    bars = [(hour, by_hour.get(hour, 0) / (most or 1), by_hour.get(hour, 0)) for hour in range(24)]
    return {"bars": bars, "sum": sum(by_hour.values()), "most": most, "last": last}
