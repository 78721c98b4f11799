"""Every POST of the owner API is done once, also if its process died between the change and the answer."""

import hashlib
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.operations.checked_server import Checked, open_checked
from tests.operations.operations_harness import Server, new_comment, open_server
from tests.operations.owner_harness import carry, republish
from widget_server.auth.permissions import PERMISSIONS, permits
from widget_server.model.actors import Actor, shell
from widget_server.model.errors import ProblemError
from widget_server.model.report_mutes import report_id
from widget_server.operations.moderation import (
    bans,
    batches,
    cases,
    decide,
    hand_over,
    local_copies,
    queue,
    raids,
    report_mutes,
)
from widget_server.operations.owners import api_answers, keys, links, settings, sites
from widget_server.operations.owners.api_answers import RUNNING_MS
from widget_server.operations.readers import comment as comments, hint as sending, identify
from widget_server.operations.readers.authorize import Grant
from widget_server.operations.services import Services
from widget_server.protocol.owner_operations import OWNER_OPERATIONS, OwnerOperation
from widget_server.store.schema import metadata
from widget_server.web.api.owner_call import Answer, Call
from widget_server.web.api.owner_routes import HANDLERS

POSTS = {one.name: one for one in OWNER_OPERATIONS if one.method == "POST"}
REQUESTS: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "close_story": ({"code": "{code}"}, {"reason": "other"}),
    "open_story": ({"code": "{closed}"}, {}),
    "decide": ({}, {"verb": "remove", "targets": ["{first}", "{second}", "{third}"]}),
    "undo_decision": ({"decision": "{batch}"}, {}),
    "undo of settings": ({"decision": "{settings}"}, {}),
    "revoke_copy": ({"copy": "{copy}"}, {"shut_out": "site"}),
    "readmit_copy": ({"copy": "{revoked_copy}"}, {}),
    "shut_out": ({}, {"origin": "https://new.example"}),
    "readmit": ({}, {"origin": "https://shut.example"}),
    "mint_token": ({}, {"story": "a-story", "origins": ["https://copy.example"]}),
    "rotate_signing_key": ({}, {}),
    "retire_signing_keys": ({}, {}),
    "invite": ({}, {"role": "auditor"}),
    "create_key": ({}, {"label": "child", "scopes": ["read"]}),
    "take_cases": ({}, {"queue": "reported", "limit": 1}),
    "give_back_cases": ({}, {}),
    "decide_case": ({"case": "{case}"}, {"verb": "remove"}),
    "hand_over_case": ({"case": "{case}"}, {"to": "{other_person}"}),
    "take_back_case": ({"case": "{handed_case}"}, {}),
    "mark_seen": ({}, {"comment": "{first}"}),
    "add_watch_list": ({}, {"name": "Today", "newer_than": 24}),
    "start_batch": ({}, {"verb": "remove", "search": {"phrase": "first"}}),
    "undo_batch": ({"batch": "{search}"}, {}),
    "add_rule": ({}, {"name": "Links", "kind": "links", "limit": 1}),
    "try_rule": ({}, {"name": "Links", "kind": "links", "limit": 1}),
    "switch_raid_on": ({}, {"hours": 2}),
    "end_raid": ({"raid": "{raid}"}, {}),
    "agree_with_copy": ({"copy": "{own_copy}"}, {}),
    "hide_on_copy": ({"copy": "{copy}"}, {"comment": "{first}"}),
    "show_on_copy": ({"copy": "{copy}"}, {"comment": "{hidden}"}),
    "let_copy_wait": ({"copy": "{copy}"}, {"on": True}),
    "look_at_copy": ({"copy": "{copy}"}, {}),
    "check_copy": ({"copy": "{checked_copy}"}, {}),
    "check_page": ({"code": "{checked}"}, {"page": "{page}"}),
    "correct_story": ({"code": "{code}"}, {"text": "It was 1961.", "passage": "in 1971"}),
    "accept_hint": ({"hint": "{hint}"}, {"text": "It was 1961.", "answer": "Thank you."}),
    "decline_hint": ({"hint": "{hint}"}, {"answer": "It was 1971."}),
    "ban": ({}, {"comment": "{first}", "reason": "attack"}),
    "unban": ({"decision": "{ban}"}, {}),
    "mute_reporter": ({}, {"comment": "{fifth}", "report": "{report}"}),
    "lift_report_mute": ({"decision": "{mute}"}, {}),
}
"""Parts of the path and body of each operation. Names in braces are those of `site`."""
CHANGES_NOTHING = {"try_rule", "look_at_copy"}
"""Requests that change no row, except when a page is looked at that will be looked at anyway."""
MEANWHILE = {"status", "version", "withdrawn", "seconds", "taken_until", "given_back", "reach"} | {
    "handed_until"
}
"""Fields that say how things are now. The second attempt sees what the first one changed."""
ONCE = {"token", "snippets", "key", "url", "samples", "body", "reports", "credit"}
"""Fields with what only one attempt knows."""


