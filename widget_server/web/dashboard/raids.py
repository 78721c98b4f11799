"""Raids of a site: which are on, switching the defence on by hand, ending one."""

from starlette.responses import Response

from widget_server.model.errors import (
    MalformedError,
    NotFoundError,
    NotPermittedError,
    ProblemError,
)
from widget_server.operations.moderation import raids
from widget_server.web.dashboard.decisions import told_now
from widget_server.web.dashboard.page import Page, site_page

HOURS = (1, 6, 24, 72)
"""Hours that the form offers."""


@site_page("read_rules")
async def show(page: Page) -> Response:
    """Handle `GET …/raids`: the raids that are on, those of the last 30 days, and the switch."""
    return await _raids(page)


@site_page("raid")
async def switch_on(page: Page) -> Response:
    """Handle `POST …/raids`."""
    hours, story = page.form.get("hours"), page.form.get("story").strip()
    try:
        await raids.switch_on(
            page.services,
            page.actor,
            page.site,
            story=story or None,
            hours=int(hours) if hours.isdecimal() and len(hours) < 4 else raids.DEFAULT_HOURS,
        )
    except NotPermittedError:
        raise
    except NotFoundError:
        page.errors["story"] = page.t("raid_no_story")
        return await _raids(page)
    except MalformedError as error:
        page.fail(error)
        return await _raids(page)
    return page.redirect(f"{page.path('raids')}?did=raid_on")


@site_page("raid")
async def end(page: Page) -> Response:
    """Handle `POST …/raids/end`."""
    try:
        await raids.end(page.services, page.actor, page.site, page.form.get("raid"))
    except NotPermittedError:
        raise
    except ProblemError:
        return page.redirect(f"{page.path('raids')}?did=nothing")
    return page.redirect(f"{page.path('raids')}?did=raid_off")


async def _raids(page: Page) -> Response:
    found = await raids.list_raids(page.services, page.actor, page.site)
    return page.render(
        "raids/raids.html",
        422 if page.errors else 200,
        on=[one for one in found if one.phase],
        past=[one for one in found if not one.phase],
        hours=HOURS,
        chosen_hours=page.form.get("hours") if page.errors else str(raids.DEFAULT_HOURS),
        story=page.form.get("story") if page.errors else page.request.query_params.get("story", ""),
        **told_now(page),
    )
