"""What waits for a person: reported, pending, held and edited comments, one after the other."""

from typing import cast

from starlette.responses import Response

from widget_server.model.decisions import REASONS, Case
from widget_server.operations.moderation.queue import CaseCursor, show_queue
from widget_server.web.dashboard.decisions import told_now
from widget_server.web.dashboard.diff import words_changed
from widget_server.web.dashboard.page import Page, site_page

SHOWN_QUEUES = ("reported", "pending", "held", "edits")
VERBS = {
    "reported": ("approve", "hold"),
    "pending": ("approve", "hold"),
    "held": ("approve",),
    "edits": ("approve",),
}
"""Verbs of a queue beside removal. The first one is the usual one."""
REMOVALS = {"reported": "remove", "pending": "reject", "held": "remove", "edits": "reject"}


@site_page("read")
async def show(page: Page) -> Response:
    """Handle `GET …/queue`: the first case of a queue, or the first one after a place."""
    query = page.request.query_params
    found = await show_queue(
        page.services,
        page.actor,
        page.site,
        query.get("queue", ""),
        after=_cursor(query.get("after", "")),
    )
    queues = [one for one in SHOWN_QUEUES if one != "reported" or page.may("read_reports")]
    return page.render(
        "queue/queue.html",
        found=found,
        queues=queues,
        verbs=[verb for verb in VERBS[found.queue] if page.may(verb)],
        removal=REMOVALS[found.queue],
        reasons=tuple(REASONS),
        changes=_changes(found.case),
        place=lambda cursor: ".".join(map(str, cursor)),
        base=f"{page.path('queue')}?queue={found.queue}",
        **told_now(page),
    )


def _changes(case: Case | None) -> list[tuple[str, str]]:
    if case is None or case.queue != "edits" or case.waiting is None:
        return []
    return list(words_changed(case.comment.source, case.waiting))


def _cursor(text: str) -> CaseCursor | None:
    parts = text.split(".")
    if len(parts) != 3 or not all(part.isdecimal() and len(part) < 18 for part in parts):
        return None
    return cast(CaseCursor, tuple(map(int, parts)))