@pytest.fixture
async def server(tmp_path: Path, migrated_url: str) -> AsyncIterator[Server]:
    """Return the components of one process."""
    async with open_server(tmp_path, migrated_url) as opened:
        await sites.create_site(opened.services, shell("test"), "paper", "A paper")
        yield opened


@pytest.fixture
async def checked(server: Server, tmp_path: Path) -> AsyncIterator[Checked]:
    """Let the server read one page that carries a story."""
    async with open_checked(server, tmp_path) as opened:
        opened.put(opened.parts().html(), path="/article")
        yield opened


@pytest.fixture
async def names(server: Server, checked: Checked) -> dict[str, str]:
    """Return the names of what the requests are about."""
    services, by = server.services, shell("test")
    story = server.publisher.story(title="The library")
    grant, copy = await carry(server, story, "https://copy.example")
    other, revoked = await carry(
        server, server.publisher.story(title="Closed"), "https://revoked.example"
    )
    _, own = await republish(server, grant.story.code, "own.example", label="Own")
    found = {"code": grant.story.code, "closed": other.story.code, "own_copy": str(own)}
    hidden = await comments.post(
        services, grant, identify.act(services, grant, None, "a network", None), new_comment("h")
    )
    await local_copies.hide(services, by, "paper", copy, hidden.id)
    _, carried = await carry(server, checked.story, checked.origin, token=checked.token())
    found |= {"hidden": hidden.id, "checked_copy": str(carried)}
    found |= {"checked": checked.story.code, "page": f"{checked.origin}/article"}
    found |= {"copy": str(copy), "revoked_copy": str(revoked)}
    ids = {}
    for name in ("first", "second", "third", "fourth", "fifth"):
        actor = identify.act(services, grant, None, f"network of {name}", None)
        ids[name] = (await comments.post(services, grant, actor, new_comment(name))).id
    batch = await decide.decide_batch(
        services, by, "pin", [(ids[name], None) for name in ("fourth", "fifth")]
    )
    ban = await bans.ban(services, by, ids["fourth"], until=None)
    assert ban.decision is not None
    found["ban"] = ban.decision.id
    reader = identify.act(services, grant, None, "network of a reporter", None)
    await comments.report(services, grant, reader, ids["fourth"], "attack")
    (case,) = await cases.open_cases(services, by, "paper", cases.filter_of("reported"))
    to_mute = ""
    for name in ("fifth", "third"):
        noisy = identify.act(services, grant, None, "network of a muted reporter", None)
        await comments.report(services, grant, noisy, ids[name], "attack")
        found["report"] = report_id(ids[name], noisy.reader_id)
        if name == "fifth":
            to_mute = found["report"]
    muted = await report_mutes.mute(
        services, by, "paper", ids["third"], found["report"], until=None
    )
    found |= {"mute": muted.id, "report": to_mute}
    found |= await handed_case(services, grant)
    search = batches.Search(phrase="fifth")
    spam = await batches.start_batch(services, by, "paper", "spam", search)
    changed = await settings.change_settings(services, by, "paper", {"prompt": "What now?"})
    await decide.decide_story(services, by, "close", other.story.code)
    await sites.shut_out(services, by, "paper", "https://shut.example", None)
    record = await services.owner_copies.find("paper", revoked)
    assert record is not None
    await sites.revoke(services, by, "paper", record[0].jti)
    error = sending.NewHint("It was 1961.", "in 1971", "Ann")
    found["hint"] = (await sending.send(services, grant, reader, error)).id
    found["raid"] = (await raids.switch_on(services, by, "paper", hours=1)).id
    # A key to retire.
    await sites.rotate_key(services, by, "paper")
    assert changed.decision is not None
    found |= {"case": str(case.id), "search": spam.id}
    return found | ids | {"batch": batch.batch, "settings": changed.decision}


