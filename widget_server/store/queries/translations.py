"""Writes of the translations that a publisher linked to a story."""

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.decisions import Decision
from widget_server.model.errors import NotFoundError, TextRejectedError
from widget_server.model.records import Translation
from widget_server.model.translations import MAX_TRANSLATIONS, MAX_TRANSLATIONS_BYTES
from widget_server.store.mapping import dump, translations_of
from widget_server.store.schema import stories
from widget_server.store.transactions import TransactionFn
from widget_server.store.writing.site_log import append_site_decision


def put_translation(
    site: str, code: str, lang: str, translation: Translation | None, decision: Decision
) -> TransactionFn[bool]:
    """Link a translation to a story, or with None unlink it. Result: whether that changed anything.

    A link to the story's own address names the language of the original, which keeps its own title.

    `decision` is logged with the language, unless nothing changed. Raises `NotFoundError`, and
    `TextRejectedError` if the story would have too many translations.
    """

    async def run(connection: AsyncConnection) -> bool:
        own = (stories.c.code == code) & (stories.c.site == site)
        found = await connection.execute(
            select(
                stories.c.id,
                stories.c.key,
                stories.c.title,
                stories.c.url,
                stories.c.translations,
            )
            .where(own)
            .with_for_update(key_share=True)
        )
        row = found.one_or_none()
        if row is None:
            raise NotFoundError("There is no story with this code.")
        before = translations_of(row._mapping)
        after = {tag: one for tag, one in before.items() if tag != lang}
        if translation is not None and translation.url == row.url:
            # The story has one original: a link to it names its language.
            after = {tag: one for tag, one in after.items() if not one.original}
            after[lang] = Translation(row.title or row.key, row.url, original=True)
        elif translation is not None:
            after[lang] = translation
        if after == before:
            return False
        stored = _stored(after)
        await connection.execute(
            update(stories).where(stories.c.id == row.id).values(translations=stored)
        )
        said = {"language": lang} | ({"removed": True} if translation is None else {})
        await append_site_decision(connection, site, replace(decision, after=said))
        return True

    return run


def _stored(translations: Mapping[str, Translation]) -> str | None:
    """Return the JSON of the column. Raises `TextRejectedError` if it would be too long."""
    rows = {
        tag: {"title": None, "url": None} if one.original else {"title": one.title, "url": one.url}
        for tag, one in sorted(translations.items())
    }
    text = dump(rows)
    if len(rows) > MAX_TRANSLATIONS or len(text.encode()) > MAX_TRANSLATIONS_BYTES:
        raise TextRejectedError.in_field(
            "language",
            f"A story has at most {MAX_TRANSLATIONS} translations, whose titles and addresses share"
            f" {MAX_TRANSLATIONS_BYTES // 1024} KiB. Unlink one first, or shorten the titles.",
        )
    return text if rows else None
