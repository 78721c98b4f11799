"""Three origins with three languages of one story: one tally and one discussion for all readers."""

import asyncio
from contextlib import AsyncExitStack

from tests.e2e.client import Client
from tests.e2e.publisher import Publisher
from tests.e2e.two_servers import Pair, all_in_sync
from tests.loopback import http_client
from tests.waiting import eventually

COPIES = {
    "en": ("Tides", "https://english.example"),
    "de": ("Gezeiten", "https://deutsch.example"),
    "ar": ("المد والجزر", "https://arabic.example"),
}


def link(pair: Pair, code: str, lang: str) -> None:
    title, origin = COPIES[lang]
    pair.cli("story", "translate", code, lang, "--title", title, "--url", f"{origin}/tides")


async def test_a_tap_in_one_language_moves_the_tally_of_all_three(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story(title="Tides", url="https://english.example/tides", iat=1_790_000_000)
    async with Client(pair.one.url) as first:
        await first.subscribe(story.token)
    for lang in COPIES:
        await asyncio.to_thread(link, pair, story.code, lang)
    async with AsyncExitStack() as stack:
        readers: dict[str, Client] = {}
        for index, (lang, (title, origin)) in enumerate(COPIES.items()):
            # Each language of the publisher's system signs its own title and address.
            token = publisher.token(story.key, lang=lang, title=title, url=f"{origin}/tides")
            client = Client(pair.servers[index % 2].url, origin)
            readers[lang] = await stack.enter_async_context(client)
            await client.subscribe(token)
        for number, (lang, client) in enumerate(readers.items(), 1):
            await client.react(story.code, "happy")
            await all_in_sync(story.code, *readers.values())
            counts = [one.state(story.code).tally["counts"]["happy"] for one in readers.values()]
            assert counts == [number] * 3, lang
        posted = {
            lang: await client.comment(story.code, f"Written in {lang}")
            for lang, client in readers.items()
        }
        await all_in_sync(story.code, *readers.values())
        for client in readers.values():
            comments = client.state(story.code).comments
            assert {lang: comments[one["id"]]["lang"] for lang, one in posted.items()} == {
                lang: lang for lang in COPIES
            }
            # No token of a translation renamed the story.
            assert client.state(story.code).story["title"] == "Tides"


async def test_links_and_unlinks_reach_open_pages_as_changes_of_the_story(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story(title="Tides", url="https://english.example/tides")
    async with pair.readers(story, 3) as readers:
        assert readers[0].state(story.code).story["translations"] == {}
        for lang in ("de", "ar"):
            await asyncio.to_thread(link, pair, story.code, lang)
        await all_in_sync(story.code, *readers)
        for client in readers:
            linked = client.state(story.code).story["translations"]
            assert linked["de"] == {"title": "Gezeiten", "url": "https://deutsch.example/tides"}
        await asyncio.to_thread(pair.cli, "story", "untranslate", story.code, "de")
        await eventually(
            lambda: all("de" not in one.state(story.code).story["translations"] for one in readers),
            "the translation is unlinked on every page",
        )
        await all_in_sync(story.code, *readers)


async def test_a_client_that_was_away_gets_the_translations_with_the_resumed_snapshot(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story(title="Tides", url="https://english.example/tides")
    first = Client(pair.one.url)
    async with first:
        await first.subscribe(story.token)
        await first.comment(story.code, "Before I leave")
    await asyncio.to_thread(link, pair, story.code, "ar")
    async with Client(pair.other.url, after=first) as again:
        since = again.state(story.code).position()
        await again.subscribe(story.token, since=since)
        await again.wait_in_sync(story.code, pair.one.url, pair.other.url)
        assert list(again.state(story.code).story["translations"]) == ["ar"]


async def test_readers_of_one_language_page_through_its_threads_alone(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    tokens = {lang: publisher.token(story.key, lang=lang) for lang in ("de", "en")}
    async with Client(pair.one.url) as german, Client(pair.other.url) as english:
        await german.subscribe(tokens["de"])
        await english.subscribe(tokens["en"])
        for number in range(3):
            await german.comment(story.code, f"Nummer {number}")
            await english.comment(story.code, f"Number {number}")
        await all_in_sync(story.code, german, english)
    async with http_client() as http:
        path = f"{pair.one.url}/v1/stories/{story.code}/comments?lang=de&limit=2"
        first = (await http.get(path)).json()
        rest = (await http.get(f"{path}&before={first['next']}")).json()
        found = [thread["lang"] for thread in (*first["threads"], *rest["threads"])]
        assert (found, rest["next"]) == (["de"] * 3, None)
