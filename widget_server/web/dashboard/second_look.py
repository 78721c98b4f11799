"""The second look: a decision that another person made, without being told it."""

from starlette.responses import Response

from widget_server.model.errors import CaseClosedError, MalformedError
from widget_server.model.queue_keys import keys_of
from widget_server.operations.moderation import second_look
from widget_server.operations.moderation.hidden_words import hidden_words
from widget_server.web.dashboard.page import Page, site_page


@site_page("second_look")
async def show(page: Page) -> Response:
    """Handle `GET …/queue/second-look`: the next one, and how often two people agreed."""
    services, by, site = page.services, page.actor, page.site
    known = await services.cache.site(site)
    settings = None if known is None else known.site.settings
    trees = {} if settings is None else settings.guidelines_trees
    return page.render(
        "queue/second_look.html",
        look=await second_look.next_look(services, by, site),
        each=0 if settings is None else settings.second_look,
        agreement=await second_look.agreement(services, by, site),
        hide=await hidden_words(services, by, site),
        guideline=trees.get(page.t.lang) or trees.get("", []),
        keys=keys_of(page.person.account.keys),
    )


@site_page("second_look")
async def answer(page: Page) -> Response:
    """Handle `POST …/queue/second-look`: whether the comment would stay."""
    if page.form.get("stays") not in {"1", "0"}:
        raise MalformedError("Choose one of the buttons of the page.")
    try:
        await second_look.answer_look(
            page.services,
            page.actor,
            page.site,
            page.form.get("look"),
            stays=page.form.get("stays") == "1",
        )
    except CaseClosedError:
        return page.redirect(page.path("queue/second-look"), "look_gone")
    return page.redirect(page.path("queue/second-look"), "looked")
