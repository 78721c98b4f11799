"""A local moderator narrows what one copy shows, and nothing else."""

from collections.abc import Iterator

import orjson
import pytest

from tests.operations.operations_harness import Server
from tests.operations.owner_harness import OWNER, carry, person, write
from tests.statements import recorded
from widget_server.model.decisions import COMMENT_VERBS
from widget_server.model.errors import (
    MalformedError,
    NotFoundError,
    NotPermittedError,
    ProblemError,
    StaleError,
)
from widget_server.model.records import CommentState
from widget_server.operations.moderation import cases, decide, local_copies, log
from widget_server.operations.owners import take_back
from widget_server.operations.readers import authorize, comment, read
from widget_server.store.queries.decisions import LogFilter
from widget_server.store.queries.local_copies import _below

HERE, THERE = "https://here.example", "https://there.example"


async def hidden_on(server: Server, code: str, handle: str, origin: str | None) -> list[str]:
    """Return what `GET …?copy=` says is hidden on a page."""
    body, _ = await read.snapshot_of_copy(server.services, code, None, handle, origin)
    hidden: list[str] = orjson.loads(body).get("copy", {}).get("hidden", [])
    return hidden


async def test_a_comment_from_elsewhere_is_hidden_on_one_copy_and_shown_on_all_others(
    server: Server,
) -> None:
    services, story = server.services, server.publisher.story()
    here, copy = await carry(server, story, HERE)
    there, _ = await carry(server, story, THERE)
    written = await write(server, there)
    local = person("local", copies=frozenset({copy}))
    handle = authorize.handle_of(story.token)
    before = await read.snapshot(services, story.code, None)
    assert await local_copies.hide(services, local, "paper", copy, written.id)
    assert not await local_copies.hide(services, local, "paper", copy, written.id)
    assert await hidden_on(server, story.code, handle, HERE) == [written.id]
    for other_handle, origin in (
        (handle, THERE),
        (handle, None),
        ("", HERE),
        ("another", HERE),
    ):
        body, _ = await read.snapshot_of_copy(services, story.code, None, other_handle, origin)
        assert body == before
    listed = await local_copies.list_hidden(services, OWNER, "paper")
    assert [(one.copy, one.comment, one.by_site) for one in listed.hidden] == [
        (copy, written.id, False)
    ]
    assert await local_copies.show_again(services, OWNER, "paper", copy, written.id)
    assert await hidden_on(server, story.code, handle, HERE) == []
    assert here.handle == handle


async def test_replies_to_a_hidden_reply_are_hidden_whenever_they_are_written(
    server: Server,
) -> None:
    services, story = server.services, server.publisher.story()
    _, copy = await carry(server, story, HERE)
    there, _ = await carry(server, story, THERE)
    top = await write(server, there)
    reply = await write(server, there, parent=top.id)
    below = await write(server, there, parent=reply.id)
    await write(server, there, parent=top.id)
    await local_copies.hide(services, OWNER, "paper", copy, reply.id)
    later = await write(server, there, parent=below.id)
    await services.cache.site("paper", max_age=0)
    handle = authorize.handle_of(story.token)
    assert await hidden_on(server, story.code, handle, HERE) == sorted(
        [reply.id, below.id, later.id]
    )
    await local_copies.hide(services, OWNER, "paper", copy, below.id)
    await local_copies.show_again(services, OWNER, "paper", copy, reply.id)
    assert await hidden_on(server, story.code, handle, HERE) == sorted([below.id, later.id])


async def test_the_sites_own_people_lift_what_is_hidden_and_a_local_moderator_not_what_they_hid(
    server: Server,
) -> None:
    services, story = server.services, server.publisher.story()
    grant, copy = await carry(server, story, HERE)
    _, other = await carry(server, story, THERE)
    written = await write(server, grant)
    local = person("local", copies=frozenset({copy}))
    await local_copies.hide(services, OWNER, "paper", copy, written.id)
    with pytest.raises(NotPermittedError):
        await local_copies.show_again(services, local, "paper", copy, written.id)
    await local_copies.let_wait(services, OWNER, "paper", copy, on=True)
    with pytest.raises(NotPermittedError):
        await local_copies.let_wait(services, local, "paper", copy, on=False)
    for refused in (
        local_copies.hide(services, local, "paper", other, written.id),
        local_copies.show_again(services, local, "paper", other, written.id),
        local_copies.let_wait(services, local, "paper", other, on=True),
    ):
        with pytest.raises(NotFoundError):
            await refused
    assert (
        await local_copies.list_hidden(
            services, person("local", copies=frozenset({other})), "paper"
        )
    ).hidden == []


