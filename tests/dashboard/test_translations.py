"""The page of a story's translations: what an editor links, what readers then get, and the log of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.dashboard.desk import Desk, buttons, first, open_desk, texts, words
from widget_server.model.records import Translation

GERMAN = "https://paper.example/de"


@pytest.fixture
async def desk(tmp_path: Path, migrated_url: str) -> AsyncIterator[Desk]:
    """Return a server with a signed-in owner, on each engine."""
    async with open_desk(tmp_path, migrated_url) as opened:
        yield opened


async def linked(desk: Desk, code: str) -> dict[str, Translation]:
    story = await desk.services.cache.story(code, fresh=True)
    assert story is not None
    return dict(story.translations)


async def test_a_translation_is_linked_changed_and_unlinked(desk: Desk) -> None:
    grant = await desk.carried(title="The library", url="https://paper.example/en")
    code = grant.story.code
    place = f"stories/{code}/translations"
    assert "No translation is linked." in words(await desk.owner.get(place))
    for title in ("Die Bibliothek", "Die <Bücherei>"):
        answer = await desk.owner.post(place, language="DE", title=title, url=GERMAN)
        assert answer.status_code == 303
    assert await linked(desk, code) == {"de": Translation("Die <Bücherei>", GERMAN)}
    await desk.owner.post(place, language="en", title="x", url="https://paper.example/en")
    page = await desk.owner.get(f"{place}?done=translation")
    assert texts(page, "tbody tr") == [
        "de Die <Bücherei> Change Remove",
        "en Original The library Remove",
    ]
    filled = await desk.owner.get(f"{place}?language=de")
    assert first(filled, "#title").attributes["value"] == "Die <Bücherei>"
    assert first(filled, "#url").attributes["value"] == GERMAN
    removed = await desk.owner.press(buttons(page, "Remove")[0])
    assert texts(removed, "tbody tr") == ["en Original The library Remove"]
    assert texts(removed, "nav.tabs a[aria-current]") == ["Translations 1"]


async def test_what_is_wrong_stands_at_its_field_with_what_was_typed(desk: Desk) -> None:
    grant = await desk.carried(title="The library")
    place = f"stories/{grant.story.code}/translations"
    for fields, name, said in (
        ({"language": "german!", "title": "T", "url": GERMAN}, "language", "de, pt-BR or zh-Hant"),
        ({"language": "de", "title": "", "url": GERMAN}, "title", "1 to 300 characters"),
        ({"language": "de", "title": "T", "url": "paper.example"}, "url", "whole address"),
    ):
        answer = await desk.owner.post(place, **fields)
        assert answer.status_code == 422
        text = answer.text
        assert f'id="{name}-error"' in text, name
        assert said in text
        assert f'value="{fields["language"]}"' in text
    assert await linked(desk, grant.story.code) == {}


async def test_the_log_says_who_linked_which_language(desk: Desk) -> None:
    grant = await desk.carried(title="The library")
    place = f"stories/{grant.story.code}/translations"
    await desk.owner.post(place, language="de", title="Die Bibliothek", url=GERMAN)
    await desk.owner.post(place, do="remove", language="de")
    rows = texts(await desk.owner.get("log?verb=translate"), "tbody tr:not(.day)")
    assert len(rows) == 2
    assert "Translation unlinked “The library” de" in rows[0]
    assert "Translation linked “The library” de" in rows[1]


async def test_a_moderator_sees_the_translations_and_changes_none(desk: Desk) -> None:
    grant = await desk.carried(title="The library")
    place = f"stories/{grant.story.code}/translations"
    await desk.owner.post(place, language="de", title="Die Bibliothek", url=GERMAN)
    moderator = await desk.person("moderator")
    page = await moderator.get(place)
    assert texts(page, "tbody tr") == ["de Die Bibliothek"]
    assert page.css("form[action$=translations]") == []
    answer = await moderator.post(place, do="remove", language="de")
    assert answer.status_code == 403
    assert list(await linked(desk, grant.story.code)) == ["de"]
