"""The translations of one story: link one, change it, unlink it."""

from starlette.responses import Response

from widget_server.model.errors import NotFoundError, ProblemError
from widget_server.model.translations import MAX_TITLE
from widget_server.operations.owners import stories, translations
from widget_server.operations.owners.translations import TypedTranslation
from widget_server.web.dashboard.page import Page, site_page
from widget_server.web.pages.translate import LOCALES


@site_page("read")
async def show(page: Page) -> Response:
    """Handle `GET …/stories/{code}/translations?language=`: the list, and the form, filled with one of them."""
    return await _page(page)


@site_page("translate")
async def save(page: Page) -> Response:
    """Handle `POST …/stories/{code}/translations`: link or unlink the translation into a language."""
    code, form = page.request.path_params["code"], page.form
    place, lang = page.path(f"stories/{code}/translations"), form.get("language").strip()
    try:
        if form.get("do") == "remove":
            await translations.unlink(page.services, page.actor, page.site, code, lang)
            return page.redirect(place, "translation_removed")
        typed = TypedTranslation(form.get("title"), form.get("url"))
        await translations.link(page.services, page.actor, page.site, code, lang, typed)
    except NotFoundError:
        raise
    except ProblemError as error:
        page.fail(error)
        return await _page(page)
    return page.redirect(place, "translation")


async def _page(page: Page) -> Response:
    code = page.request.path_params["code"]
    found = await stories.find_story(page.services, page.actor, page.site, code)
    linked = found.record.story.translations
    chosen = page.request.query_params.get("language", "")
    values = {"language": chosen, "title": "", "url": ""}
    if chosen in linked:
        values |= {"title": linked[chosen].title, "url": linked[chosen].url}
    return page.render(
        "story/translations.html",
        found=found,
        tab="translations",
        here_back=page.path(f"stories/{code}/translations"),
        linked=linked,
        values=values | dict(page.form.fields),
        known=list(LOCALES),
        most=MAX_TITLE,
    )
