"""How much waits in each queue, for the numbers beside the queues' names."""

from starlette.responses import JSONResponse

from widget_server.model.decisions import QUEUES
from widget_server.model.queue import MAX_NEW_COUNTED
from widget_server.operations.moderation import queue
from widget_server.operations.moderation.new_comments import count_new
from widget_server.web.dashboard.page import Page


async def counts_now(page: Page, *, new: bool = True) -> dict[str, int | str]:
    """Return what waits by queue, for the places `data-count` of a page; without `new`, not what is new."""
    waiting = await queue.count_open(page.services, page.actor, page.site)
    counts: dict[str, int | str] = dict.fromkeys((*QUEUES, "corrections", "mine"), 0)
    counts |= waiting
    counts["all"] = sum(waiting.get(one, 0) for one in QUEUES)
    # Beside the queue in the navigation, where 0 is not shown.
    waits = sum(number for name, number in waiting.items() if name != "mine")
    counts["waits"] = waits or ""
    counts["waits_short"] = (waits or "") if waits < 100 else "99+"
    if new:
        counts["new"] = up_to(await count_new(page.services, page.actor, page.site))
    return counts


def up_to(number: int) -> str:
    """Return a number of new comments as text, such as “99+”."""
    return f"{MAX_NEW_COUNTED - 1}+" if number >= MAX_NEW_COUNTED else str(number)


async def answer_script(
    page: Page, content: dict[str, object], status: int = 200, *, new: bool = True
) -> JSONResponse:
    """Return what the queue's script reads after a decision: its id or the error, and what waits now."""
    return JSONResponse(content | {"counts": await counts_now(page, new=new)}, status)
