"""The page of rules: new, tried on the past, in shadow, on and off; and the queue's card names the rule."""

import re
from typing import Any

import pytest

from tests.operations.owner_harness import OWNER, write
from tests.operations.test_learner import trained
from tests.web.dashboard.desk import ROLES, Desk, text_of
from widget_server.auth.permissions import permits
from widget_server.model.actors import Role
from widget_server.operations.moderation import decide, rules
from widget_server.operations.moderation.log import read_log
from widget_server.store.queries.decisions import LogFilter
from widget_server.web.dashboard.rules import marked

NEW: dict[str, Any] = {
    "kind": "words",
    "name": "Casinos <b>",
    "words": "casino*\nbuy now",
    "action": "hold",
    "languages": "",
    "guideline": "No advertising.",
}


async def add(desk: Desk, **fields: Any) -> str:
    """Add a rule by the form, and return its id."""
    answer = await desk.post("rules", **{**NEW, **fields})
    assert answer.status_code == 303, text_of(answer.text)
    found = re.search(r"/rules/([0-9A-Za-z]{12})\?done=rule_added", answer.headers["location"])
    assert found is not None
    return found[1]


@pytest.mark.parametrize("role", ROLES)
async def test_only_roles_with_the_verbs_see_and_change_rules(desk: Desk, role: Role) -> None:
    rule = await add(desk)
    reads, changes = permits(role, "read_rules"), permits(role, "rules")
    for path in ("rules", f"rules/{rule}"):
        page = await desk.get(path, role, 200 if reads else 403)
        assert ("Turn on now" in page) == changes
        assert ("<nav" in page and "/rules/new" in page) == changes
    await desk.get("rules/new", role, 200 if changes else 403)
    for path, fields in (
        ("rules", NEW),
        ("rules/try", NEW),
        (f"rules/{rule}", NEW),
        (f"rules/{rule}/mode", {"mode": "off"}),
        (f"rules/{rule}/remove", {}),
    ):
        answer = await desk.post(path, role, **fields)
        assert (answer.status_code != 403) == changes, path


async def test_a_new_rule_is_tried_on_the_past_before_it_is_stored(desk: Desk) -> None:
    grant = await desk.server.grant()
    removed = await write(desk.server, grant, "the CASINO & more")
    await decide.decide(desk.services, OWNER, "remove", removed.id)
    await write(desk.server, grant, "buy now, friends")
    answer = await desk.post("rules/try", **NEW)
    said = text_of(answer.text)
    assert "Would have held 2 of the last 2." in said
    assert "1 you removed, 0 you approved, 1 without a decision." in said
    assert "the <mark>CASINO</mark> &amp; more" in answer.text
    assert 'value="Casinos &lt;b&gt;"' in answer.text
    assert await rules.list_rules(desk.services, OWNER, "paper") == []
    part = await desk.owner.post(
        "/admin/sites/paper/rules/try",
        data=NEW,
        headers={"HX-Request": "true", "Sec-Fetch-Site": "same-origin"},
    )
    assert part.status_code == 200
    assert "<html" not in part.text
    assert "Would have held" in part.text


async def test_a_rule_is_added_in_shadow_turned_on_changed_off_and_removed(desk: Desk) -> None:
    empty = await desk.get("rules")
    assert "No rules yet." in empty
    rule = await add(desk)
    page = text_of(await desk.get(f"rules/{rule}?done=rule_added"))
    assert "Added. It tries" in page
    assert "Trying. It counts and holds nothing." in page
    answer = await desk.post(f"rules/{rule}/mode", mode="on")
    assert answer.headers["location"].endswith("?done=rule_on")
    assert "On. It holds what it finds." in text_of(await desk.get(f"rules/{rule}"))
    answer = await desk.post(f"rules/{rule}", **{**NEW, "name": "Other name"})
    assert answer.headers["location"].endswith("?done=saved")
    answer = await desk.post(f"rules/{rule}", **{**NEW, "words": "ferry"})
    assert answer.headers["location"].endswith("?done=rule_in_shadow")
    await desk.post(f"rules/{rule}", **{**NEW, "words": "ferry", "then": "on"})
    [found] = await rules.list_rules(desk.services, OWNER, "paper")
    assert (found.rule.mode, found.rule.spec.words) == ("on", ("ferry",))
    await desk.post(f"rules/{rule}/mode", mode="off")
    assert "Off. It neither counts nor holds." in text_of(await desk.get(f"rules/{rule}"))
    logged = await read_log(desk.services, OWNER, "paper", LogFilter(verb="rules"))
    assert len(logged) == 6
    assert "Rules changed" in await desk.get("log?verb=rules")
    await desk.post(f"rules/{rule}/remove")
    await desk.get(f"rules/{rule}", status=404)