async def test_hiding_and_waiting_are_undone_from_the_log(server: Server) -> None:
    services, story = server.services, server.publisher.story()
    grant, copy = await carry(server, story, HERE)
    written = await write(server, grant)
    handle = authorize.handle_of(story.token)
    await local_copies.hide(services, OWNER, "paper", copy, written.id, reason="off_topic")
    await local_copies.let_wait(services, OWNER, "paper", copy, on=True)
    page = await log.read_log(services, OWNER, "paper", LogFilter())
    by_verb = {one.verb: one for one in page}
    assert by_verb["hide"].reason == "off_topic"
    assert by_verb["hide"].targets == (written.id, HERE, str(copy))
    assert by_verb["approval"].targets == (HERE, str(copy), story.code)
    await take_back.take_back(services, OWNER, "paper", by_verb["hide"].id)
    await take_back.take_back(services, OWNER, "paper", by_verb["approval"].id)
    assert await hidden_on(server, story.code, handle, HERE) == []
    assert (await services.cache.site("paper", max_age=0)).narrowed == {}  # type: ignore[union-attr]
    with pytest.raises(StaleError):
        await take_back.take_back(services, OWNER, "paper", by_verb["hide"].id)


async def test_comments_from_a_copy_wait_everywhere_and_its_moderator_publishes_them(
    server: Server,
) -> None:
    services, story = server.services, server.publisher.story()
    here, copy = await carry(server, story, HERE)
    there, _ = await carry(server, story, THERE)
    local = person("local", copies=frozenset({copy}))
    await local_copies.let_wait(services, local, "paper", copy, on=True)
    waiting = await write(server, here)
    assert waiting.state == CommentState.PENDING
    assert (await write(server, there)).state == CommentState.PUBLISHED
    for seen_by in (local, OWNER):
        assert (await cases.count_waiting(services, seen_by, "paper"))["pending"] == 1
    done = await decide.decide(services, local, "approve", waiting.id)
    assert done.comment is not None
    assert done.comment.state == CommentState.PUBLISHED
    refused = await write(server, here)
    done = await decide.decide(services, local, "reject", refused.id)
    assert done.comment is not None
    assert done.comment.state == CommentState.REMOVED
    with pytest.raises(ProblemError):
        await decide.decide(services, local, "restore", refused.id)


async def test_what_the_site_holds_no_local_moderator_publishes(server: Server) -> None:
    services, story = server.services, server.publisher.story()
    here, copy = await carry(server, story, HERE)
    local = person("local", copies=frozenset({copy}))
    await local_copies.let_wait(services, local, "paper", copy, on=True)
    held = await write(server, here)
    await decide.decide(services, OWNER, "hold", held.id)
    await server.set(("moderation", "pre"))
    fresh, _ = await carry(server, story, HERE)
    pre = await write(server, fresh)
    await server.set(("moderation", "post"))
    after, _ = await carry(server, story, HERE)
    removed = await write(server, after)
    await decide.decide(services, OWNER, "reject", removed.id)
    for one in (held, pre, removed):
        for verb in COMMENT_VERBS:
            if verb == "hold":
                continue
            with pytest.raises(ProblemError):
                await decide.decide(services, local, verb, one.id)
        now = await services.decisions.comment(one.id)
        assert now is not None
        assert now.state != CommentState.PUBLISHED


async def test_nothing_is_hidden_on_a_copy_that_many_pages_share(server: Server) -> None:
    services, story = server.services, server.publisher.story()
    await carry(server, story, HERE)
    for origin in (services.server_origin, "null"):
        grant, copy = await carry(server, story, origin, code=True)
        written = await write(server, grant)
        with pytest.raises(MalformedError):
            await local_copies.hide(services, OWNER, "paper", copy, written.id)


async def test_a_comment_of_another_story_or_one_that_waits_cannot_be_hidden(
    server: Server,
) -> None:
    services = server.services
    one, other = server.publisher.story(), server.publisher.story()
    _, copy = await carry(server, one, HERE)
    grant, _ = await carry(server, other, HERE)
    elsewhere = await write(server, grant)
    with pytest.raises(NotFoundError):
        await local_copies.hide(services, OWNER, "paper", copy, elsewhere.id)
    await server.set(("moderation", "pre"))
    grant, copy = await carry(server, other, HERE)
    waiting = await write(server, grant)
    with pytest.raises(NotFoundError):
        await local_copies.hide(services, OWNER, "paper", copy, waiting.id)


