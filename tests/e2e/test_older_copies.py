"""That a copy is older than its story reaches the readers of that copy, on both servers, and no others."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.client import Client
from tests.e2e.event_stream import EventStream
from tests.e2e.publisher import Publisher, Story
from tests.e2e.two_servers import SECRET, Pair, all_in_sync
from tests.loopback import http_client
from tests.operations.checked_server import certificate
from tests.operations.operations_harness import NETWORK
from tests.operations.page_server import PageServer, html
from tests.waiting import eventually
from widget_server.app import Components
from widget_server.config import load
from widget_server.operations.publishing import check_page
from widget_server.operations.publishing.republish import Asked, make_token
from widget_server.operations.services import RateLimiters, Services

TOLD_S = 5.0
"""Seconds within which open pages are told: docs/developers/protocol.md, guarantee 8."""
WORDS = (
    "{} boats left the harbour before dawn on Monday.\n\nNets are mended by hand, as a century ago."
)


@dataclass
class Carried:
    """A story, and a page of a copy that a third process of the same site can look at."""

    pair: Pair
    story: Story
    pages: PageServer
    services: Services
    origin: str

    @property
    def page(self) -> str:
        return f"{self.origin}/boats"

    async def run(self, *words: str) -> str:
        """Run a command beside the servers."""
        return await asyncio.to_thread(self.pair.cli, *words)

    async def give(self, boats: str, folder: Path) -> None:
        """Give the story its next text."""
        file = folder / "text.md"
        file.write_text(WORDS.format(boats))
        await self.run(
            "story", "text", self.story.code, "--file", str(file), "--format", "markdown"
        )

    async def look(self, boats: str, more: str = "", services: Services | None = None) -> None:
        """Let the copy's page have this text and `more`, and check the page."""
        paragraphs = "".join(f"<p>{one}</p>" for one in WORDS.format(boats).split("\n\n"))
        self.pages.answers["/boats"] = html(f"<title>Boats</title><main>{paragraphs}{more}</main>")
        await check_page.check_as_stranger(
            services or self.services, self.story.code, self.page, NETWORK
        )

    def expected(self, server: str, version: int) -> Callable[[dict[str, Any] | None], bool]:
        """Return whether a message says that the copy has this version."""
        url = f"{server}/s/{self.story.code}/changes?from={version}"

        def is_so(older: dict[str, Any] | None) -> bool:
            return (
                older is not None
                and older["url"] == url
                and older["changed_at"] > 1_700_000_000_000
            )

        return is_so


@pytest.fixture
async def carried(pair: Pair, tmp_path: Path) -> AsyncIterator[Carried]:
    """Return a story of a site that tells readers, whose text has one version that the copy has."""
    publisher: Publisher = await pair.site_without_blocking()
    env = pair.one.env
    config = load(
        data_dir=tmp_path / "third",
        database_url=env["DATABASE_URL"],
        redis_url=env["REDIS_URL"],
        secret_keys=SECRET,
    )
    served, trusted = certificate(tmp_path)
    async with AsyncExitStack() as stack:
        pages = await stack.enter_async_context(PageServer(served))
        components = Components(config)
        await stack.enter_async_context(components.running())
        services = replace(
            components.services,
            fetcher=pages.fetcher(tls=trusted),
            rate_limiters=RateLimiters({}, enabled=False),
        )
        origin = f"https://page.example:{pages.port}"
        origins = [origin, "https://elsewhere.example"]
        story = publisher.story(origins=origins, url="https://press.example/boats")
        one = Carried(pair, story, pages, services, origin)
        async with Client(pair.one.url, one.origin) as reader:
            await reader.subscribe(story.token, page=one.page)
        await one.give("Forty-one", tmp_path)
        await one.look("Forty-one")
        await one.run("site", "set", publisher.site, "older_copies=readers")
        yield one


async def test_open_pages_of_an_older_copy_are_told_on_both_servers_and_other_copies_get_nothing(
    carried: Carried, tmp_path: Path
) -> None:
    pair, story, code = carried.pair, carried.story, carried.story.code
    async with (
        Client(pair.one.url, carried.origin) as here,
        Client(pair.other.url, carried.origin) as there,
        Client(pair.other.url, "https://elsewhere.example") as other,
    ):
        for reader in (here, there):
            snapshot = await reader.subscribe(story.token, page=carried.page)
            assert "older" not in snapshot
        await other.subscribe(story.token)
        await all_in_sync(code, here, there, other)
        before = len(other.messages)
        begun = asyncio.get_running_loop().time()
        await carried.give("Thirty-eight", tmp_path)
        for reader, server in ((here, pair.one), (there, pair.other)):
            is_so = carried.expected(server.url, 1)
            await eventually(
                lambda reader=reader, is_so=is_so: is_so(reader.state(code).older),
                "the copy is older",
                TOLD_S,
            )
        assert asyncio.get_running_loop().time() - begun < 2 * TOLD_S
        (message,) = [one for one in here.messages if one["type"] == "copy.older"]
        assert message["story"] == code
        # Who comes later, who comes back, and who polls, is told the same.
        async with Client(pair.other.url, carried.origin) as late:
            snapshot = await late.subscribe(story.token, page=carried.page)
            assert carried.expected(pair.other.url, 1)(snapshot["older"])
        async with Client(pair.one.url, carried.origin, after=here) as back:
            since = here.state(code).position()
            snapshot = await back.subscribe(story.token, page=carried.page, since=since)
            assert snapshot["resumed"]
            assert carried.expected(pair.one.url, 1)(snapshot["older"])
        await _polls(carried, 1)
        # The republisher takes the new text.
        await carried.look("Thirty-eight")
        for reader in (here, there):
            await eventually(
                lambda reader=reader: reader.state(code).older is None, "not any more", TOLD_S
            )
        await _polls(carried, None)
        # The owner tells readers no longer, and again.
        await carried.give("Thirty-nine", tmp_path)
        for reader in (here, there):
            await eventually(
                lambda reader=reader: reader.state(code).older is not None, "older again", TOLD_S
            )
        await carried.run("story", "set", code, "older_copies=republisher")
        for reader in (here, there):
            await eventually(
                lambda reader=reader: reader.state(code).older is None,
                "readers are not told",
                TOLD_S,
            )
        await here.comment(code, "For all.")
        await all_in_sync(code, here, there, other)
        kinds = {one["type"] for one in other.messages[before:]}
        assert kinds <= {"comment", "presence", "story", "tally"}, kinds


