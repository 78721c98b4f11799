"""Opening hours of a site or of one story, and the capacity of the site."""

from zoneinfo import available_timezones

from starlette.responses import Response

from widget_server.model.capacity import STEPS
from widget_server.model.errors import MalformedError, SettingsChangedError
from widget_server.model.hours import DAYS, MODES, opening_at
from widget_server.operations.moderation.capacity import show_capacity
from widget_server.operations.owners import hours_form, settings, stories
from widget_server.operations.owners.hours_form import HoursForm
from widget_server.operations.owners.settings_form import field_of
from widget_server.operations.owners.stories import ListedStory
from widget_server.web.dashboard.decisions import told, told_now
from widget_server.web.dashboard.page import Page, site_page

SWATCHES = {"open": "o", "approval": "p", "closed": "x"}
"""Class of each mode in the week."""
BADGES = {"open": "good", "approval": "warn", "closed": ""}


@site_page("read_settings")
async def show(page: Page) -> Response:
    """Handle `GET …/rules/hours`."""
    return await _form(page, None)


@site_page("settings")
async def save(page: Page) -> Response:
    """Handle `POST …/rules/hours`: store all that was typed, or nothing."""
    return await _save(page, None)


@site_page("read_settings")
async def show_story(page: Page) -> Response:
    """Handle `GET …/stories/{code}/hours`."""
    return await _form(page, page.request.path_params["code"])


@site_page("story_settings")
async def save_story(page: Page) -> Response:
    """Handle `POST …/stories/{code}/hours`: the story's own hours, or those of the site again."""
    return await _save(page, page.request.path_params["code"])


async def _save(page: Page, code: str | None) -> Response:
    fields = {name: value.strip() for name, value in page.form.fields}
    days = {number: page.form.all(f"days.{number}") for number in range(100)}
    typed = hours_form.typed_form(fields, days)
    try:
        changes = hours_form.hours_changes(typed, site=code is None)
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
        return await _form(page, code, typed)
    except MalformedError as error:
        _fail(page, error)
        return await _form(page, code, typed)
    return told(page, _path(page, code), "settings", changed.decision)


def _fail(page: Page, error: MalformedError) -> None:
    name, sentence = (error.field, error.detail) if error.field else field_of(error)
    page.errors[name or ""] = page.t.error(sentence)


def _path(page: Page, code: str | None) -> str:
    return page.path("rules/hours" if code is None else f"stories/{code}/hours")


async def _with_own(page: Page, codes: tuple[str, ...]) -> list[ListedStory]:
    """Return the stories among `codes` that have hours of their own."""
    services, by, site = page.services, page.actor, page.site
    return [
        await stories.find_story(services, by, site, code)
        for code in codes
        if "hours" in (await settings.read_settings(services, by, site, code)).stored
    ]


async def _form(page: Page, code: str | None, typed: HoursForm | None = None) -> Response:
    services, by, site = page.services, page.actor, page.site
    found = None if code is None else await stories.find_story(services, by, site, code)
    now = await settings.read_settings(services, by, site, code)
    use = "own" if now.settings.hours is not None else "always"
    if code is not None and "hours" not in now.stored:
        use = "site"
    shown = typed or hours_form.form_of(now.settings.hours, now.settings.capacity, use)
    capacity = await show_capacity(services, by, site)
    opening = opening_at(now.settings.hours, capacity.state.mode, services.now_ms())
    return page.render(
        "rules/hours.html",
        found=found,
        tab="hours",
        own=_path(page, code),
        may=page.may("settings" if code is None else "story_settings"),
        form=shown,
        uses=hours_form.USES if code is not None else hours_form.USES[1:],
        days=DAYS,
        modes=MODES,
        steps=STEPS,
        swatches=SWATCHES,
        badges=BADGES,
        zones=sorted(available_timezones()),
        week=hours_form.week_of(now.settings.hours) if now.settings.hours is not None else [],
        opening=opening,
        capacity=capacity,
        with_own=await _with_own(page, now.stories) if code is None else [],
        version=now.version,
        **told_now(page),
    )