async def test_an_edit_waits_if_the_comment_was_written_on_a_copy_that_lets_comments_wait(
    server: Server,
) -> None:
    services, story = server.services, server.publisher.story()
    here, copy = await carry(server, story, HERE)
    without_token, _ = await carry(server, story, HERE, code=True)
    there, _ = await carry(server, story, THERE)
    local = person("local", copies=frozenset({copy}))
    await local_copies.let_wait(services, local, "paper", copy, on=True)
    reader, other = server.actor(here), server.actor(there)
    written = await server.post(here, reader, "first")
    await decide.decide(services, local, "approve", written.id)
    for sent_from in (without_token, there, here):
        edited = await comment.edit(services, sent_from, reader, written.id, "changed")
        assert edited.waiting
        assert edited.text == written.text
        assert (await cases.count_waiting(services, local, "paper"))["edits"] == 1
    elsewhere = await server.post(there, other, "first")
    edited = await comment.edit(services, here, other, elsewhere.id, "changed")
    assert not edited.waiting
    assert edited.text != elsewhere.text
    done = await decide.decide(services, local, "approve", written.id)
    assert done.comment is not None
    assert done.comment.source == "changed"


async def test_an_edit_leaves_a_comment_waiting_for_the_site_if_it_waited_for_the_site(
    server: Server,
) -> None:
    services, story = server.services, server.publisher.story()
    here, copy = await carry(server, story, HERE)
    local = person("local", copies=frozenset({copy}))
    await local_copies.let_wait(services, OWNER, "paper", copy, on=True)
    reader, waiter = server.actor(here), server.actor(here)
    published = await server.post(here, reader, "first")
    await decide.decide(services, OWNER, "approve", published.id)
    await server.set(("moderation", "pre"))
    strict, _ = await carry(server, story, HERE)
    waiting = await server.post(strict, waiter, "first")
    await comment.edit(services, strict, reader, published.id, "second")
    await server.set(("moderation", "post"))
    lax, _ = await carry(server, story, HERE)
    for by, one in ((waiter, waiting), (reader, published)):
        await comment.edit(services, lax, by, one.id, "third")
        with pytest.raises(NotPermittedError):
            await decide.decide(services, local, "approve", one.id)
    for one in (waiting, published):
        done = await decide.decide(services, OWNER, "approve", one.id)
        assert done.comment is not None
        assert done.comment.source == "third"
    edited = await comment.edit(services, lax, reader, published.id, "fourth")
    assert edited.waiting
    await decide.decide(services, local, "approve", published.id)


async def test_what_the_site_decides_after_a_local_moderator_is_the_sites_and_logged(
    server: Server,
) -> None:
    services, story = server.services, server.publisher.story()
    grant, copy = await carry(server, story, HERE)
    top = await write(server, grant)
    reply = await write(server, grant, parent=top.id)
    below = await write(server, grant, parent=reply.id)
    local = person("local", copies=frozenset({copy}))
    for by in (local, OWNER):
        assert await local_copies.hide(services, by, "paper", copy, reply.id)
        assert await local_copies.let_wait(services, by, "paper", copy, on=True)
    for by in (local, OWNER):
        assert not await local_copies.hide(services, by, "paper", copy, reply.id)
        assert not await local_copies.let_wait(services, by, "paper", copy, on=True)
    with pytest.raises(NotPermittedError):
        await local_copies.show_again(services, local, "paper", copy, reply.id)
    with pytest.raises(NotPermittedError):
        await local_copies.let_wait(services, local, "paper", copy, on=False)
    page = await log.read_log(services, OWNER, "paper", LogFilter())
    logged = sorted((one.verb, one.actor) for one in page)
    assert logged == [(v, a) for v in ("approval", "hide") for a in ("ana", "local")]
    for one in page:
        with pytest.raises(ProblemError):
            await take_back.take_back(services, local, "paper", one.id)
    handle = authorize.handle_of(story.token)
    assert await hidden_on(server, story.code, handle, HERE) == sorted([reply.id, below.id])
    assert await local_copies.show_again(services, OWNER, "paper", copy, reply.id)
    assert await hidden_on(server, story.code, handle, HERE) == []
    assert await local_copies.let_wait(services, OWNER, "paper", copy, on=False)


