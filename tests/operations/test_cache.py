"""The lookup cache: one read for all callers that wait for the same key, and a feed's story for a second."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.operations.operations_harness import PAGE, Server, now, open_server
from tests.operations.owner_harness import OWNER
from widget_server.model.actors import shell
from widget_server.model.errors import UnavailableError
from widget_server.model.records import Story
from widget_server.operations.cache import RECENT_S, LookupCache
from widget_server.operations.moderation import decide
from widget_server.operations.owners import settings, translations
from widget_server.operations.owners.corrections import TypedCorrection, correct
from widget_server.operations.owners.translations import TypedTranslation
from widget_server.operations.readers import comment as comments, open_data, react


async def test_a_failed_read_without_waiting_callers_is_not_logged(server: Server) -> None:
    logged: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: logged.append(context))
    cache = LookupCache(server.components.sites, server.services.discussions)
    answered = asyncio.Event()

    async def load() -> None:
        await answered.wait()
        raise UnavailableError

    first = asyncio.create_task(cache.shared(("site", "s"), load))
    second = asyncio.create_task(cache.shared(("site", "s"), load))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    answered.set()
    with pytest.raises(UnavailableError):
        await second
    answered.clear()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(cache.shared(("site", "s"), load), 0.01)
    answered.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gc.collect()
    assert logged == []


async def test_a_site_read_after_a_change_never_shows_the_state_before_it(server: Server) -> None:
    cache = LookupCache(server.components.sites, server.services.discussions)
    old = await cache.site("paper")
    answered = asyncio.Event()

    async def read_that_started_before() -> Any:
        await answered.wait()
        return old

    earlier = asyncio.create_task(cache.shared(("site", "paper"), read_that_started_before))
    await settings.change_settings(server.services, shell("test"), "paper", {"keep_days": 3})
    later = asyncio.create_task(cache.site("paper", max_age=0))
    await asyncio.sleep(0)
    answered.set()
    found = await later
    assert found is not None
    assert found.site.settings.keep_days == 3
    assert await earlier == old


async def recent(server: Server, code: str) -> Story:
    """Return the story of which a feed is made."""
    found = await server.services.cache.recent_story(code)
    assert found is not None
    return found


async def test_a_feeds_story_is_read_again_only_after_a_second(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = 1_000.0
    monkeypatch.setattr(server.services.cache, "_clock", lambda: seconds)
    code = (await server.grant()).story.code
    reads = server.components.database.metrics
    first, count = await recent(server, code), reads.read_transactions
    seconds += RECENT_S * 0.99
    assert await recent(server, code) is first
    assert reads.read_transactions == count
    seconds += RECENT_S * 0.02
    assert await recent(server, code) == first
    assert reads.read_transactions == count + 1


async def test_feeds_that_are_asked_for_at_once_share_one_read_of_the_story(server: Server) -> None:
    code = (await server.grant()).story.code
    reads = server.components.database.metrics
    count = reads.read_transactions
    await asyncio.gather(*(recent(server, code) for _ in range(20)))
    assert reads.read_transactions == count + 1


async def test_a_new_feeds_story_and_its_comments_are_read_at_once(server: Server) -> None:
    services, grant = server.services, await server.grant()
    code = grant.story.code
    await services.cache.site("paper")
    written = await server.post(grant, server.actor(grant))
    count = server.components.database.metrics.read_transactions
    found, latest = await open_data.recent_story_with_latest(services, code)
    assert latest is not None
    assert [one.id for _, one in latest.comments] == [written.id]
    assert found.story.count == 1
    # The story is known now, so the caller asks for the comments if it needs them.
    found, latest = await open_data.recent_story_with_latest(services, code)
    assert (found.story.count, latest) == (1, None)
    assert server.components.database.metrics.read_transactions == count + 1


async def test_every_change_by_this_process_is_in_a_feeds_story_at_once(server: Server) -> None:
    services, first = server.services, server.publisher.story(title="Before", iat=now() - 9)
    renamed = replace(first, token=server.publisher.token(first.key, title="After"))
    grant = await server.grant(first)
    code, actor = grant.story.code, server.actor(grant)
    assert (await recent(server, code)).count == 0
    comment = await server.post(grant, actor)
    assert (await recent(server, code)).count == 1
    changes: list[Callable[[], Awaitable[object]]] = [
        lambda: server.post(grant, actor, parent=comment.id),
        lambda: comments.edit(services, grant, actor, comment.id, "in other words"),
        lambda: react.react(services, grant, actor, "happy", None),
        lambda: react.react(services, grant, actor, "sad", comment.id),
        lambda: decide.decide(services, OWNER, "feature", comment.id),
        lambda: decide.decide(services, OWNER, "remove", comment.id),
        lambda: decide.decide(services, OWNER, "restore", comment.id),
        lambda: comments.delete(services, grant, actor, comment.id),
        lambda: correct(services, OWNER, code, TypedCorrection("It was Monday.")),
        lambda: decide.decide_story(services, OWNER, "notice", code, notice="We read along."),
        lambda: translations.link(
            services, OWNER, "paper", code, "de", TypedTranslation("Danach", f"{PAGE}/de")
        ),
        lambda: translations.unlink(services, OWNER, "paper", code, "de"),
        lambda: server.grant(renamed),
        lambda: decide.decide_story(services, OWNER, "close", code),
    ]
    for change in changes:
        before = await recent(server, code)
        await change()
        after = await recent(server, code)
        assert after != before
        assert after == await services.discussions.story(code)


async def test_a_change_by_another_process_is_in_a_feeds_story_after_a_second(
    server: Server, tmp_path: Path, migrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = 1_000.0
    monkeypatch.setattr(server.services.cache, "_clock", lambda: seconds)
    grant = await server.grant()
    before = await recent(server, grant.story.code)
    async with open_server(tmp_path, migrated_url) as other:
        await other.post(grant, other.actor(grant))
        assert (await recent(other, grant.story.code)).count == 1
    seconds += RECENT_S * 0.99
    assert await recent(server, grant.story.code) is before
    seconds += RECENT_S * 0.02
    assert (await recent(server, grant.story.code)).count == 1


async def test_a_read_that_began_before_a_change_never_hides_the_change(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, grant = server.services, await server.grant()
    code, read = grant.story.code, services.discussions.story
    has_read, answered = asyncio.Event(), asyncio.Event()

    async def slow_read(code: str) -> Story | None:
        found = await read(code)
        has_read.set()
        await answered.wait()
        return found

    with monkeypatch.context() as patched:
        patched.setattr(services.discussions, "story", slow_read)
        earlier = asyncio.create_task(recent(server, code))
        await has_read.wait()
    await server.post(grant, server.actor(grant))
    # It does not wait for the read that began earlier.
    assert (await recent(server, code)).count == 1
    answered.set()
    assert (await earlier).count == 0
    assert (await recent(server, code)).count == 1


async def test_a_story_that_others_put_into_the_cache_is_no_feeds_story(server: Server) -> None:
    grant = await server.grant()
    await server.post(grant, server.actor(grant))
    server.services.cache.put(grant.story)
    assert (await recent(server, grant.story.code)).count == 1


async def test_after_a_restore_a_feeds_story_is_read_again(server: Server) -> None:
    code = (await server.grant()).story.code
    await recent(server, code)
    count = server.components.database.metrics.read_transactions
    server.components.database.epoch = "another"
    await recent(server, code)
    assert server.components.database.metrics.read_transactions == count + 1


async def test_a_feeds_story_that_does_not_exist_is_none_until_it_is_registered(
    server: Server,
) -> None:
    token = server.publisher.story()
    assert await server.services.cache.recent_story(token.code) is None
    await server.grant(token)
    assert (await recent(server, token.code)).code == token.code
