"""The list of a site's stories."""

from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from widget_server.operations.owners import stories
from widget_server.operations.owners.stories import STORY_ORDERS, StoryFilter
from widget_server.web.dashboard.page import Page, site_page

STATES = {"open": False, "closed": True}


@site_page("read")
async def show(page: Page) -> Response:
    """Handle `GET …/stories`: search, filters, order and paging are in the address."""
    query = page.request.query_params
    chosen = {
        name: query.get(name, "").strip()[:200] for name in ("q", "state", "author", "lang", "sort")
    }
    named = [one for one in STORY_ORDERS if one == chosen["sort"]]
    order = named[0] if named else "activity"
    wanted = StoryFilter(
        words=chosen["q"],
        closed=STATES.get(chosen["state"]),
        author=chosen["author"] or None,
        lang=chosen["lang"] or None,
    )
    found = await stories.list_stories(
        page.services, page.actor, page.site, wanted, order=order, after=query.get("after") or None
    )
    more = "more" in query
    choices = None
    if more:
        choices = await stories.story_choices(page.services, page.actor, page.site)
    known = await page.services.cache.site(page.site)
    kinds = [] if known is None else known.site.settings.reaction_keys()

    def url(**changed: str) -> str:
        values = {**chosen, **changed}
        kept = {name: value for name, value in values.items() if value}
        return page.path("stories") + (f"?{urlencode(kept)}" if kept else "")

    return page.render(
        "stories/stories.html",
        found=found,
        chosen=chosen,
        order=order,
        url=url,
        choices=choices,
        more_url=url() + ("&" if "?" in url() else "?") + "more=1",
        is_filtered=wanted != StoryFilter(),
        first="after" not in query,
        mood=lambda one: mood(one, kinds),
        counts_url=page.path("stories/counts")
        + "?"
        + urlencode([("code", one.record.story.code) for one in found.stories]),
    )


@site_page("read")
async def counts(page: Page) -> Response:
    """Handle `GET …/stories/counts?code=…`: numbers that htmx puts into the rows of the list."""
    codes = page.request.query_params.getlist("code")[:100]
    found = await stories.count_stories(page.services, page.actor, page.site, codes)
    return page.poll("stories/_counts.html", found=found)


def mood(record: Any, kinds: Any) -> list[tuple[int, int, int]]:
    """Return colour (0 to 4), start and width in per cent of each kind of reaction to a story."""
    counted = record.story.tally.counts
    numbers = [counted.get(kind, 0) for kind in kinds]
    total = sum(numbers)
    parts: list[tuple[int, int, int]] = []
    start = 0
    for place, number in enumerate(numbers if total else []):
        end = round(100 * sum(numbers[: place + 1]) / total)
        if number:
            parts.append((min(place, 4), start, end - start))
        start = end
    return parts