async def test_a_local_moderator_who_hides_as_much_as_possible_cannot_keep_the_site_from_deciding(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, story = server.services, server.publisher.story()
    grant, copy = await carry(server, story, HERE)
    written = await write(server, grant)
    local = person("local", copies=frozenset({copy}))
    monkeypatch.setattr("widget_server.store.queries.local_copies.MAX_HIDDEN", 1)
    await local_copies.hide(services, local, "paper", copy, written.id)
    assert await local_copies.hide(services, OWNER, "paper", copy, written.id)


async def test_hiding_a_long_chain_of_replies_takes_a_few_statements(server: Server) -> None:
    services, story = server.services, server.publisher.story()
    grant, copy = await carry(server, story, HERE)
    chain = [await write(server, grant)]
    for _ in range(20):
        chain.append(await write(server, grant, parent=chain[-1].id))
    with recorded(server.components.database._writer.sync_engine) as executed:
        await local_copies.hide(services, OWNER, "paper", copy, chain[1].id)
    assert 0 < len(executed) < 16
    handle = authorize.handle_of(story.token)
    assert await hidden_on(server, story.code, handle, HERE) == sorted(one.id for one in chain[1:])


def test_replies_of_any_depth_are_found_in_two_passes_over_a_thread() -> None:
    class Counted(list[tuple[str, str | None]]):
        passes = 0

        def __iter__(self) -> Iterator[tuple[str, str | None]]:
            self.passes += 1
            return super().__iter__()

    chain = Counted((str(n), str(n - 1)) for n in range(1, 5_000))
    assert len(_below("9", chain)) == 4_990
    assert chain.passes == 2
    assert _below("9", [("11", "10"), ("12", "8"), ("10", "9")]) == {"10", "11"}


async def test_decisions_about_one_copy_are_undone_whatever_was_decided_about_another_of_its_origin(
    server: Server,
) -> None:
    services, story = server.services, server.publisher.story()
    grant, with_token = await carry(server, story, HERE)
    _, with_code = await carry(server, story, HERE, code=True)
    written = await write(server, grant)
    for copy in (with_token, with_code):
        await local_copies.hide(services, OWNER, "paper", copy, written.id)
        await local_copies.let_wait(services, OWNER, "paper", copy, on=True)
    page = await log.read_log(services, OWNER, "paper", LogFilter())
    assert len(page) == 4
    for one in page:
        await take_back.take_back(services, OWNER, "paper", one.id)
    assert (await services.cache.site("paper", max_age=0)).narrowed == {}  # type: ignore[union-attr]
    for one in page:
        with pytest.raises(StaleError):
            await take_back.take_back(services, OWNER, "paper", one.id)


async def test_the_id_of_a_reply_that_waits_is_told_to_pages_once_it_is_published(
    server: Server,
) -> None:
    services, story = server.services, server.publisher.story()
    grant, copy = await carry(server, story, HERE)
    top = await write(server, grant)
    reply = await write(server, grant, parent=top.id)
    await local_copies.hide(services, OWNER, "paper", copy, reply.id)
    await server.set(("moderation", "pre"))
    strict, _ = await carry(server, story, HERE)
    waiting = await write(server, strict, parent=reply.id)
    await services.cache.site("paper", max_age=0)
    handle = authorize.handle_of(story.token)
    assert await hidden_on(server, story.code, handle, HERE) == [reply.id]
    await decide.decide(services, OWNER, "approve", waiting.id)
    await services.cache.site("paper", max_age=0)
    assert await hidden_on(server, story.code, handle, HERE) == sorted([reply.id, waiting.id])


async def test_pages_are_told_what_was_hidden_before_the_replies_to_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, story = server.services, server.publisher.story()
    grant, copy = await carry(server, story, HERE)
    top = await write(server, grant)
    roots = [await write(server, grant, parent=top.id) for _ in range(3)]
    for one in roots:
        await write(server, grant, parent=one.id)
    monkeypatch.setattr("widget_server.store.queries.local_copies.MAX_SENT", 4)
    for one in roots:
        await local_copies.hide(services, OWNER, "paper", copy, one.id)
    sent = await hidden_on(server, story.code, authorize.handle_of(story.token), HERE)
    assert len(sent) == 4
    assert {one.id for one in roots} < set(sent)
