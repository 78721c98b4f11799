"""Settings of a site: forms by section, what a change would change for whom, history and take back."""

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from widget_server.model.errors import (
    MalformedError,
    NotFoundError,
    NotPermittedError,
    ProblemError,
    SettingsChangedError,
)
from widget_server.model.settings import MAX_ACTIONS, SiteSettings
from widget_server.operations.moderation.log_pages import LogFilter, show_log
from widget_server.operations.owners import preview_settings, settings, settings_form
from widget_server.operations.owners.preview_settings import Preview
from widget_server.operations.owners.settings_form import SECTIONS, ReactionRow
from widget_server.protocol.reaction_icons import ICONS
from widget_server.protocol.snippet import LICENCES
from widget_server.web.dashboard.decisions import told, told_now
from widget_server.web.dashboard.page import Page, site_page
from widget_server.web.dashboard.previews import fragment
from widget_server.web.pages.translate import LOCALES

MAX_NAMED = 5
"""Stories that a change does not reach, by name."""
PLURALS = {"prompt": "prompts", "guidelines_text": "guidelines_texts"}
"""Settings with a text for each language, and where those texts are."""
HISTORY = 30
"""Changes of the history."""


@dataclass(frozen=True, slots=True)
class Typed:
    """The section as typed, and what it asks for. `changes` is None if a field is wrong."""

    fields: dict[str, str]
    rows: list[ReactionRow]
    languages: list[str]
    changes: settings.Changes | None


@site_page("read_settings")
async def show(page: Page) -> Response:
    """Handle `GET /admin/sites/{site}/settings` and `…/settings/{section}`."""
    return await _form(page, _section(page))


@site_page("settings")
async def preview(page: Page) -> Response:
    """Handle `POST …/settings/{section}/preview`: what the typed values would change, for whom."""
    section = _section(page)
    now = await settings.read_settings(page.services, page.actor, page.site)
    typed = _typed(page, section, now.settings)
    found = await _preview(page, typed)
    if page.is_fragment:
        return page.render(
            "settings/_changes.html",
            200,
            section=section,
            found=found,
            version=now.version,
            unsaved=fragment(found.settings) if found is not None else "",
        )
    return await _form(page, section, typed, found)


@site_page("settings")
async def save(page: Page) -> Response:
    """Handle `POST …/settings/{section}`: store all that was typed, or nothing."""
    section = _section(page)
    now = await settings.read_settings(page.services, page.actor, page.site)
    typed = _typed(page, section, now.settings)
    if typed.changes is None:
        return await _form(page, section, typed)
    try:
        changed = await settings.change_settings(
            page.services,
            page.actor,
            page.site,
            typed.changes,
            expected=page.form.get("version") or None,
        )
    except SettingsChangedError:
        page.errors[""] = page.t("settings_conflict")
        return await _form(page, section, typed, await _preview(page, typed))
    except MalformedError as error:
        _fail(page, error)
        return await _form(page, section, typed)
    path = page.path(f"settings/{section}")
    if changed.decision is None:
        return page.redirect(path, "settings_saved")
    return told(page, path, "settings", changed.decision)


@site_page("read_settings")
async def history(page: Page) -> Response:
    """Handle `GET …/settings/history`: what was changed, by whom, and taking it back."""
    return await _history(page)


@site_page("settings")
async def take_back(page: Page) -> Response:
    """Handle `POST …/settings/take-back`: give what one change changed its earlier values."""
    try:
        await settings.take_back(page.services, page.actor, page.site, page.form.get("decision"))
    except (NotFoundError, NotPermittedError):
        raise
    except ProblemError as error:
        page.fail(error)
        return await _history(page)
    return page.redirect(page.path("settings/history"), "settings_taken_back")


def _section(page: Page) -> str:
    """Return the section in the path. Raises `NotFoundError`."""
    section: str = page.request.path_params.get("section", "reactions")
    if section not in SECTIONS:
        raise NotFoundError
    return section


def _languages(page: Page, now: SiteSettings, *more: str) -> list[str]:
    """Return the languages that have a field: those with texts, and one that was asked for."""
    asked = {page.request.query_params.get("lang", ""), *more}
    return sorted(now.languages() | {lang for lang in asked if lang in LOCALES})


