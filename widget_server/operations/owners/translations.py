"""Translations of a story, which its publisher links: they share its tally and its discussion."""

from dataclasses import dataclass

from widget_server.auth.permissions import require
from widget_server.content import urls
from widget_server.content.text import check_characters
from widget_server.model.actors import Actor
from widget_server.model.decisions import decided_by
from widget_server.model.errors import NotFoundError, ProblemError, TextRejectedError
from widget_server.model.identifiers import LANGUAGE_TAG
from widget_server.model.limits import MAX_LANGUAGE_LENGTH
from widget_server.model.records import Story, Translation
from widget_server.model.translations import MAX_ADDRESS, MAX_TITLE, canonical_tag
from widget_server.operations.services import Services
from widget_server.store.queries.translations import put_translation
from widget_server.store.writing.actions import UpdateStory

_field = TextRejectedError.in_field


@dataclass(frozen=True, slots=True)
class TypedTranslation:
    """A translation as it was sent."""

    title: str
    url: str


async def link(
    services: Services, by: Actor, site: str, code: str, lang: str, typed: TypedTranslation
) -> Story:
    """Link a translation to a story, in place of the one into the same language. Return the story.

    Open pages and later snapshots have it. Raises `NotPermittedError`, `NotFoundError`, and
    `TextRejectedError` with the wrong field.
    """
    require(by, "translate", site)
    story = await _own_story(services, site, code)
    return await _store(services, by, story, _tag(lang), _checked(typed))


async def unlink(services: Services, by: Actor, site: str, code: str, lang: str) -> bool:
    """Take the translation into a language off a story. Return False if there was none.

    Raises `NotPermittedError` and `NotFoundError`.
    """
    require(by, "translate", site)
    story = await _own_story(services, site, code)
    tag = canonical_tag(lang) if LANGUAGE_TAG.fullmatch(lang) else lang
    after = await _store(services, by, story, tag, None)
    return after.translations != story.translations


async def show(services: Services, by: Actor, site: str, code: str) -> Story:
    """Return a story with its translations. Raises `NotPermittedError` and `NotFoundError`."""
    require(by, "read", site)
    return await _own_story(services, site, code)


async def _store(
    services: Services, by: Actor, story: Story, lang: str, translation: Translation | None
) -> Story:
    decision = decided_by(by, "translate", services.now_ms(), targets=(story.code,))
    changed = await services.writer.run_in_transaction(
        put_translation(story.site, story.code, lang, translation, decision)
    )
    if not changed:
        return await _own_story(services, story.site, story.code)
    after = await services.writer.submit(UpdateStory(story.id, {}, announce=True))
    services.cache.put(after)
    return after


async def _own_story(services: Services, site: str, code: str) -> Story:
    story = await services.cache.story(code, fresh=True)
    if story is None or story.site != site:
        raise NotFoundError("There is no story with this code.")
    return story


def _tag(lang: str) -> str:
    if len(lang) > MAX_LANGUAGE_LENGTH or not LANGUAGE_TAG.fullmatch(lang):
        raise _field("language", "Write a language as de, pt-BR or zh-Hant.")
    return canonical_tag(lang)


def _checked(typed: TypedTranslation) -> Translation:
    title, url = " ".join(typed.title.split()), typed.url.strip()
    if not title or len(title) > MAX_TITLE:
        raise _field("title", f"Write the title in this language, of 1 to {MAX_TITLE} characters.")
    try:
        check_characters(title)
    except ProblemError as error:
        raise _field("title", error.detail) from None
    if not urls.safe(url) or len(url) > MAX_ADDRESS:
        raise _field("url", "Write the whole address of the translation, as https://example.org/a.")
    return Translation(title, url)