async def handed_case(services: Services, grant: Grant) -> dict[str, str]:
    """Return a case that was handed over, and a person to whom cases can be handed."""
    by = shell("test")
    invited = await links.invite(services, by, "paper", "moderator")
    pressed = await links.press_link(services, invited.url.rpartition("/")[2], agent="")
    assert isinstance(pressed, str)
    made = await links.create_account(
        services, pressed, "Ben", "ben@paper.example", "six boats on a ferry", agent=""
    )
    writer = identify.act(services, grant, None, "network of the writer", None)
    comment = await comments.post(services, grant, writer, new_comment("handed"))
    reader = identify.act(services, grant, None, "network of another reporter", None)
    await comments.report(services, grant, reader, comment.id, "spam")
    waiting = await cases.open_cases(services, by, "paper", cases.filter_of("reported"))
    case = next(one.id for one in waiting if one.comment.id == comment.id)
    to = made.session.account
    await hand_over.hand_over(services, by, "paper", case, to)
    return {"handed_case": str(case), "other_person": to}


@pytest.fixture
async def actor(server: Server) -> Actor:
    """Return an API key with every scope."""
    scopes = frozenset(verb for verb in PERMISSIONS if permits("machine", verb))
    made = await keys.create_key(server.services, shell("test"), "paper", "all", scopes)
    return Actor("key", made.key.id, "api", "paper", "machine", scopes=scopes)


def operation_of(name: str) -> OwnerOperation:
    return POSTS["undo_decision" if name == "undo of settings" else name]


def call_of(services: Services, actor: Actor, name: str, names: dict[str, str]) -> Call:
    """Return the authorized call of a request."""
    path, body = orjson.loads(_filled(orjson.dumps(REQUESTS[name]).decode(), names))
    model = operation_of(name).body
    assert model is not None
    return Call(
        services,
        actor,
        "paper",
        path,
        None,
        model.model_validate(body),
        orjson.dumps(body),
        None,
        None,
    )


