"""One story: its discussion with every action in place, attribution, notice, closing, and copies."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from widget_server.model.errors import (
    MalformedError,
    NotFoundError,
    NotPermittedError,
    ProblemError,
)
from widget_server.model.records import Story
from widget_server.operations.moderation import decide, discussion, log_pages
from widget_server.operations.moderation.discussion import (
    DISCUSSION_VIEWS,
    StaffComment,
    StaffThread,
)
from widget_server.operations.moderation.local_copies import is_shared
from widget_server.operations.owners import stories
from widget_server.operations.readers import whole_discussion
from widget_server.web.dashboard import ticked
from widget_server.web.dashboard.addresses import place_named, placed
from widget_server.web.dashboard.decisions import ASKED_REASONS, back_of, here, told, told_now
from widget_server.web.dashboard.narrowing import narrowing, waiting_copies
from widget_server.web.dashboard.page import Page, site_page
from widget_server.web.pages.download import send_file
from widget_server.web.pages.shown_comments import About
from widget_server.web.pages.translate import Translator

_field = MalformedError.in_field

DAY_MS = 86_400_000
MAX_DAYS = 3_650


@site_page("read")
async def show(page: Page) -> Response:
    """Handle `GET …/stories/{code}`: the discussion."""
    return await show_story(page)


@site_page("export_public", counts=False)
async def download(page: Page) -> Response:
    """Handle `GET …/stories/{code}/discussion.{format}`: the file of readers, also where they have none."""
    code, kind = page.request.path_params["code"], page.request.path_params["format"]
    if kind not in ("txt", "json"):
        raise NotFoundError
    found = await whole_discussion.open_for_staff(page.services, page.actor, page.site, code)
    about = About.now(page.services, found, Translator(page.t.lang))
    return await send_file(page.request, page.services, about, kind, {})


@site_page("read_copies")
async def show_copies(page: Page) -> Response:
    """Handle `GET …/stories/{code}/copies`."""
    code = page.request.path_params["code"]
    found = await stories.show_story(page.services, page.actor, page.site, code, copies=50)
    words = Translator(page.t.lang)
    return page.render(
        "story/copies.html",
        found=found,
        tab="copies",
        words=words,
        waiting={one.id for one in await waiting_copies(page, code)},
        is_shared=lambda copy: is_shared(page.services, copy),
        **told_now(page),
    )


@site_page("read")
async def show_thread(page: Page) -> Response:
    """Handle `GET …/stories/{code}/threads/{comment}`: one thread with all its replies."""
    code = page.request.path_params["code"]
    found = await stories.find_story(page.services, page.actor, page.site, code)
    thread = await discussion.show_thread(
        page.services, page.actor, found.record.story, page.request.path_params["comment"]
    )
    return page.render(
        "story/thread.html",
        found=found,
        thread=thread,
        tab="discussion",
        batch=ticked.offered(page),
        reasons=ASKED_REASONS,
        **await narrowing(page, found.record.story.code, _comments([thread])),
        **told_now(page),
    )


@site_page("read")
async def count(page: Page) -> Response:
    """Handle `GET …/stories/{code}/count`: the numbers that htmx puts into the page's head."""
    codes = [page.request.path_params["code"]]
    found = await stories.count_stories(page.services, page.actor, page.site, codes)
    return page.poll("stories/_counts.html", found=found)


@site_page("notice")
async def set_notice(page: Page) -> Response:
    """Handle `POST …/stories/{code}/notice`. An empty text takes the notice away."""
    notice = " ".join(page.form.get("notice").split())
    return await _decide(page, "notice", notice=notice or None)


@site_page("close")
async def close(page: Page) -> Response:
    """Handle `POST …/stories/{code}/close`."""
    return await _decide(page, "close")


@site_page("open")
async def open_again(page: Page) -> Response:
    """Handle `POST …/stories/{code}/open`."""
    return await _decide(page, "open")


@site_page("close")
async def set_closing(page: Page) -> Response:
    """Handle `POST …/stories/{code}/closing`: on a date, after some days, or as the site."""
    form = page.form
    story = await find(page)
    try:
        at = _closing_time(page, form.get("closes"), form.get("date"), form.get("days"))
        await decide.set_closing_date(page.services, page.actor, story.code, at)
    except NotPermittedError:
        raise
    except ProblemError as error:
        page.fail(error)
        return await show_story(page)
    return await _told(page, story.code, "closing")


def _closing_time(page: Page, choice: str, date: str, days: str) -> int | None:
    if choice == "site":
        return None
    if choice == "days":
        if not (days.isdecimal() and len(days) < 6 and 1 <= int(days) <= MAX_DAYS):
            raise _field("days", f"Write a number of days from 1 to {MAX_DAYS:,}.")
        return page.services.now_ms() + int(days) * DAY_MS
    try:
        day = datetime.strptime(date, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise _field("date", "Choose a day.") from None
    at = int(day.timestamp() * 1000) + DAY_MS
    if not page.services.now_ms() < at < page.services.now_ms() + MAX_DAYS * DAY_MS:
        raise _field("date", "Choose a day from today on, within ten years.")
    return at


async def _decide(page: Page, verb: Any, notice: str | None = None) -> Response:
    story = await find(page)
    form = page.form
    try:
        changed = await decide.decide_story(
            page.services,
            page.actor,
            verb,
            story.code,
            notice=notice,
            reason=form.get("reason") or None,
            note=form.get("note") or None,
        )
    except NotPermittedError:
        raise
    except ProblemError as error:
        error.field = "notice" if verb == "notice" else None
        page.fail(error)
        return await show_story(page)
    did = {"notice": "notice" if changed.notice else "no_notice"}.get(verb, verb)
    return await _told(page, story.code, did)


async def _told(page: Page, code: str, did: str) -> Response:
    last = await log_pages.last_decision(page.services, page.actor, page.site, code)
    return told(page, back_of(page, page.path(f"stories/{code}")), did, last)


async def find(page: Page) -> Story:
    """Return the story in the path. Raises `NotFoundError`."""
    story = await page.services.discussions.story(page.request.path_params["code"])
    if story is None or story.site != page.site:
        raise NotFoundError
    return story


async def show_story(page: Page) -> Response:
    """Return the page of a story, with what is wrong with a form."""
    query = page.request.query_params
    found = await stories.find_story(
        page.services, page.actor, page.site, page.request.path_params["code"]
    )
    named = [one for one in DISCUSSION_VIEWS if one == query.get("show")]
    view = named[0] if named else "newest"
    shown = await discussion.show_discussion(
        page.services,
        page.actor,
        found.record.story,
        view,
        before=place_named(query.get("before", "")),
    )
    known = await page.services.cache.site(page.site)
    return page.render(
        "story/story.html",
        found=found,
        shown=shown,
        waiting_copies=await waiting_copies(page, found.record.story.code),
        view=view,
        tab="discussion",
        older=placed(shown.next),
        settings=None if known is None else known.site.settings,
        values=dict(page.form.fields),
        page_url=here(page),
        batch=ticked.offered(page, ticked.REMOVED_VERBS if view == "removed" else ticked.VERBS),
        reasons=ASKED_REASONS,
        **await narrowing(page, found.record.story.code, _comments(shown.threads)),
        **told_now(page),
    )


def _comments(threads: Iterable[StaffThread]) -> Iterator[StaffComment]:
    for thread in threads:
        yield thread.top
        yield from thread.replies
