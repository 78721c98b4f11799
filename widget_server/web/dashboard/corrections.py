"""The corrections of one story: publish one on every copy, withdraw it."""

from typing import Any

from starlette.responses import Response

from widget_server.model.corrections import MAX_CREDIT, MAX_TEXT
from widget_server.model.errors import NotFoundError, NotPermittedError, ProblemError
from widget_server.model.hints import HintCase
from widget_server.operations.moderation import hints
from widget_server.operations.owners import corrections, stories
from widget_server.operations.owners.corrections import CORRECTION_KINDS, TypedCorrection
from widget_server.web.dashboard.decisions import told, told_now
from widget_server.web.dashboard.page import Page, site_page
from widget_server.web.pages.translate import LOCALES

MOST_REPORTS = 10
"""Error reports that the page lists. The queue has all."""


@site_page("read")
async def show(page: Page) -> Response:
    """Handle `GET …/stories/{code}/corrections`."""
    return await _form(page)


@site_page("correct")
async def publish(page: Page) -> Response:
    """Handle `POST …/stories/{code}/corrections`."""
    code, form = page.request.path_params["code"], page.form
    await stories.require_own(page.services, page.site, code)
    typed = TypedCorrection(
        form.get("text"),
        form.get("kind"),
        typed_texts(page),
        form.get("passage"),
        form.get("credit"),
    )
    try:
        made, _ = await corrections.correct(page.services, page.actor, code, typed)
    except (NotFoundError, NotPermittedError):
        raise
    except ProblemError as error:
        page.fail(error)
        return await _form(page)
    return told(page, page.path(f"stories/{code}/corrections"), "correct", made.id)


async def _reported(page: Page, code: str) -> list[HintCase]:
    """Return the open error reports of readers, for those who may answer them."""
    if not page.may("correct"):
        return []
    arguments = page.services, page.actor, page.site
    return await hints.open_hints(*arguments, story=code, limit=MOST_REPORTS)


def typed_texts(page: Page) -> dict[str, str]:
    """Return what was typed in other languages, by language."""
    return {lang: page.form.get(f"text-{lang}") for lang in LOCALES}


def correction_form() -> dict[str, Any]:
    """Return what the form of a correction offers."""
    return {
        "kinds": CORRECTION_KINDS,
        "languages": {lang: texts["language"] for lang, texts in LOCALES.items()},
        "most": MAX_TEXT,
        "most_credit": MAX_CREDIT,
    }


async def _form(page: Page) -> Response:
    code = page.request.path_params["code"]
    found = await stories.find_story(page.services, page.actor, page.site, code)
    made = await corrections.list_corrections(page.services, page.actor, page.site, code)
    reported = await _reported(page, code) if found.record.hints else []
    here = page.path(f"stories/{code}/corrections")
    return page.render(
        "story/corrections.html",
        found=found,
        tab="corrections",
        page_url=here,
        made=made,
        reported=reported,
        queue_base=f"{page.path('queue')}?queue=corrections&story={code}",
        form=correction_form(),
        values=dict(page.form.fields),
        **told_now(page),
    )
