"""The settings of one story that differ from those of its site."""

from typing import Any

from starlette.responses import Response

from widget_server.model.errors import MalformedError, NotFoundError, SettingsChangedError
from widget_server.operations.owners import settings, stories
from widget_server.operations.owners.settings import CurrentSettings
from widget_server.operations.owners.settings_form import field_of
from widget_server.web.dashboard.decisions import told, told_now
from widget_server.web.dashboard.page import Page, site_page

CHOICES: dict[str, tuple[str, ...]] = {
    "moderation": ("post", "pre"),
    "name": ("off", "optional", "required"),
    "email": ("off", "optional", "required"),
    "website": ("off", "optional", "required"),
    "open_republishing": ("off", "licence", "on"),
    "discussion_languages": ("together", "apart"),
    "older_copies": ("republisher", "readers"),
}
"""Settings with a few values. The empty value stands for the site's."""
TEXTS = ("prompt", "guidelines", "guidelines_text")
"""Settings with a text. An empty text stands for the site's."""


@site_page("read_settings")
async def show(page: Page) -> Response:
    """Handle `GET …/stories/{code}/settings`."""
    return await _form(page)


@site_page("story_settings")
async def save(page: Page) -> Response:
    """Handle `POST …/stories/{code}/settings`: store all that was typed, or nothing."""
    code = page.request.path_params["code"]
    found = await settings.read_settings(page.services, page.actor, page.site, code)
    changes: dict[str, Any] = {
        key: page.form.get(key) or None
        for key in (*CHOICES, *TEXTS)
        # A text by language alone is an override as well, and stays if nothing was typed.
        if key in page.form and page.form.get(key) != _own(found, key)
    }
    try:
        changed = await settings.change_settings(
            page.services,
            page.actor,
            page.site,
            changes,
            story=code,
            expected=page.form.get("version") or None,
        )
    except SettingsChangedError:
        page.errors[""] = page.t("settings_conflict")
        return await _form(page)
    except MalformedError as error:
        key, detail = field_of(error)
        page.errors[key] = page.t.error(detail)
        return await _form(page)
    return told(page, page.path(f"stories/{code}/settings"), "settings", changed.decision)


async def _form(page: Page) -> Response:
    code = page.request.path_params["code"]
    story = await stories.find_story(page.services, page.actor, page.site, code)
    found = await settings.read_settings(page.services, page.actor, page.site, code)
    # `read_settings` has just read the site into the cache.
    cached = await page.services.cache.site(page.site)
    if cached is None:
        raise NotFoundError
    own = {key: _own(found, key) for key in (*CHOICES, *TEXTS)}
    return page.render(
        "story/settings.html",
        found=story,
        tab="settings",
        choices=CHOICES,
        texts=TEXTS,
        own=own,
        values=own | dict(page.form.fields),
        site={key: str(getattr(cached.site.settings, key) or "") for key in own},
        version=found.version,
        **told_now(page),
    )


def _own(found: CurrentSettings, key: str) -> str:
    """Return the story's own value as the form shows it, or "" for the site's."""
    return str(getattr(found.settings, key) or "") if key in found.stored else ""