async def _polls(carried: Carried, version: int | None) -> None:
    """Check what the snapshot over HTTP says to this copy, to another one and to all."""
    code, handle = carried.story.code, carried.story.token[-9:]
    async with http_client() as http:
        for server in carried.pair.servers:
            path = f"{server.url}/v1/stories/{code}"
            own = {"Origin": carried.origin}

            async def answer(query: str, headers: dict[str, str], path: str = path) -> Any:
                return (await http.get(path + query, headers=headers)).json()

            async def is_told(server: Any = server, own: dict[str, str] = own) -> bool:
                older = (await answer(f"?copy={handle}", own)).get("older")
                return (
                    older is None
                    if version is None
                    else carried.expected(server.url, version)(older)
                )

            await eventually(is_told, "the snapshot over HTTP", TOLD_S)
            first = await http.get(f"{path}?copy={handle}", headers=own)
            at = first.json()["position"]
            since = f"?copy={handle}&since={at['epoch']}:{at['seq']}"
            assert (await answer(since, own))["older"] == first.json().get("older")
            elsewhere = {"Origin": "https://elsewhere.example"}
            assert "older" not in await answer(f"?copy={handle}", elsewhere)
            assert "older" not in await answer("", own)

            async def is_unchanged(path: str = path, own: dict[str, str] = own) -> bool:
                """Whether the tag holds: the number of readers may just have changed."""
                first = await http.get(f"{path}?copy={handle}", headers=own)
                tag = first.headers["ETag"]
                again = own | {"If-None-Match": tag}
                plain = await http.get(path)
                repeated = await http.get(f"{path}?copy={handle}", headers=again)
                is_own = plain.headers["ETag"] != tag
                return is_own is (version is not None) and repeated.status_code == 304

            await eventually(is_unchanged, "the snapshot's tag holds", TOLD_S)


async def test_an_event_stream_of_an_older_copy_is_told_as_a_socket_is(
    carried: Carried, tmp_path: Path
) -> None:
    pair, story, code = carried.pair, carried.story, carried.story.code
    handle = f"{code}:{story.token[-9:]}"
    async with (
        EventStream(pair.one.url, code, origin=carried.origin, copy=handle) as stream,
        EventStream(pair.other.url, code) as others,
        Client(pair.other.url, "https://elsewhere.example") as reader,
    ):
        await reader.subscribe(story.token)
        assert "older" not in await stream.first()
        await others.first()
        await carried.give("Thirty-eight", tmp_path)
        is_so = carried.expected(pair.one.url, 1)
        await eventually(lambda: is_so(stream.replays[code].older), "the copy is older", TOLD_S)
        async with EventStream(
            pair.other.url, code, origin=carried.origin, copy=handle, after=stream
        ) as back:
            snapshot = await back.first()
            assert carried.expected(pair.other.url, 1)(snapshot["older"])
        await carried.look("Thirty-eight")
        await eventually(lambda: stream.replays[code].older is None, "not any more", TOLD_S)
        await reader.comment(code, "For all.")
        await stream.wait_in_sync(code, reader)
        await others.wait_in_sync(code, reader)
        assert [one["type"] for one in others.messages].count("snapshot") == 1
        assert all(one["type"] != "copy.older" for one in others.messages)


async def test_a_frame_and_a_republishers_own_page_say_it_without_javascript(
    carried: Carried, tmp_path: Path
) -> None:
    server, code, token = carried.pair.one.url, carried.story.code, carried.story.token
    # The third process has an address of its own; the frame is of the first one.
    services = replace(carried.services, server_origin=server)
    made = await make_token(services, code, Asked(carried.origin), NETWORK)
    async with Client(server, server) as framed, Client(server, carried.origin) as reader:
        await framed.subscribe(token)
        await reader.subscribe(made.token, page=carried.page)
        await carried.look("Forty-one", f'<iframe src="{server}/e/{token}"></iframe>', services)
        await carried.give("Thirty-eight", tmp_path)
        await eventually(lambda: framed.state(code).older is not None, "the frame is told", TOLD_S)
        async with http_client() as http:
            frame = (await http.get(f"{server}/e/{token}?lang=de")).text
            own = (await http.get(f"{server}/s/{code}/copy/{made.secret}?lang=fr")).text
            other = (await http.get(f"{server}/e/{made.token}?lang=de")).text
        changes = f"/s/{code}/changes"
        assert f'<a href="{server}{changes}?from=1&amp;lang=de" target="_blank"' in frame
        assert "Der Artikel wurde nach dieser Kopie geändert, am " in frame
        assert f'<a href="{changes}?from=1&amp;lang=fr">Voir les modifications</a>' in own
        assert changes not in other
