"""Watch-lists: sets of stories whose cases are a queue of their own."""

import re
from urllib.parse import urlencode

from starlette.responses import Response

from widget_server.model.errors import MalformedError, NotPermittedError, ProblemError
from widget_server.model.queue import StorySet
from widget_server.operations.moderation import tags, watch_lists
from widget_server.web.dashboard.page import Page, site_page

FIELDS = ("name", "codes", "newer_than", "top", "lang", "origin", "tag")


@site_page("read")
async def show(page: Page) -> Response:
    """Handle `GET …/queue/watch`: the watch-lists, and a form for a new one."""
    return await _show(page)


@site_page("watch")
async def add(page: Page) -> Response:
    """Handle `POST …/queue/watch`."""
    form = page.form
    codes = tuple(re.findall(r"[^\s,;]+", form.get("codes")))
    try:
        terms = StorySet(
            # A story's own address ends with its code.
            tuple(code.rstrip("/").rpartition("/")[2] for code in codes),
            _number(form.get("newer_than")),
            _number(form.get("top")),
            form.get("lang") or None,
            form.get("origin") or None,
            form.get("tag") or None,
        )
        made = await watch_lists.add_watch_list(
            page.services, page.actor, page.site, form.get("name"), terms
        )
    except NotPermittedError:
        raise
    except ProblemError as error:
        page.fail(error)
        return await _show(page)
    chosen = urlencode({"queue": "all", "watch": made.id})
    return page.redirect(f"{page.path('queue')}?{chosen}")


@site_page("watch")
async def remove(page: Page) -> Response:
    """Handle `POST …/queue/watch/{watch}/remove`."""
    name = page.request.path_params["watch"]
    await watch_lists.remove_watch_list(page.services, page.actor, page.site, name)
    return page.redirect(page.path("queue/watch"), "watch_removed")


async def _show(page: Page) -> Response:
    offered = await tags.tags_of_site(page.services, page.actor, page.site)
    return page.render(
        "queue/watch.html",
        tag_options=[(tag, tag) for tag in offered],
        watch_lists=await watch_lists.list_watch_lists(page.services, page.actor, page.site),
        values={name: page.form.get(name) for name in FIELDS},
    )


def _number(text: str) -> int | None:
    """Return a whole number, or None for an empty field. Raises `MalformedError`."""
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,4}", text):
        raise MalformedError("Write hours and numbers of stories as whole numbers.")
    return int(text)
