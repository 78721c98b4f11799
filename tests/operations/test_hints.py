"""Error reports of readers: who may send, see and answer them, their limits, and what is forgotten."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from tests.operations.operations_harness import OPERATOR, Server
from tests.operations.owner_harness import OWNER, person
from widget_server.auth.permissions import permits
from widget_server.model.actors import ROLES, Request, shell
from widget_server.model.errors import (
    ErasedError,
    NotFoundError,
    NotPermittedError,
    OriginNotAllowedError,
    ProblemError,
    RateLimitedError,
    StaleError,
    TextRejectedError,
    TooLargeError,
)
from widget_server.model.hints import MAX_CREDIT, MAX_PASSAGE, MAX_TEXT, Hint
from widget_server.operations.moderation import cases, decide, expire, hints, log
from widget_server.operations.owners import corrections, sites
from widget_server.operations.readers import appeal, hint as sending, identify
from widget_server.operations.readers.authorize import Grant
from widget_server.operations.readers.identify import Actor
from widget_server.protocol import client_messages
from widget_server.web import actions

DAY = 86_400


async def send(server: Server, grant: Grant, actor: Actor, **fields: Any) -> Hint:
    fields.setdefault("text", "It was 1961.")
    return await sending.send(server.services, grant, actor, sending.NewHint(**fields))


async def own(server: Server, grant: Grant, actor: Actor) -> list[Hint]:
    return (await appeal.own_items(server.services, grant, actor)).hints


async def test_a_hint_becomes_a_correction_with_thanks_that_its_reader_sees_alone(
    server: Server,
) -> None:
    services, grant = server.services, await server.grant()
    ann, ben = server.actor(grant), server.actor(grant)
    page = await server.subscribe(grant.story.code, ann.reader_id)
    other = await server.subscribe(grant.story.code, ben.reader_id)
    sent = await send(server, grant, ann, passage=" in \n 1971 ", credit=" Ann ")
    assert (sent.text, sent.passage, sent.credit) == ("It was 1961.", "in 1971", "Ann")
    (case,) = await hints.open_hints(services, OWNER, "paper")
    assert (case.hint, case.story, case.given) == (sent, grant.story.code, 0)
    assert await hints.count(services, "paper") == 1
    made, story = await hints.accept(
        services, OWNER, "paper", sent.id, "correction", "It was built in 1961.", answer="Thanks!"
    )
    assert (made.text, made.passage, made.credit) == ("It was built in 1961.", "in 1971", "Ann")
    assert story.corrections == (made,)
    (known,) = await own(server, grant, ann)
    assert (known.state, known.correction, known.answer) == ("accepted", made.id, "Thanks!")
    assert await own(server, grant, ben) == []
    for connection in (page, other):
        (told,) = connection.of_type("story")
        assert [one["id"] for one in told["corrections"]] == [made.id]
        assert "Thanks!" not in orjson.dumps(connection.messages).decode()
    assert await hints.open_hints(services, OWNER, "paper") == []


async def test_the_snapshot_and_the_answers_of_the_reader_have_the_hints(server: Server) -> None:
    services, grant = server.services, await server.grant()
    actor = server.actor(grant)
    message = {"type": "hint", "story": grant.story.code, "text": "It was 1961.", "ref": 7}
    action = client_messages.parse_action(orjson.dumps(message))
    answer, _ = await actions.execute(services, grant, actor.claims, actor.network, action)
    told = orjson.loads(answer)
    assert (told["type"], told["ref"]) == ("ok", 7)
    assert told["mine"]["hints"] == [told["hint"]]
    assert set(told["hint"]) == {"id", "at", "state", "text"}
    page = await server.subscribe(grant.story.code, actor.reader_id)
    (snapshot,) = page.of_type("snapshot")
    assert snapshot["mine"]["hints"] == [told["hint"]]
    other = await server.subscribe(grant.story.code, server.actor(grant).reader_id)
    (snapshot,) = other.of_type("snapshot")
    assert "hints" not in snapshot["mine"]


@pytest.mark.parametrize("role", ROLES)
async def test_only_roles_that_correct_see_and_answer_hints(server: Server, role: Any) -> None:
    services, grant = server.services, await server.grant()
    sent = await send(server, grant, server.actor(grant))
    by = person(role)
    calls: dict[str, Any] = {
        "open_hints": lambda: hints.open_hints(services, by, "paper"),
        "show": lambda: hints.show(services, by, "paper", sent.id),
        "decline": lambda: hints.decline(services, by, "paper", sent.id),
        "accept": lambda: hints.accept(services, by, "paper", sent.id, "update", "Words."),
    }
    if permits(role, "correct"):
        assert len(await calls["open_hints"]()) == 1
        assert (await calls["show"]()).hint == sent
        await decide.undo(services, by, await calls["decline"]())
        await calls["accept"]()
        return
    for call in calls.values():
        with pytest.raises(NotPermittedError):
            await call()
    declined = await hints.decline(services, OWNER, "paper", sent.id)
    with pytest.raises(NotPermittedError):
        await decide.undo(services, by, declined)


async def test_a_hint_of_another_site_is_not_found(server: Server) -> None:
    services, grant = server.services, await server.grant()
    await sites.create_site(services, shell("test"), "other", "Another one")
    sent = await send(server, grant, server.actor(grant))
    for call in (
        lambda: hints.accept(services, OPERATOR, "other", sent.id, "update", "Words."),
        lambda: hints.decline(services, OPERATOR, "other", sent.id),
        lambda: hints.show(services, OPERATOR, "other", sent.id),
    ):
        with pytest.raises(NotFoundError):
            await call()
    assert await hints.open_hints(services, OPERATOR, "other") == []
    assert await hints.count(services, "other") == 0


async def test_the_editor_chooses_passage_and_thanks(server: Server) -> None:
    services, grant = server.services, await server.grant()
    wanted: dict[str, dict[str, Any]] = {
        "without": {"passage": "", "credit": False},
        "of the hint": {},
        "of the editor": {"passage": "in 1972"},
    }
    found = {}
    for name, choices in wanted.items():
        fields = {"text": name, "passage": "in 1971", "credit": "Ann"}
        sent = await send(server, grant, server.actor(grant), **fields)
        made, _ = await hints.accept(
            services, OWNER, "paper", sent.id, "clarification", "Words.", **choices
        )
        found[name] = (made.passage, made.credit)
    assert found == {
        "without": (None, None),
        "of the hint": ("in 1971", "Ann"),
        "of the editor": ("in 1972", "Ann"),
    }


async def test_what_was_answered_meanwhile_is_refused_as_stale(server: Server) -> None:
    services, grant = server.services, await server.grant()
    sent = await send(server, grant, server.actor(grant))
    declined = await hints.decline(services, OWNER, "paper", sent.id, answer="It was 1971.")
    with pytest.raises(StaleError, match="it was declined"):
        await hints.accept(services, OPERATOR, "paper", sent.id, "update", "Words.")
    with pytest.raises(NotFoundError):
        await hints.show(services, OPERATOR, "paper", sent.id)
    await decide.undo(services, OPERATOR, declined)
    made, _ = await hints.accept(services, OPERATOR, "paper", sent.id, "update", "Words.")
    with pytest.raises(StaleError, match="a correction followed it"):
        await hints.decline(services, OWNER, "paper", sent.id)
    await decide.undo(services, OPERATOR, made.id)
    assert (await hints.show(services, OWNER, "paper", sent.id)).hint == sent
    found = await corrections.list_corrections(services, OWNER, "paper", grant.story.code)
    assert [one.withdrawn_at is not None for one in found] == [True]
    entries = await log.read_log(services, OWNER, "paper", log.LogFilter(story=grant.story.code))
    assert [one.verb for one in entries] == ["undo", "correct", "undo", "reject"]
    assert "1971" not in repr(entries)


@pytest.mark.parametrize(
    ("fields", "wrong", "error"),
    [
        ({"text": "x" * (MAX_TEXT + 1)}, "text", TooLargeError),
        ({"text": " \n "}, "text", TextRejectedError),
        ({"text": "\u200b"}, "text", TextRejectedError),
        ({"text": "a\x00b"}, "text", TextRejectedError),
        ({"passage": "x" * (MAX_PASSAGE + 1)}, "passage", TooLargeError),
        ({"passage": "a\x07b"}, "passage", TextRejectedError),
        ({"credit": "x" * (MAX_CREDIT + 1)}, "credit", TooLargeError),
        ({"credit": "Ann ✓"}, "credit", TextRejectedError),
        ({"credit": "Ann\u202e"}, "credit", TextRejectedError),
    ],
)
async def test_words_that_do_not_fit_are_refused_with_their_field(
    server: Server, fields: dict[str, str], wrong: str, error: type[ProblemError]
) -> None:
    grant = await server.grant()
    with pytest.raises(error) as refused:
        await send(server, grant, server.actor(grant), **fields)
    assert refused.value.field == wrong
    assert await hints.count(server.services, "paper") == 0


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"kind": "erratum"}, "kind"),
        ({"text": ""}, "text"),
        ({"texts": {"x y": "words"}}, "texts"),
        ({"passage": "x" * 1_001}, "passage"),
        ({"answer": "x" * 501}, "answer"),
        ({"answer": "a\x00b"}, "answer"),
    ],
)
async def test_a_correction_that_does_not_fit_leaves_the_hint_open(
    server: Server, fields: dict[str, Any], wrong: str
) -> None:
    services, grant = server.services, await server.grant()
    sent = await send(server, grant, server.actor(grant))
    with pytest.raises(TextRejectedError) as refused:
        await hints.accept(
            services, OWNER, "paper", sent.id, **({"kind": "update", "text": "Words."} | fields)
        )
    assert refused.value.field == wrong
    assert (await hints.show(services, OWNER, "paper", sent.id)).hint == sent


async def test_a_closed_story_takes_hints_and_a_copy_that_only_reads_does_not(
    server: Server,
) -> None:
    services, grant = server.services, await server.grant()
    await decide.decide_story(services, OPERATOR, "close", grant.story.code)
    await server.set(("hours", "UTC; otherwise closed"))
    assert (await send(server, grant, server.actor(grant))).state == "open"
    silent = await server.grant(can=("read",))
    with pytest.raises(NotPermittedError):
        await send(server, silent, server.actor(silent))
    nowhere = await server.grant(origin=None)
    with pytest.raises(OriginNotAllowedError):
        await send(server, nowhere, server.actor(nowhere))


async def test_a_reader_and_a_network_send_so_many_hints(server: Server) -> None:
    services, actor = server.services, server.actor(await server.grant())
    for number in range(10):
        grant = await server.grant()
        other = replace(actor, network=f"network {number}")
        await send(server, grant, other, text=f"no. {number}")
    with pytest.raises(RateLimitedError) as refused:
        await send(server, await server.grant(), replace(actor, network="another"))
    assert refused.value.retry_after is not None
    grant = await server.grant()
    for _ in range(10):
        await send(server, grant, identify.act(services, grant, None, "one network", None))
    with pytest.raises(RateLimitedError):
        await send(server, grant, identify.act(services, grant, None, "one network", None))


async def test_who_forgets_is_not_among_the_hints_any_more(server: Server) -> None:
    services, grant = server.services, await server.grant()
    actor = server.actor(grant)
    waiting = await send(server, grant, actor)
    followed = await send(server, grant, actor, text="Secret words.", credit="Ann Secret")
    made, _ = await hints.accept(services, OWNER, "paper", followed.id, "update", "Words.")
    assert made.credit == "Ann Secret"
    await identify.erase(services, grant, actor)
    assert await hints.open_hints(services, OWNER, "paper") == []
    assert await hints.count(services, "paper") == 0
    with pytest.raises(NotFoundError):
        await hints.accept(services, OWNER, "paper", waiting.id, "update", "Words.")
    (kept,) = await corrections.list_corrections(services, OWNER, "paper", grant.story.code)
    assert (kept.text, kept.credit) == ("Words.", None)
    snapshot = (await server.subscribe(grant.story.code)).of_type("snapshot")
    entries = await log.read_log(services, OWNER, "paper", log.LogFilter())
    assert "Secret" not in repr((snapshot, entries))


async def test_after_the_sites_days_only_the_state_of_an_answer_is_left(server: Server) -> None:
    now = server.services.clock()
    moved = [now]
    services = replace(server.services, clock=lambda: moved[0])
    grant = await server.grant()
    actor = server.actor(grant)
    sent = await send(server, grant, actor, passage="in 1971")
    declined = await hints.decline(services, OWNER, "paper", sent.id, answer="No.")
    moved[0] = now + 14 * DAY - 60
    await expire.erase_expired_texts(services)
    assert (await own(server, grant, actor))[0].text == "It was 1961."
    moved[0] = now + 14 * DAY + 60
    await expire.erase_expired_texts(services)
    (left,) = await own(server, grant, actor)
    assert (left.state, left.text, left.passage, left.answer) == ("declined", None, None, None)
    with pytest.raises(ErasedError):
        await decide.undo(services, OWNER, declined)
    moved[0] = now + 399 * DAY
    await expire.delete_old_cases(services)
    assert len(await own(server, grant, actor)) == 1
    moved[0] = now + 401 * DAY
    await expire.delete_old_cases(services)
    assert await own(server, grant, actor) == []


async def test_a_request_that_is_sent_again_answers_once(server: Server) -> None:
    services, grant = server.services, await server.grant()
    one, other = [
        await send(server, grant, server.actor(grant), text=f"no. {number}", credit="Ann")
        for number in range(2)
    ]
    first = replace(OWNER, request=Request("request-1", again=False))
    again = replace(OWNER, request=Request("request-1", again=True))
    made, _ = await hints.accept(services, first, "paper", one.id, "update", "Words.")
    repeated, story = await hints.accept(services, again, "paper", one.id, "update", "Words.")
    assert repeated == made
    assert len(story.corrections) == 1
    declined = await hints.decline(services, first, "paper", other.id)
    assert await hints.decline(services, again, "paper", other.id) == declined


async def test_the_number_of_open_hints_is_among_what_waits_for_those_who_may_read_them(
    server: Server,
) -> None:
    services, grant = server.services, await server.grant()
    await send(server, grant, server.actor(grant))
    waiting = await cases.count_waiting(services, OWNER, "paper")
    assert {queue for queue, number in waiting.items() if number} == {"corrections"}
    for other in (person("moderator"), person("local", copies=frozenset({1}))):
        assert (await cases.count_waiting(services, other, "paper"))["corrections"] == 0
