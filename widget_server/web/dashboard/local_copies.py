"""What single copies show less: hide a comment on one, show it again, let comments from there wait."""

from urllib.parse import urlencode

from starlette.responses import Response

from widget_server.model.errors import NotFoundError, NotPermittedError, ProblemError
from widget_server.model.records import Story
from widget_server.operations.moderation import local_copies
from widget_server.web.dashboard import story as story_page
from widget_server.web.dashboard.decisions import back_of
from widget_server.web.dashboard.page import Page, site_page


@site_page("hide")
async def hide(page: Page) -> Response:
    """Handle `POST …/stories/{code}/hide`: hide a comment on one copy."""
    story, comment = await story_page.find(page), page.form.get("comment")
    copy = _number(page.form.get("copy"))
    try:
        await local_copies.hide(page.services, page.actor, page.site, copy, comment)
    except (NotPermittedError, NotFoundError):
        raise
    except ProblemError as error:
        return await _failed(page, error)
    return _done(page, story, "hidden_there", comment)


@site_page("show")
async def show_again(page: Page) -> Response:
    """Handle `POST …/stories/{code}/show`: show a comment again on one copy."""
    story, comment = await story_page.find(page), page.form.get("comment")
    copy = _number(page.form.get("copy"))
    await local_copies.show_again(page.services, page.actor, page.site, copy, comment)
    return _done(page, story, "shown_there", comment)


@site_page("approval")
async def let_wait(page: Page) -> Response:
    """Handle `POST …/stories/{code}/wait`: let new comments from one copy wait, or no more."""
    story, on = await story_page.find(page), page.form.get("on") == "1"
    copy = _number(page.form.get("copy"))
    try:
        await local_copies.let_wait(page.services, page.actor, page.site, copy, on=on)
    except (NotPermittedError, NotFoundError):
        raise
    except ProblemError as error:
        return await _failed(page, error)
    return _done(page, story, "copy_waits" if on else "copy_waits_no_more")


async def _failed(page: Page, error: ProblemError) -> Response:
    error.field = None
    page.fail(error)
    return await story_page.show_story(page)


def _done(page: Page, story: Story, done: str, comment: str = "") -> Response:
    """Return a redirect to where the form was. The next page shows the text `done_…`."""
    back = back_of(page, page.path(f"stories/{story.code}"))
    path, _, query = back.partition("#")[0].partition("?")
    said = urlencode({"done": done})
    place = f"#c-{comment}" if comment and "/stories/" in path else ""
    return page.redirect(f"{path}?{query}{'&' if query else ''}{said}{place}")


def _number(text: str) -> int:
    """Return the id of a copy. Raises `NotFoundError` for a text that is none."""
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise NotFoundError
    return int(text)
