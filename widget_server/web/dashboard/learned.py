"""The learned filter: what it has seen, how often it errs, how strict it is, and why it held."""

from typing import cast

from starlette.responses import Response

from widget_server.model.errors import ProblemError
from widget_server.model.learning import LEARNER
from widget_server.model.rules import RuleMode
from widget_server.operations.moderation import learner, rules
from widget_server.web.dashboard.decisions import told_now
from widget_server.web.dashboard.page import Page, site_page
from widget_server.web.dashboard.rules import BADGES


@site_page("read_rules")
async def show(page: Page) -> Response:
    """Handle `GET …/rules/learned`. `in_1000` is a rate to look at, which is not saved."""
    return await _learned(page, _rate(page.request.query_params.get("in_1000", "")))


@site_page("rules")
async def save(page: Page) -> Response:
    """Handle `POST …/rules/learned`: mode, rate or both."""
    try:
        await learner.set_filter(
            page.services,
            page.actor,
            page.site,
            cast(RuleMode, page.form.get("mode")) or None,
            _rate(page.form.get("in_1000")),
        )
    except ProblemError as error:
        page.fail(error)
        return await _learned(page)
    return page.redirect(page.path("rules/learned"), "saved")


def _rate(typed: str) -> int | None:
    """Return the rate in 10,000 for a typed number of good comments in 1,000; None without one."""
    return int(typed) * 10 if typed.isascii() and typed.isdecimal() and len(typed) < 6 else None


async def _learned(page: Page, looked_at: int | None = None) -> Response:
    state, hits = await learner.show_learner(page.services, page.actor, page.site)
    reasons = await learner.why(page.services, page.actor, page.site)
    return page.render(
        "rules/learned.html",
        state=state,
        point=next((one for one in state.curve if one["rate"] == looked_at), None) or state.point,
        hits=hits,
        missed=await rules.count_missed(page.services, page.actor, page.site, LEARNER),
        reasons=reasons,
        needed=learner.NEEDED,
        badges=BADGES,
        **told_now(page),
    )
