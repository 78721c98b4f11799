"""Linked translations: another title and address of one story, with one tally."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.e2e.publisher import Story
from tests.operations.operations_harness import Server, open_server
from tests.operations.owner_harness import OWNER, carry, person, write
from tests.store.backup_harness import ignore_progress
from widget_server.model.actors import shell
from widget_server.model.errors import NotFoundError, NotPermittedError, TextRejectedError
from widget_server.model.records import Story as StoryRecord, Translation
from widget_server.model.translations import (
    MAX_TRANSLATIONS,
    canonical_tag,
    edition,
    translation_tag,
)
from widget_server.operations.moderation import decide, log
from widget_server.operations.owners import sites, translations
from widget_server.operations.owners.credit import credited
from widget_server.operations.owners.translations import TypedTranslation
from widget_server.operations.readers import authorize, read
from widget_server.store import backup, restore
from widget_server.store.queries import comment_pages
from widget_server.store.queries.decisions import LogFilter
from widget_server.store.schema import stories

ORIGINAL = "https://press.example/tides"
GERMAN = "https://press.example/de/gezeiten"


async def known(server: Server, **claims: Any) -> Story:
    """Return a story that the server knows."""
    first = {"title": "Tides", "url": ORIGINAL, "iat": int(time.time()) - 100}
    story = server.publisher.story(**first, **claims)
    await server.grant(story)
    return story


async def link(
    server: Server, story: Story, lang: str, title: str = "Gezeiten", url: str = GERMAN
) -> StoryRecord:
    typed = TypedTranslation(title, url)
    return await translations.link(server.services, OWNER, "paper", story.code, lang, typed)


async def stored(server: Server, story: Story) -> StoryRecord:
    found = await server.services.cache.story(story.code, fresh=True)
    assert found is not None
    return found


async def test_a_link_is_stored_by_language_in_one_spelling_and_replaced(server: Server) -> None:
    story = await known(server)
    await link(server, story, "PT-br", "Marés", "https://press.example/pt")
    await link(server, story, "de", "Ebbe", "https://press.example/ebbe")
    await link(server, story, "DE", "  Gezeiten \n hier ")
    assert dict((await stored(server, story)).translations) == {
        "de": Translation("Gezeiten hier", GERMAN),
        "pt-BR": Translation("Marés", "https://press.example/pt"),
    }


async def test_the_storys_own_address_names_the_language_of_the_original(server: Server) -> None:
    story = await known(server)
    await link(server, story, "fr", "Anything", ORIGINAL)
    after = await link(server, story, "en", "Anything else", ORIGINAL)
    assert dict(after.translations) == {"en": Translation("Tides", ORIGINAL, original=True)}
    # The original keeps its language when it moves.
    moved = server.publisher.token(
        story.key,
        title="High tides",
        url="https://press.example/new",
        lang="en",
        iat=int(time.time()),
    )
    await authorize.register_story(server.services, moved)
    after = await stored(server, story)
    assert dict(after.translations) == {
        "en": Translation("High tides", "https://press.example/new", original=True)
    }
    assert not edition(after, "en").translated


async def test_a_token_of_a_linked_translation_never_renames_the_story(server: Server) -> None:
    story = await known(server)
    await link(server, story, "de")
    now = int(time.time())
    later: dict[str, Any] = {"iat": now - 50, "author": "Ana"}
    for lang in ("de", "de-AT"):
        token = server.publisher.token(story.key, title="Gezeiten", url=GERMAN, lang=lang, **later)
        await authorize.register_story(server.services, token)
        later = {"iat": now - 49, "author": "Bo"}
    after = await stored(server, story)
    assert (after.title, after.url, after.author) == ("Tides", ORIGINAL, "Bo")
    # A copy in a language that is not linked is as before: its later token is the newer attribution.
    token = server.publisher.token(story.key, title="Mareas", lang="es", iat=int(time.time()))
    await authorize.register_story(server.services, token)
    assert (await stored(server, story)).title == "Mareas"


async def test_open_pages_get_the_link_as_the_next_change_of_the_story(server: Server) -> None:
    story = await known(server)
    before = await stored(server, story)
    after = await link(server, story, "de")
    assert after.seq == before.seq + 1
    again = await link(server, story, "de")
    assert again.seq == after.seq, "the same link again is no change"
    code = story.code
    assert await translations.unlink(server.services, OWNER, "paper", code, "de") is True
    assert await translations.unlink(server.services, OWNER, "paper", code, "de") is False
    assert (await stored(server, story)).seq == after.seq + 1


async def test_each_change_is_logged_once_with_its_language_alone(server: Server) -> None:
    story = await known(server)
    await link(server, story, "de")
    await link(server, story, "de")
    await translations.unlink(server.services, OWNER, "paper", story.code, "de")
    found = await log.read_log(server.services, OWNER, "paper", LogFilter(verb="translate"))
    said = [(one.targets, dict(one.before), dict(one.after)) for one in found]
    assert said == [
        ((story.code,), {}, {"language": "de", "removed": True}),
        ((story.code,), {}, {"language": "de"}),
    ]


@pytest.mark.parametrize(
    ("lang", "title", "url", "field"),
    [
        ("d", "T", GERMAN, "language"),
        ("de_DE", "T", GERMAN, "language"),
        ("x" * 40, "T", GERMAN, "language"),
        ("de", " ", GERMAN, "title"),
        ("de", "x" * 301, GERMAN, "title"),
        ("de", "a\u0007b", GERMAN, "title"),
        ("de", "T", "press.example/de", "url"),
        ("de", "T", "javascript:alert(1)", "url"),
        ("de", "T", "https://press.example/" + "x" * 2_000, "url"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field(
    server: Server, lang: str, title: str, url: str, field: str
) -> None:
    story = await known(server)
    with pytest.raises(TextRejectedError) as raised:
        await link(server, story, lang, title, url)
    assert raised.value.field == field
    assert not (await stored(server, story)).translations


async def test_a_story_has_a_bounded_number_of_translations(server: Server) -> None:
    story = await known(server)
    title, url = "A title of the usual length, in this language", "https://press.example/{}/tides"
    for number in range(MAX_TRANSLATIONS):
        lang = f"a{chr(97 + number // 26)}{chr(97 + number % 26)}"
        await link(server, story, lang, title, url.format(lang))
    # One more, and one that makes all of them too long together.
    await link(server, story, "aaa", title, "https://press.example/" + "y" * 1_900)
    for lang, long in (("de", ""), ("aab", "y" * 1_900)):
        with pytest.raises(TextRejectedError) as raised:
            await link(server, story, lang, "x" * 300, f"https://press.example/{long}")
        assert raised.value.field == "language"
    assert len((await stored(server, story)).translations) == MAX_TRANSLATIONS


async def test_a_moderator_cannot_unlink_and_a_story_of_another_site_cannot_be_linked(
    server: Server,
) -> None:
    story = await known(server)
    for role in ("moderator", "auditor", "local"):
        with pytest.raises(NotPermittedError):
            await translations.unlink(server.services, person(role), "paper", story.code, "de")
    await sites.create_site(server.services, shell("test"), "other", "Other")
    for site, code in (("paper", "0" * 12), ("other", story.code)):
        with pytest.raises(NotFoundError):
            await translations.link(
                server.services, shell("test"), site, code, "de", TypedTranslation("T", GERMAN)
            )


async def test_a_comment_has_the_language_that_its_token_names_not_that_of_the_page(
    server: Server,
) -> None:
    story = await known(server)
    token = server.publisher.token(story.key, lang="de")
    grant = await authorize.authorize(
        server.services, token=token, code=None, origin="https://a.example", lang="en-US"
    )
    assert (await write(server, grant)).lang == "de"
    plain, _ = await carry(server, story, "https://b.example")
    assert (await write(server, plain)).lang is None


async def test_the_snippet_of_a_copy_credits_the_translation_in_its_language(
    server: Server,
) -> None:
    story = await known(server)
    await link(server, story, "de")
    claims = (await server.grant(story)).claims
    assert claims is not None
    for lang, title in (
        ("de", "Gezeiten"),
        ("de-CH", "Gezeiten"),
        ("fr", "Tides"),
        (None, "Tides"),
    ):
        shown = await credited(server.services, replace(claims, lang=lang))
        assert shown.attribution.title == title, lang


async def test_damaged_translations_cost_only_themselves(server: Server) -> None:
    story = await known(server)
    await link(server, story, "de")

    for damaged in ("[", '{"de": 1}', '{"de": {"title": 1, "url": "x"}}', "[]"):

        async def spoil(connection: AsyncConnection, text: str = damaged) -> None:
            await connection.execute(
                update(stories).where(stories.c.code == story.code).values(translations=text)
            )

        await server.services.writer.run_in_transaction(spoil)
        after = await stored(server, story)
        assert (after.title, dict(after.translations)) == ("Tides", {})
    await link(server, story, "fr", "Marées", "https://press.example/fr")
    assert list((await stored(server, story)).translations) == ["fr"]


async def test_a_backup_has_the_translations(tmp_path: Path, migrated_url: str) -> None:
    file = tmp_path / "backup.sqlite3"
    async with open_server(tmp_path, migrated_url) as server:
        await sites.create_site(server.services, shell("test"), "paper", "A paper")
        story = await known(server)
        await link(server, story, "de")
        await backup.back_up(migrated_url, file, ignore_progress)
        await translations.unlink(server.services, OWNER, "paper", story.code, "de")
    await restore.restore(migrated_url, file, ignore_progress)
    async with open_server(tmp_path, migrated_url) as server:
        assert list((await stored(server, story)).translations) == ["de"]


def test_readers_get_the_nearest_translation() -> None:
    linked = {
        tag: Translation(tag, f"https://p.example/{tag}") for tag in ("de", "pt-BR", "zh-Hant")
    }
    assert [translation_tag(linked, lang) for lang in ("de", "DE-at", "pt", "pt-PT", "zh-hant")] == [
        "de", "de", "pt-BR", "pt-BR", "zh-Hant",
    ]  # fmt: skip
    assert [translation_tag(linked, lang) for lang in (None, "", "fr", "d")] == [None] * 4
    assert [canonical_tag(tag) for tag in ("PT-br", "zh-hANT-tw", "EN")] == [
        "pt-BR", "zh-Hant-TW", "en",
    ]  # fmt: skip


async def test_a_page_of_one_language_searches_a_bounded_part_and_goes_on(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comment_pages, "SEARCHED", 4)
    story = await known(server)
    grants = {}
    for lang in ("de", "en"):
        token = server.publisher.token(story.key, lang=lang)
        grants[lang] = await authorize.authorize(
            server.services, token=token, code=None, origin="https://a.example"
        )
    rows = ["de", "en", "en", "en", "en", "en", "en", "en", "en", "de", "de"]
    posted = [(await write(server, grants[lang])).id for lang in rows]
    german = [one for one, lang in zip(posted, rows, strict=True) if lang == "de"]
    for order in ("newest", "oldest", "top"):
        before, found, pages = None, [], 0
        while pages == 0 or before is not None:
            page, _ = await read.page(server.services, story.code, order, before, 2, lang="de")
            assert len(page.threads) <= 2
            found += [thread.top.id for thread in page.threads]
            before, pages = page.next, pages + 1
        assert found == (german if order == "oldest" else german[::-1]), order
        assert 3 <= pages <= 6


async def test_pinned_comments_of_another_language_wait_behind_the_filter(server: Server) -> None:
    story = await known(server)
    token = server.publisher.token(story.key, lang="en")
    grant = await authorize.authorize(
        server.services, token=token, code=None, origin="https://a.example"
    )
    comment = await write(server, grant)
    await decide.decide(server.services, OWNER, "pin", comment.id)
    for lang, number in (("de", 0), ("en", 1), ("", 1)):
        page, _ = await read.page(server.services, story.code, "newest", None, 20, lang=lang)
        assert len(page.threads) == number, lang
