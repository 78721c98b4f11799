"""Mute the reader who gave a report, and let their reports count again."""

from starlette.responses import Response

from widget_server.model.errors import NotFoundError, NotPermittedError, StaleError
from widget_server.operations.moderation import discussion, report_mutes
from widget_server.web.dashboard.bans import HOUR_MS, LENGTHS
from widget_server.web.dashboard.decisions import back_of, told
from widget_server.web.dashboard.messages import message_page
from widget_server.web.dashboard.page import Page, site_page


@site_page("mute")
async def submit(page: Page) -> Response:
    """Handle `POST …/comments/{comment}/mute`: reports of the reader who gave one no longer count."""
    comment = page.request.path_params["comment"]
    await discussion.find_comment(page.services, page.actor, page.site, comment)
    length = page.form.get("length")
    hours = int(length) if length in LENGTHS and length else None
    until = None if hours is None else page.services.now_ms() + hours * HOUR_MS
    back = back_of(page, page.path(f"comments/{comment}"))
    try:
        made = await report_mutes.mute(
            page.services, page.actor, page.site, comment, page.form.get("report"), until=until
        )
    except NotPermittedError as error:
        return message_page(page.request, 403, "not_permitted", error.detail)
    except (StaleError, NotFoundError):
        return told(page, back, "nothing", None)
    return told(page, back, "mute", made.id)


@site_page("mute")
async def lift(page: Page) -> Response:
    """Handle `POST …/mutes/lift`: of a mute, or of the reader who gave a report of a comment."""
    back, form = back_of(page, page.path("bans")), page.form
    try:
        if form.get("mute"):
            await report_mutes.lift(page.services, page.actor, page.site, form.get("mute"))
        else:
            await report_mutes.lift_of_report(
                page.services, page.actor, page.site, form.get("comment"), form.get("report")
            )
    except NotPermittedError as error:
        return message_page(page.request, 403, "not_permitted", error.detail)
    except NotFoundError:
        return told(page, back, "nothing", None)
    return told(page, back, "unmute", None)
