"""Check the page of a copy, or any page that carries a story, and show what to change on it."""

from starlette.responses import Response

from widget_server.model.errors import NotFoundError, RateLimitedError, TextRejectedError
from widget_server.model.page_check import PageCheck
from widget_server.operations.publishing import check_page
from widget_server.web.dashboard.copies import copy_id
from widget_server.web.dashboard.page import Page, site_page
from widget_server.web.pages.check import error_text, sentences
from widget_server.web.pages.republish import snippet_texts
from widget_server.web.pages.translate import Translator


@site_page("read_copies")
async def check_copy(page: Page) -> Response:
    """Handle `POST …/copies/{copy}/check`: read its page now."""
    copy = copy_id(page)
    known = await page.services.pages.to_look_at(copy)
    if known is None or known.site != page.site:
        raise NotFoundError
    return await _checked(page, known.code, known.page, copy)


@site_page("read_copies")
async def check_address(page: Page) -> Response:
    """Handle `POST …/stories/{code}/check`: read the page that was typed."""
    return await _checked(page, page.request.path_params["code"], page.form.get("page"))


async def _checked(page: Page, code: str, address: str, copy: int | None = None) -> Response:
    # The sentences are those of the pages for republishers.
    words = Translator(page.t.lang)
    texts = snippet_texts(words)
    found: PageCheck | None = None
    arguments = page.services, page.actor, page.site
    try:
        if copy is None:
            found = await check_page.check_address(*arguments, code, address, texts)
        else:
            found = await check_page.check_copy(*arguments, copy, texts)
    except (TextRejectedError, RateLimitedError) as error:
        page.errors["page"] = error_text(error, words)
    story = await page.services.cache.story(code)
    return page.render(
        "copies/check.html",
        words=words,
        code=code,
        title=code if story is None else story.title or story.key,
        typed=address if found is None else found.page,
        found=[] if found is None else sentences(page.services, found, words),
        faults=0 if found is None else len(found.faults),
        badges={"good": "good", "fault": "bad", "advice": "warn", "unknown": ""},
    )
