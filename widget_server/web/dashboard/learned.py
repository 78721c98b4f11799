"""The learned filter: what it has seen, how often it errs, how strict it is, and why it held."""

from typing import cast

from starlette.responses import Response

from widget_server.model.errors import ProblemError
from widget_server.model.rules import RuleMode
from widget_server.operations.moderation import learner
from widget_server.web.dashboard.page import Page, site_page
from widget_server.web.dashboard.rules import BADGES


@site_page("read_rules")
async def show(page: Page) -> Response:
    """Handle `GET …/rules/learned`."""
    return await _learned(page)


@site_page("rules")
async def save(page: Page) -> Response:
    """Handle `POST …/rules/learned`: mode, rate or both."""
    rate = page.form.get("rate")
    try:
        await learner.set_filter(
            page.services,
            page.actor,
            page.site,
            cast(RuleMode, page.form.get("mode")) or None,
            int(rate) if rate.isdecimal() and len(rate) < 6 else None,
        )
    except ProblemError as error:
        page.fail(error)
        return await _learned(page)
    return page.redirect(page.path("rules/learned"), "saved")


async def _learned(page: Page) -> Response:
    state, hits = await learner.show_learner(page.services, page.actor, page.site)
    reasons = await learner.why(page.services, page.actor, page.site)
    return page.render(
        "rules/learned.html",
        state=state,
        point=state.point,
        hits=hits,
        reasons=reasons,
        needed=learner.NEEDED,
        badges=BADGES,
    )