def _filled(text: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        text = text.replace("{" + name + "}", value)
    return text


async def attempt(call: Call, name: str, key: str, *, dies: bool = False) -> Any:
    """Do a request as the route does. One that dies never stores its answer."""
    fingerprint = hashlib.sha256(call.raw).hexdigest()
    begun = await api_answers.begin(call.services, call.actor, key, fingerprint)
    if begun.answer is not None:
        return orjson.loads(begun.answer.body)
    asked = replace(call, actor=replace(call.actor, request=begun.request))
    answer = await HANDLERS[operation_of(name).name](asked)
    assert isinstance(answer, Answer)
    if not dies:
        stored = api_answers.StoredAnswer(200, answer.body_for_repetition())
        await api_answers.finish(call.services, call.actor, key, begun.request, stored)
    return orjson.loads(answer.body())


def comparable(answer: Any) -> Any:
    """Return an answer without what differs between two attempts."""
    if isinstance(answer, dict):
        left_out = MEANWHILE | ONCE
        return {name: comparable(one) for name, one in answer.items() if name not in left_out}
    if isinstance(answer, list):
        return [comparable(one) for one in answer]
    return answer


async def effects(server: Server) -> dict[str, list[Any]]:
    """Return all rows of the database, without the answers and when a token was signed.

    Open pages are told a second time of settings that were taken back, which moves `seq` of stories.
    A copy's page that is to be looked at stays in the schedule, for a later time.
    """

    async def read(connection: AsyncConnection) -> dict[str, list[Any]]:
        left_out = {("tokens", "iat"), ("schedule", "due_at"), ("case_leases", "until")}
        left_out |= {("handed_cases", "at"), ("handed_cases", "until")}
        left_out |= {("stories", name) for name in ("attributed", "seq", "changed_at")}
        found: dict[str, list[Any]] = {}
        for table in metadata.sorted_tables:
            kept = [one for one in table.c if (table.name, one.name) not in left_out]
            if table.name != "api_answers":
                rows = await connection.execute(select(*kept).order_by(*table.primary_key.columns))
                found[table.name] = [tuple(row) for row in rows]
        return found

    return await server.components.database.read(read)


def later(services: Services) -> Services:
    """Return the services as they are when the first attempt counts as dead."""
    clock = services.clock
    return replace(services, clock=lambda: clock() + RUNNING_MS / 1000 + 1)


def test_every_post_of_the_owner_api_is_tried() -> None:
    assert {operation_of(name).name for name in REQUESTS} == set(POSTS)


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_request_whose_answer_was_lost_with_its_process_is_done_once(
    server: Server, actor: Actor, names: dict[str, str], name: str, checked: Checked
) -> None:
    if name == "give_back_cases":
        await queue.take(server.services, actor, "paper", queue.filter_of())
    key, before = uuid.uuid4().hex, await effects(server)
    call = call_of(checked.services, actor, name, names)
    lost = await attempt(call, name, key, dies=True)
    changed = await effects(server)
    assert (changed != before) == (name not in CHANGES_NOTHING)
    again = replace(call, services=later(call.services))
    answer = await attempt(again, name, key)
    assert await effects(server) == changed
    assert comparable(answer) == comparable(lost)
    assert comparable(await attempt(again, name, key)) == comparable(lost)
    # With another key it is another request.
    if name in {
        "mint_token",
        "rotate_signing_key",
        "invite",
        "create_key",
        "add_rule",
        "add_watch_list",
    }:
        await attempt(again, name, uuid.uuid4().hex)
        assert await effects(server) != changed


async def test_a_batch_that_was_half_done_is_completed_under_its_id(
    server: Server, actor: Actor, names: dict[str, str]
) -> None:
    key = uuid.uuid4().hex
    call = call_of(server.services, actor, "decide", names)
    begun = await api_answers.begin(
        server.services, actor, key, hashlib.sha256(call.raw).hexdigest()
    )
    half = replace(actor, request=begun.request)
    await decide.decide_batch(server.services, half, "remove", [(names["second"], None)])
    answer = await attempt(replace(call, services=later(server.services)), "decide", key)
    assert answer["batch"] == begun.request.id
    assert {one["comment"] for one in answer["done"]} == {
        names["first"],
        names["second"],
        names["third"],
    }
    assert answer["refused"] == []
    made = await server.services.decisions.to_undo(answer["batch"])
    assert len(made) == 3
    undone = await decide.undo(server.services, shell("test"), answer["batch"])
    assert len(undone.decided) == 3


@pytest.mark.parametrize(
    "name", ["rotate_signing_key", "invite", "create_key", "mint_token", "add_rule"]
)
async def test_a_slow_attempt_that_was_overtaken_changes_nothing_more(
    server: Server, actor: Actor, names: dict[str, str], name: str
) -> None:
    key = uuid.uuid4().hex
    call = call_of(server.services, actor, name, names)
    fingerprint = hashlib.sha256(call.raw).hexdigest()
    slow = await api_answers.begin(server.services, actor, key, fingerprint)
    await attempt(replace(call, services=later(server.services)), name, key)
    changed = await effects(server)
    with pytest.raises(ProblemError):
        await HANDLERS[name](replace(call, actor=replace(actor, request=slow.request)))
    assert await effects(server) == changed
