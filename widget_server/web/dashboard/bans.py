"""Ban the writer of a comment, lift bans, and list them."""

from typing import Any

from starlette.responses import Response

from widget_server.model.bans import BAN_MODES
from widget_server.model.errors import (
    NotFoundError,
    NotPermittedError,
    ProblemError,
)
from widget_server.operations.moderation import bans, discussion, report_mutes
from widget_server.web.dashboard.decisions import (
    back_of,
    comment_view,
    here,
    told,
    told_now,
)
from widget_server.web.dashboard.messages import message_page
from widget_server.web.dashboard.page import Page, site_page

PAGE_SIZE = 50
HOUR_MS = 3_600_000
LENGTHS = ("24", "168", "720", "")
"""Hours of a ban that the form offers; the last one is for good."""
NETWORK_HOURS = 48
"""Most hours of a ban of a network."""


@site_page("read_reports")
async def show(page: Page) -> Response:
    """Handle `GET …/bans`: the bans in effect, the newest first."""
    after = _place(page.request.query_params.get("after", ""))
    found = await bans.list_bans(page.services, page.actor, page.site, after=after, limit=PAGE_SIZE)
    last = found[-1].ban if len(found) == PAGE_SIZE else None
    return page.render(
        "bans/bans.html",
        found=found,
        muted=await report_mutes.list_mutes(page.services, page.actor, page.site, limit=PAGE_SIZE),
        next=f"{last.at}.{last.decision}" if last is not None else "",
        page_url=here(page),
        **told_now(page),
    )


@site_page("ban")
async def submit(page: Page) -> Response:
    """Handle `POST …/comments/{comment}/ban`."""
    comment = page.request.path_params["comment"]
    shown = await discussion.find_comment(page.services, page.actor, page.site, comment)
    length, mode = page.form.get("length"), page.form.get("mode")
    hours = int(length) if length in LENGTHS and length else None
    network = page.form.get("whom") == "network"
    if network:
        hours = min(hours or NETWORK_HOURS, NETWORK_HOURS)
    until = None if hours is None else page.services.now_ms() + hours * HOUR_MS
    try:
        decided = await bans.ban(
            page.services,
            page.actor,
            comment,
            until=until,
            mode=mode if mode in BAN_MODES else "read",
            reason=page.form.get("reason") or None,
            note=page.form.get("note") or None,
            network=network,
        )
    except NotPermittedError as error:
        return message_page(page.request, 403, "not_permitted", error.detail)
    except ProblemError as error:
        page.fail(error)
        return await comment_view(page, step="ban")
    entry = decided.decision
    back = back_of(page, page.path(f"stories/{shown.story}"))
    return told(page, back, "ban" if entry else "nothing", entry.id if entry else None, comment)


@site_page("unban")
async def lift(page: Page) -> Response:
    """Handle `POST …/bans/lift`."""
    back = back_of(page, page.path("bans"))
    try:
        decided = await bans.unban(page.services, page.actor, page.form.get("ban"), site=page.site)
    except NotPermittedError as error:
        return message_page(page.request, 403, "not_permitted", error.detail)
    except NotFoundError:
        return told(page, back, "nothing", None)
    entry: Any = decided.decision
    return told(page, back, "unban", entry.id)


def _place(text: str) -> tuple[int, str] | None:
    at, _, decision = text.partition(".")
    if not (at.isdecimal() and len(at) < 16 and decision.isalnum() and len(decision) <= 16):
        return None
    return int(at), decision
