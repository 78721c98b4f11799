"""The site and its settings, for programs."""

from collections.abc import Mapping
from typing import Any

from widget_server.model.errors import SettingsChangedError
from widget_server.operations.moderation import cases
from widget_server.operations.moderation.second_look import agreement
from widget_server.operations.owners import settings as site_settings, sites, stories
from widget_server.operations.owners.preview_settings import Preview, preview_change
from widget_server.protocol import owner_answers as answers, owner_requests as requests
from widget_server.web.api.owner_call import Answer, Call, StatusError

CHANGED = "The settings have changed meanwhile. Get them again, and send their ETag."
NAME_STATE = "Send the ETag of the settings that you read as If-Match, or `*` for any."


async def show_site(call: Call) -> Answer:
    """Handle `GET /v1/sites/{site}`."""
    services, by, slug = call.services, call.actor, call.site
    site = await sites.get_site(services, slug)
    readers = await stories.site_readers(services, by, slug)
    listed = await stories.list_stories(services, by, slug, limit=1)
    waiting = await cases.count_waiting(services, by, slug)
    current = None
    if call.has("read_settings"):
        current = await site_settings.read_settings(services, by, slug)
    alike = None
    if call.has("read_numbers"):
        found = await agreement(services, by, slug)
        alike = answers.SecondLooks(agreed=found.agreed, looked=found.looked)
    content = answers.SiteAnswer(
        site=slug,
        name=site.name,
        server=services.server_origin,
        stories=listed.all,
        readers=readers.number,
        waiting=answers.Waiting(**waiting),
        second_looks=alike,
        settings=None if current is None else shown(current.settings.values()),
        version=None if current is None else current.version,
    )
    return Answer(content, {} if current is None else {"ETag": f'"{current.version}"'})


async def change_site(call: Call) -> Answer:
    """Handle `PATCH /v1/sites/{site}`."""
    body: requests.ChangeSite = call.body
    content = await change(call, body.settings, None, dry_run=body.dry_run)
    return Answer(content, {"ETag": f'"{content.version}"'})


async def change(
    call: Call, changes: Mapping[str, Any], story: str | None, *, dry_run: bool
) -> answers.SettingsAnswer:
    """Change settings of the site or of a story, or say what would change.

    Raises `StatusError` 412 and 428 (RFC 9110, RFC 6585) about `If-Match`.
    """
    services, by, slug = call.services, call.actor, call.site
    preview = await preview_change(services, by, slug, changes, story=story)
    version = preview.version
    if call.if_match is None and not dry_run:
        raise StatusError(428, "malformed", NAME_STATE)
    if call.if_match is not None and not _matches(call.if_match, version):
        raise StatusError(412, "stale", CHANGED, version=version)
    if not dry_run:
        try:
            # The state that the preview was made of: nobody changes it in between.
            changed = await site_settings.change_settings(
                services, by, slug, changes, story=story, expected=version
            )
        except SettingsChangedError:
            raise StatusError(412, "stale", CHANGED) from None
        version = changed.version
    return _answer(preview, version, dry_run=dry_run)


def _matches(header: str, version: str) -> bool:
    """Return whether `If-Match` names the state. A weak tag never does (RFC 9110, 13.1.1)."""
    return any(part.strip() in {"*", f'"{version}"'} for part in header.split(","))


def _answer(preview: Preview, version: str, *, dry_run: bool) -> answers.SettingsAnswer:
    return answers.SettingsAnswer(
        version=version,
        dry_run=dry_run,
        settings=shown(preview.settings.values()),
        changes=[
            answers.SettingChange(
                key=one.key, before=one.before, after=one.after, not_for=list(one.not_for)
            )
            for one in preview.fields
        ],
        reactions=[
            answers.ReactionEffect(
                key=one.key,
                effect=one.effect,
                before=one.before,
                after=one.after,
                counted=one.counted,
            )
            for one in preview.reactions
        ],
        stories=preview.stories,
        open_stories=preview.open_stories,
        readers=preview.readers,
        copies=preview.copies,
    )


def shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings without what follows from other settings."""
    return {key: value for key, value in values.items() if key != "guidelines_trees"}
