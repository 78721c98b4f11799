"""Committed events reach the subscribers of this process and of others."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.engines import Valkey
from tests.operations.operations_harness import Server, open_server
from tests.waiting import eventually
from widget_server.bus.message import BusMessage
from widget_server.model.actors import shell
from widget_server.model.events import CommentChanged, StoryChanged, TallyChanged
from widget_server.operations.moderation import decide
from widget_server.operations.owners import sites
from widget_server.operations.publish import encode_event
from widget_server.operations.readers import react


async def test_a_subscriber_receives_comments_tallies_and_changes_of_the_story(
    server: Server,
) -> None:
    grant = await server.grant()
    connection = await server.subscribe(grant.story.code)
    actor = server.actor(grant)
    comment = await server.post(grant, actor)
    await react.react(server.services, grant, actor, "happy", None)
    await decide.decide_story(server.services, shell("test"), "close", grant.story.code)
    await eventually(lambda: connection.of_type("story"), "the story's change arrives")
    await eventually(lambda: connection.of_type("tally"), "the tally arrives")
    (message,) = connection.of_type("comment")
    assert message["comment"]["id"] == comment.id
    assert connection.of_type("tally")[-1]["counts"]["happy"] == 1
    assert connection.of_type("story")[-1]["closed"]


async def test_a_subscriber_in_another_process_receives_the_same_comment(
    tmp_path: Path, migrated_url: str, valkey: Valkey
) -> None:
    async with (
        open_server(tmp_path / "one", migrated_url, valkey.url) as one,
        open_server(tmp_path / "other", migrated_url, valkey.url) as other,
    ):
        for server in (one, other):
            bus = server.components.bus
            await eventually(lambda bus=bus: bus.healthy, "the bus is up")
        await sites.create_site(one.services, shell("test"), "paper", "A paper")
        grant = await one.grant()
        connection = await other.subscribe(grant.story.code)
        comment = await one.post(grant, one.actor(grant))
        await eventually(lambda: connection.of_type("comment"), "the comment arrives")
        assert connection.of_type("comment")[0]["comment"]["id"] == comment.id


async def test_an_event_is_encoded_with_its_number_and_the_settings_of_its_site(
    server: Server,
) -> None:
    grant = await server.grant(label="Copy")
    comment = await server.post(grant, server.actor(grant))
    code, settings = grant.story.code, grant.site.settings
    changed = encode_event(CommentChanged(code, 7, comment, 1, "s"), "epoch", settings)
    assert (changed.kind, changed.story, changed.number) == ("comment", code, 7)
    assert b"Copy" in changed.payload
    hidden = replace(settings, show_copy=False)
    assert (
        b"Copy" not in encode_event(CommentChanged(code, 7, comment, 1, "s"), "e", hidden).payload
    )
    story = encode_event(StoryChanged(code, 8, grant.story), "epoch", settings)
    assert (story.kind, story.number) == ("story", 8)
    tally = encode_event(TallyChanged(code, None, grant.story.tally), "epoch", settings)
    assert (tally.kind, tally.number) == ("tally", grant.story.tally.version)


async def test_an_event_has_the_settings_of_its_site_also_if_its_story_is_not_cached(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = await server.grant(label="Copy")
    await server.set(("show_copy", "off"))
    comment = await server.post(grant, server.actor(grant))
    sent: list[BusMessage] = []
    monkeypatch.setattr(server.components.hub, "publish", sent.extend)
    await server.services.cache.site(grant.site.slug, max_age=0)
    server.services.cache._by_code.clear()
    event = CommentChanged(grant.story.code, 7, comment, 1, grant.site.slug)
    server.components.publisher.publish([event], "epoch")
    assert [one.number for one in sent] == [7]
    assert b"Copy" not in sent[0].payload


async def test_a_failure_to_publish_does_not_fail_the_action(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    grant = await server.grant()

    def fail(_messages: object) -> None:
        raise RuntimeError("no hub")

    monkeypatch.setattr(server.components.hub, "publish", fail)
    comment = await server.post(grant, server.actor(grant))
    assert comment.born == 1
    assert "event=publish_failed" in caplog.text