@pytest.mark.parametrize("kind", ["words", "links", "first", "repeat", "length"])
async def test_each_kind_has_a_form_that_saves(desk: Desk, kind: str) -> None:
    page = await desk.get(f"rules/new?kind={kind}")
    assert f'name="kind" value="{kind}"' in page
    names = set(re.findall(r'name="([a-z]+)"', page))
    fields = {"words": {"words", "leet"}, "length": {"limit", "least"}}.get(kind, {"limit"})
    assert fields <= names
    await add(desk, kind=kind, limit="3")
    assert (await desk.owner.get("/admin/sites/paper/rules/new?kind=magic")).status_code == 404


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"words": ""}, "words"),
        ({"languages": "Klingon"}, "languages"),
        ({"kind": "links", "limit": "many"}, "limit"),
        ({"copy": "3"}, "copy"),
    ],
)
async def test_a_wrong_rule_says_so_at_its_field_and_keeps_what_was_typed(
    desk: Desk, fields: dict[str, str], field: str
) -> None:
    answer = await desk.post("rules", **{**NEW, **fields})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert "No advertising." in answer.text


async def test_the_card_of_a_held_comment_names_the_rule(desk: Desk) -> None:
    grant = await desk.server.grant()
    rule = await add(desk)
    await desk.post(f"rules/{rule}/mode", mode="on")
    held = await write(desk.server, grant, "casino time")
    page = await desk.get("queue?queue=held")
    assert "Held by the rule “Casinos &lt;b&gt;”" in page
    assert "<mark>••••••</mark> time" in page
    assert "Held back by a moderator" not in page
    assert "held 1 in 30 days" in text_of(await desk.get("rules"))
    assert "casino time" in await desk.get(f"rules/{rule}")
    shown = await desk.get("log?verb=hold")
    assert "Casinos &lt;b&gt;" in shown
    assert 'name="decision"' not in shown
    answer = await desk.post(
        f"comments/{held.id}/decide", verb="approve", revision="1", queue="held", back="queue"
    )
    assert answer.status_code == 303
    assert "1 wrong" in text_of(await desk.get("rules"))
    await desk.post(f"rules/{rule}/remove")
    await desk.get(f"comments/{held.id}")


async def test_the_learned_filter_is_started_measured_and_turned_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "The filter is off." in await desk.get("rules/learned")
    await desk.get("rules/learned", "local", status=403)
    answer = await desk.post("rules/learned", "moderator", mode="shadow")
    assert answer.status_code == 403
    await desk.post("rules/learned", mode="shadow")
    said = text_of(await desk.get("rules/learned"))
    assert "It has seen 0 of the 100 removed and 0 of the 1,000 good comments" in said
    answer = await desk.post("rules/learned", mode="on")
    assert answer.status_code == 422
    await desk.server.set(("rate_limit_comment", "9999/60"))
    grant = await trained(desk.server, monkeypatch)
    page = await desk.get("rules/learned")
    assert "Holds about 1 in 1,000 good comments and catches about" in text_of(page)
    assert 'type="range" id="in_1000"' in page
    await desk.post("rules/learned", mode="on", in_1000="5")
    held = await write(desk.server, grant, "casino bonus jackpot this week")
    page = await desk.get("rules/learned")
    assert "Holds about 5 in 1,000" in text_of(page)
    assert "<mark" in page
    assert "This was wrong" in page
    assert "Held by the learned filter" in await desk.get("queue?queue=held")
    wrong = {"verb": "approve", "queue": "held", "back": "rules/learned"}
    assert (await desk.post(f"comments/{held.id}/decide", **wrong)).status_code == 303
    assert "This was wrong</button>" not in await desk.get("rules/learned")
    await desk.post("rules/learned", mode="off")
    assert "The filter is off." in await desk.get("rules/learned")


def test_a_long_text_is_shown_around_what_the_rule_found() -> None:
    text = "a" * 400 + "BAD" + "b" * 400
    pieces = marked(text, ((400, 403),))
    assert pieces[0] == ("…", False)
    assert ("BAD", True) in pieces
    assert "".join(piece for piece, _ in pieces).strip("…") in text
    assert marked("plain", ()) == [("plain", False)]
    assert marked("xy", ((0, 1), (0, 2))) == [("x", True), ("y", True)]