def _typed(page: Page, section: str, now: SiteSettings) -> Typed:
    fields = dict(page.form.fields)
    if "minutes" in fields:
        fields["edit_window"] = _seconds(fields["minutes"])
    languages = _languages(page, now, *page.form.all("language"))
    rows = settings_form.rows_of(now)
    if section == "reactions":
        rows = settings_form.with_typed(rows, fields, languages)
    changes = None
    try:
        changes = settings_form.changes_of(section, fields, languages, rows)
    except MalformedError as error:
        _fail(page, error)
    return Typed(fields, rows, languages, changes)


def _seconds(minutes: str) -> str:
    """Return minutes as seconds; a text that is no number stays for the error."""
    try:
        return str(round(float(minutes.strip()) * 60))
    except (ValueError, OverflowError):
        return minutes


async def _preview(page: Page, typed: Typed) -> Preview | None:
    """Return what would change, or None if a field is wrong."""
    if typed.changes is None:
        return None
    try:
        return await preview_settings.preview_change(
            page.services, page.actor, page.site, typed.changes
        )
    except MalformedError as error:
        _fail(page, error)
    return None


def _fail(page: Page, error: MalformedError) -> None:
    """Note an error at its field."""
    name, sentence = settings_form.field_of(error)
    page.errors[name] = page.t.error(sentence)


async def _form(
    page: Page, section: str, typed: Typed | None = None, found: Preview | None = None
) -> Response:
    services, by, site = page.services, page.actor, page.site
    now = await settings.read_settings(services, by, site)
    languages = typed.languages if typed is not None else _languages(page, now.settings)
    shown_as = page.request.query_params.get("as", "")
    widget = None
    if page.may("token"):
        widget = await settings_form.preview_widget(
            services, by, site, shown_as if shown_as in LOCALES else None
        )
    used = {}
    if section == "reactions":
        used = await services.site_settings.counted(site)
    return page.render(
        f"settings/{section}.html",
        section=section,
        sections=[*SECTIONS, "history"],
        now=now,
        values=_values(now.settings) | (typed.fields if typed is not None else {}),
        switches={
            key: key in typed.fields if typed is not None else getattr(now.settings, key)
            for key in SECTIONS[section]
            if key in settings_form.SWITCHES
        },
        rows=typed.rows if typed is not None else settings_form.rows_of(now.settings),
        stored={one.key: one for one in now.settings.reactions},
        icons=ICONS,
        used=used,
        langs=languages,
        new_langs=[lang for lang in LOCALES if lang not in languages],
        licences=[(key, name) for key, (name, _) in LICENCES.items()],
        actions=range(1, MAX_ACTIONS + 1),
        widget=widget,
        shown_as=shown_as,
        found=found,
        version=now.version,
        **told_now(page),
        unsaved=fragment(found.settings) if found is not None else "",
    )


def _values(now: SiteSettings) -> dict[str, str]:
    """Return the stored settings as the texts of the form's fields."""
    found: dict[str, Any] = {}
    for key in ("prompt", "guidelines_text"):
        own = getattr(now, PLURALS[key])
        found |= {f"{key}.{lang}": text for lang, text in own.items()}
    for number in range(1, MAX_ACTIONS + 1):
        call = now.calls_to_action[number - 1] if number <= len(now.calls_to_action) else None
        found[f"url.{number}"] = call.url if call is not None else ""
        found[f"action.{number}"] = call.label if call is not None else ""
        for lang, text in (call.labels if call is not None else {}).items():
            found[f"action.{number}.{lang}"] = text
    for keys in SECTIONS.values():
        for key in keys:
            if key not in {"reactions", "calls_to_action"} | settings_form.SWITCHES:
                value = getattr(now, key)
                texts = ", ".join(value) if key == "tags" else str(value)
                found[key] = "" if value is None else texts
    found["density"] = f"{now.density:g}"
    found["minutes"] = f"{now.edit_window / 60:g}"
    return found


async def _history(page: Page) -> Response:
    log = await show_log(
        page.services, page.actor, page.site, LogFilter(verb="settings"), limit=HISTORY
    )
    return page.render(
        "settings/history.html",
        section="history",
        sections=[*SECTIONS, "history"],
        now=None,
        entries=log.entries,
        **told_now(page),
    )
