"""Reads of stories: snapshots, pages, threads, counts, and what the hub reads."""

import json
from dataclasses import replace

import pytest

from tests.operations.operations_harness import Server
from widget_server.model.actors import shell
from widget_server.model.errors import NotFoundError, NotPermittedError
from widget_server.model.records import Position
from widget_server.operations import embed_builds
from widget_server.operations.embed_builds import OtherBuilds
from widget_server.operations.owners import settings
from widget_server.operations.readers import authorize, open_data, react, read
from widget_server.operations.readers.read import DatabaseSnapshotSource


def source_of(server: Server) -> DatabaseSnapshotSource:
    return DatabaseSnapshotSource(server.services.discussions, server.services.cache)


async def test_a_snapshot_contains_the_story_and_its_newest_threads(server: Server) -> None:
    grant = await server.grant(title="A title")
    for body in ("one", "two"):
        await server.post(grant, server.actor(grant), body)
    snapshot = json.loads(await read.snapshot(server.services, grant.story.code, None))
    assert (snapshot["type"], snapshot["story"]["title"]) == ("snapshot", "A title")
    texts = [thread["text"] for thread in snapshot["comments"]["threads"]]
    assert texts == [[["p", None, "two"]], [["p", None, "one"]]]


async def test_a_snapshot_since_a_position_contains_only_later_changes(server: Server) -> None:
    grant = await server.grant()
    await server.post(grant, server.actor(grant), "old")
    first = json.loads(await read.snapshot(server.services, grant.story.code, None))
    since = Position(first["position"]["epoch"], first["position"]["seq"])
    await server.post(grant, server.actor(grant), "new")
    later = await read.snapshot(server.services, grant.story.code, since)
    assert b"new" in later
    assert b"old" not in later


@pytest.mark.parametrize("kind", ["snapshot", "page", "thread"])
async def test_stories_that_need_a_token_cannot_be_read_by_code(server: Server, kind: str) -> None:
    grant = await server.grant()
    comment = await server.post(grant, server.actor(grant))
    services, code = server.services, grant.story.code

    async def get(code: str) -> object:
        match kind:
            case "snapshot":
                return await read.snapshot(services, code, None)
            case "page":
                return await read.page(services, code, "newest", None, 10)
            case _:
                return await read.thread(services, code, comment.id)

    assert await get(code)
    with pytest.raises(NotFoundError):
        await get("unknown00000")
    await server.set(("open_reading", "off"))
    with pytest.raises(NotPermittedError):
        await get(code)
    assert json.loads(await read.counts_json(services, [code]))["stories"] == {}


async def test_pages_follow_each_other_by_their_cursor(server: Server) -> None:
    grant = await server.grant()
    ids = [(await server.post(grant, server.actor(grant))).id for _ in range(3)]
    first, settings = await read.page(server.services, grant.story.code, "oldest", None, 2)
    assert [thread.top.id for thread in first.threads] == ids[:2]
    assert settings == grant.site.settings
    last, _ = await read.page(server.services, grant.story.code, "oldest", first.next, 2)
    assert [thread.top.id for thread in last.threads] == ids[2:]
    assert last.next is None


async def test_counts_of_a_list_leave_out_codes_that_name_no_story(server: Server) -> None:
    grant = await server.grant()
    await server.post(grant, server.actor(grant))
    await react.react(server.services, grant, server.actor(grant), "happy", None)
    code = grant.story.code
    ((site, counted, number, tally),) = await read.counts(server.services, [code, "unknown00000"])
    assert (site, counted, number, tally.counts["happy"]) == ("paper", code, 1, 1)
    listed = json.loads(await read.counts_json(server.services, [code, "unknown00000"]))
    assert (set(listed["stories"]), listed["more"]) == ({code}, 0)


async def test_the_hub_reads_the_changes_after_a_number_or_none_if_one_is_missing(
    server: Server,
) -> None:
    grant = await server.grant()
    actor = server.actor(grant)
    for _ in range(3):
        await server.post(grant, actor)
    source, code = source_of(server), grant.story.code
    messages = await source.changes(code, 1)
    assert messages is not None
    assert [message.number for message in messages] == [2, 3]
    await server.set(("prompt", "Another prompt?"))  # a number without a message
    assert await source.changes(code, 1) is None
    recent = await source.recent(code)
    assert (recent.seq, recent.oldest_seq) == (4, 0)
    assert [seq for seq, *_ in recent.comments] == [1, 2, 3]


async def test_the_hub_reads_changed_tallies_own_items_and_positions(server: Server) -> None:
    grant = await server.grant()
    actor = server.actor(grant)
    comment = await server.post(grant, actor)
    await react.react(server.services, grant, actor, "happy", None)
    await react.react(server.services, grant, actor, "sad", comment.id)
    source, code = source_of(server), grant.story.code
    assert [message.number for message in await source.tallies(code, 1)] == [2]
    own = json.loads((await source.own(code, [actor.reader_id]))[actor.reader_id])
    assert (own["reaction"], own["reactions"]) == ("happy", {comment.id: "sad"})
    assert [item["id"] for item in own["comments"]] == [comment.id]
    epoch, positions = await source.positions([code])
    assert (epoch, positions) == (server.services.discussions.epoch, {code: (1, 2)})
    with pytest.raises(NotFoundError):
        await source.own("unknown00000", [actor.reader_id])


async def test_settings_of_a_story_are_those_of_its_site_and_else_the_defaults(
    server: Server,
) -> None:
    grant = await server.grant()
    await server.set(("prompt", "Another prompt?"))
    cache, story = server.services.cache, grant.story
    assert (await cache.settings_of(story)).prompt == "Another prompt?"
    assert cache.cached_settings_of(story.code, story.site).prompt == "Another prompt?"
    missing = await cache.settings_of(replace(story, site="missing"))
    assert missing == cache.cached_settings_of(story.code, "missing")
    assert missing.prompt != "Another prompt?"


async def test_files_of_another_build_are_found_and_invented_names_are_not(
    server: Server,
) -> None:
    await embed_builds.store_own(server.services, {"a-1.js": "a", "b-2.js": "b"})
    await embed_builds.store_own(server.services, {"a-1.js": "a", "c-3.js": "c"})
    others = OtherBuilds(server.services)
    assert [await others.find(name) for name in ("a-1.js", "b-2.js", "c-3.js")] == ["a", "b", "c"]
    before = server.components.database.metrics.read_transactions
    assert await others.find("invented.js") is None
    assert server.components.database.metrics.read_transactions == before


async def test_a_story_that_narrows_republishing_is_not_framed_by_its_code(
    server: Server,
) -> None:
    code = (await server.grant()).story.code
    assert (await open_data.framed_story(server.services, code)).story.code == code
    change = {"open_republishing": "off"}
    await settings.change_settings(server.services, shell("op"), "paper", change, story=code)
    with pytest.raises(NotFoundError):
        await open_data.framed_story(server.services, code)
    assert (await open_data.open_story(server.services, code)).story.code == code


async def test_a_frame_by_token_says_whether_the_code_of_its_story_may_act(server: Server) -> None:
    grant = await server.grant()
    token = server.publisher.token(grant.story.key)
    assert not (await authorize.authorize_iframe(server.services, token)).code_reads
    change = {"open_republishing": "off"}
    code = grant.story.code
    await settings.change_settings(server.services, shell("op"), "paper", change, story=code)
    assert (await authorize.authorize_iframe(server.services, token)).code_reads
