"""Decisions as operations: roles, batches, queues, the log of a site, and the heads of the logs."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.operations.operations_harness import PAGE, Server
from tests.waiting import eventually
from widget_server.model.actors import Actor, shell
from widget_server.model.errors import MalformedError, NotFoundError, NotPermittedError
from widget_server.operations.moderation import cases, decide, log, match
from widget_server.operations.owners import settings, sites
from widget_server.operations.readers import identify
from widget_server.store.queries.decisions import LogFilter

OWNER = Actor("account", "1", "dashboard", "paper", "owner")
MODERATOR = Actor("account", "2", "dashboard", "paper", "moderator")
AUDITOR = Actor("account", "3", "api", "paper", "auditor")


async def test_only_who_may_use_a_verb_on_the_site_decides(server: Server) -> None:
    grant = await server.grant()
    comment = await server.post(grant, server.actor(grant))
    elsewhere = replace(OWNER, site="other")
    for by, verb in ((AUDITOR, "remove"), (MODERATOR, "erase"), (elsewhere, "remove")):
        with pytest.raises(NotPermittedError):
            await decide.decide(server.services, by, verb, comment.id)  # type: ignore[arg-type]
    with pytest.raises(NotPermittedError):
        await decide.decide_story(
            server.services, MODERATOR, "notice", grant.story.code, notice="x"
        )
    assert await log.read_log(server.services, OWNER, "paper", LogFilter()) == []
    done = await decide.decide(server.services, MODERATOR, "remove", comment.id)
    assert done.decision is not None
    with pytest.raises(NotPermittedError):
        await decide.undo(server.services, AUDITOR, done.decision.id)
    erased = await decide.decide(server.services, OWNER, "erase", comment.id)
    assert erased.decision is not None
    with pytest.raises(NotPermittedError):
        await decide.undo(server.services, MODERATOR, erased.decision.id)


async def test_a_batch_is_decided_in_chunks_and_undone_whole(server: Server) -> None:
    await server.set(("rate_limit_comment", "9999/60"), ("keep_days", "2"))
    grant = await server.grant()
    # Each from another network: a network may not write so much.
    authors = [
        identify.act(server.services, grant, None, f"network {number}", None)
        for number in range(decide.CHUNK + 5)
    ]
    posted = await asyncio.gather(*(server.post(grant, author) for author in authors))
    ids = [comment.id for comment in posted]
    subscribed = await server.subscribe(grant.story.code)
    targets = [(one, 1) for one in ids]
    done = await decide.decide_batch(
        server.services, MODERATOR, "spam", [*targets, ("unknown", 1), (ids[0], 9)], reason="spam"
    )
    assert len(done.decided) == len(ids)
    assert set(done.refused) == {"unknown", ids[0]}
    assert (await server.services.discussions.snapshot(grant.story.code)).story.count == 0
    undone = await decide.undo(server.services, MODERATOR, done.batch)
    assert (len(undone.decided), undone.refused) == (len(ids), {})
    assert (await server.services.discussions.snapshot(grant.story.code)).story.count == len(ids)
    await eventually(
        lambda: len(subscribed.of_type("comment")) == 2 * len(ids), "all changes were delivered"
    )
    states = [message["comment"]["state"] for message in subscribed.of_type("comment")]
    assert states == ["removed"] * len(ids) + ["published"] * len(ids)
    again = await decide.undo(server.services, MODERATOR, done.batch)
    assert all(one.decision is None for one in again.decided)


async def test_the_site_says_how_long_a_removed_text_is_kept(server: Server) -> None:
    await server.set(("keep_days", "2"))
    grant = await server.grant()
    comment = await server.post(grant, server.actor(grant), "my words")
    before = server.services.now_ms()
    await decide.decide(server.services, MODERATOR, "remove", comment.id)
    code, found, until = await cases.show_comment(server.services, MODERATOR, comment.id)
    assert (code, found.source) == (grant.story.code, "my words")
    assert until is not None
    assert 0 <= until - before - 2 * decide.DAY_MS < 60_000
    with pytest.raises(NotPermittedError):
        await cases.show_comment(server.services, AUDITOR, comment.id)


async def test_a_held_comment_waits_with_its_words_for_moderators_only(server: Server) -> None:
    grant = await server.grant()
    comment = await server.post(grant, server.actor(grant), "my words")
    await decide.decide(server.services, MODERATOR, "hold", comment.id)
    (case,) = await cases.open_cases(server.services, MODERATOR, "paper", "held")
    assert (case.comment.source, case.sealed) == ("my words", None)
    page = (await server.services.discussions.snapshot(grant.story.code)).page
    assert "my words" not in repr(page)
    with pytest.raises(MalformedError):
        await cases.open_cases(server.services, MODERATOR, "paper", "unknown")


async def test_cases_are_read_in_pages(server: Server) -> None:
    await server.set(("moderation", "pre"), ("rate_limit_comment", "9999/60"))
    grant = await server.grant()
    ids = [(await server.post(grant, server.actor(grant))).id for _ in range(7)]
    found: list[str] = []
    after = None
    while page := await cases.open_cases(
        server.services, MODERATOR, "paper", "pending", after=after, limit=3
    ):
        found += [case.comment.id for case in page]
        after = cases.cursor_of(page[-1])
    assert found == ids


async def test_a_note_is_only_for_those_who_may_read_notes(server: Server) -> None:
    grant = await server.grant()
    comment = await server.post(grant, server.actor(grant))
    await decide.decide(server.services, MODERATOR, "remove", comment.id, reason="hate", note="n")
    (entry,) = await log.read_log(server.services, MODERATOR, "paper", LogFilter())
    assert (entry.reason, entry.note) == ("hate", "n")
    (entry,) = await log.read_log(server.services, AUDITOR, "paper", LogFilter())
    assert (entry.reason, entry.note) == ("hate", None)
    with pytest.raises(MalformedError):
        await decide.decide(server.services, MODERATOR, "restore", comment.id, reason="because")


async def test_every_change_of_a_site_is_logged_once_with_who_made_it(server: Server) -> None:
    services = server.services
    story = server.publisher.story(jti="handle")
    await server.grant(story)
    await settings.change_settings(services, OWNER, "paper", {"keep_days": "3"})
    await settings.change_settings(services, OWNER, "paper", {"keep_days": "3"})
    await sites.rotate_key(services, OWNER, "paper")
    await sites.retire_keys(services, OWNER, "paper")
    for _ in range(2):
        await sites.revoke(services, OWNER, "paper", "handle")
        await sites.shut_out(services, OWNER, "paper", PAGE, None)
    for _ in range(2):
        await sites.readmit(services, OWNER, "paper", PAGE, None)
    found = await log.read_log(services, OWNER, "paper", LogFilter())
    by_number = sorted(found, key=lambda one: one.number)
    assert [(one.verb, one.targets) for one in by_number] == [
        ("settings", ()),
        ("rotate", ()),
        ("retire", ()),
        ("revoke", ("handle",)),
        ("shut_out", (PAGE, "")),
        ("readmit", (PAGE, "")),
    ]
    assert {one.actor for one in found} == {"1"}
    assert (by_number[0].before, by_number[0].after) == ({"keep_days": 14}, {"keep_days": 3})
    assert (by_number[1].before, by_number[1].after) == ({"generation": 1}, {"generation": 2})


@pytest.mark.parametrize("verb", ["settings", "rotate_key", "retire_keys", "revoke", "shut_out"])
async def test_a_moderator_changes_nothing_about_the_site(server: Server, verb: str) -> None:
    arguments: dict[str, list[Any]] = {
        "settings": [{"keep_days": "3"}],
        "revoke": ["handle"],
        "shut_out": [PAGE, None],
    }
    operation = settings.change_settings if verb == "settings" else getattr(sites, verb)
    with pytest.raises(NotPermittedError):
        await operation(server.services, MODERATOR, "paper", *arguments.get(verb, []))
    with pytest.raises(NotPermittedError):
        await sites.create_site(server.services, OWNER, "mine", "Mine")
    assert await log.read_log(server.services, OWNER, "paper", LogFilter()) == []


async def test_heads_are_recorded_once_and_compared(server: Server, tmp_path: Path) -> None:
    file = tmp_path / log.HEADS_FILE
    grant = await server.grant()
    comment = await server.post(grant, server.actor(grant))
    await decide.decide(server.services, MODERATOR, "pin", comment.id)
    await settings.change_settings(server.services, OWNER, "paper", {"keep_days": "3"})
    assert await log.keep_heads(server.services, file) == 2
    assert await log.keep_heads(server.services, file) == 0
    other = tmp_path / "of-another-machine.jsonl"
    assert await log.keep_heads(server.services, other) == 0
    assert other.read_text() == file.read_text(), "each file has the heads of all logs, once"
    assert file.stat().st_mode & 0o077 == 0
    verified = await log.verify_log(server.services, file)
    assert (verified.verdict.damages, verified.recorded) == ([], 2)
    assert (verified.verdict.entries, verified.verdict.logs) == (2, 2)
    lines = file.read_text().replace('"hash":"', '"hash":"0')
    file.write_text(lines)
    assert len((await log.verify_log(server.services, file)).verdict.damages) >= 1


async def test_what_does_not_exist_cannot_be_decided_or_undone(server: Server) -> None:
    for work in (
        decide.decide(server.services, shell("op"), "remove", "unknown"),
        decide.decide_story(server.services, shell("op"), "close", "unknown00000"),
        decide.undo(server.services, shell("op"), "unknown"),
        cases.show_comment(server.services, shell("op"), "unknown"),
    ):
        with pytest.raises(NotFoundError):
            await work


async def test_matching_cases_changes_nothing_where_every_case_is_right(server: Server) -> None:
    grant = await server.grant()
    comment = await server.post(grant, server.actor(grant))
    await decide.decide(server.services, MODERATOR, "hold", comment.id)
    batches = server.services.writer.metrics.batches
    assert await match.match_waiting_cases(server.services) == 0
    assert server.services.writer.metrics.batches == batches
