"""Bans at every door of readers: actions over HTTP, and the forms of the page without JavaScript."""

import itertools
import uuid
from typing import Any

import httpx
import pytest

from tests.e2e.publisher import Story
from tests.operations.test_bans import OUTCOMES
from tests.web.owner_program import program
from tests.web.plain_reader import PlainReader
from tests.web.shared_server import SharedServer
from widget_server.model.bans import BAN_MODES, BanMode

_sites = itertools.count()


class Site:
    """A site of its own, on which networks can be banned: all readers of these tests have one network."""

    def __init__(self, server: SharedServer, mode: BanMode, kind: str) -> None:
        self.server, self.mode, self.kind = server, mode, kind
        self.slug = f"raid-{next(_sites)}-{uuid.uuid4().hex[:6]}"
        self.publisher = server.site(self.slug, "network_bans=on", "edit_window=9000000")
        self.story: Story = self.publisher.story()
        server.register(self.story)

    def ban(self, comment: str) -> None:
        """Ban the writer of a comment, or in a raid on another story the network, over the owner API."""
        body = {"comment": comment, "mode": self.mode, "network": self.kind == "network"}
        owner = program(self.server, site=self.slug)
        if self.kind == "network":
            raided = self.publisher.story()
            self.server.register(raided)
            owner.do("/raids", {"story": raided.code, "hours": 1})
        owner.do("/bans", body)


@pytest.mark.parametrize("mode", BAN_MODES)
@pytest.mark.parametrize("kind", ["reader", "network"])
def test_a_ban_meets_each_action_over_http(
    shared_server: SharedServer, kind: str, mode: BanMode
) -> None:
    site = Site(shared_server, mode, kind)
    posted = shared_server.post(site.story, "words")
    reader, own = posted["reader"], posted["comment"]["id"]
    other = shared_server.post(site.story, "words of another reader")["comment"]["id"]
    site.ban(own)
    fields: dict[str, dict[str, Any]] = {
        "react": {"reaction": "happy"},
        "comment": {"key": str(uuid.uuid4()), "body": "more words"},
        "edit": {"comment": own, "body": "other words"},
        "report": {"comment": other, "category": "hate"},
        "hint": {"text": "It was 1961."},
        "delete": {"comment": own},
        "appeal": {"text": "Why?"},
        "mine": {},
        "forget": {},
    }
    for verb, expected in OUTCOMES.items():
        answer = shared_server.action(site.story, verb, reader=reader, **fields[verb])
        assert (verb, _outcome(answer)) == (verb, expected[mode])


def _outcome(answer: httpx.Response) -> str:
    content = answer.json()
    if answer.status_code != 200:
        assert answer.status_code == 403
        assert "object" in content["detail"]
        return str(content["code"])
    comment = content.get("comment") or {}
    if isinstance(comment, dict) and comment.get("waiting"):
        return "waiting"
    return "pending" if isinstance(comment, dict) and comment.get("state") == "pending" else "ok"


@pytest.mark.parametrize("mode", BAN_MODES)
@pytest.mark.parametrize("kind", ["reader", "network"])
def test_a_ban_meets_each_form(shared_server: SharedServer, kind: str, mode: BanMode) -> None:
    site = Site(shared_server, mode, kind)
    other = shared_server.post(site.story, "words of another reader")["comment"]["id"]
    reader = PlainReader(shared_server.http, site.story.code)
    reader.press("post", body="words")
    (own,) = [one for one in _ids(shared_server, site.story) if one != other]
    site.ban(own)
    steps: dict[str, tuple[str, dict[str, str]]] = {
        "react": ("react::happy", {}),
        "comment": ("post", {"body": "more words"}),
        "edit": ("save", {"body": "other words"}),
        "report": (f"send-report:{other}", {"reason": "rude"}),
        "delete": (f"erase:{own}", {}),
        "forget": ("forget-all", {}),
    }
    before = {"edit": f"edit:{own}", "report": f"report:{other}", "delete": f"delete:{own}"}
    for verb, (step, typed) in steps.items():
        if verb in before and OUTCOMES[verb][mode] != "banned":
            reader.press(before[verb])
        if verb == "forget":
            reader.press("forget")
        expected = OUTCOMES[verb][mode]
        if expected == "banned":
            # The page offers it no more, once it knows of the ban. A page that was open does.
            assert verb == "react" or step not in reader.page.buttons
            assert verb == "react" or before.get(verb) not in reader.page.buttons
            sent = {**reader.page.fields, **typed, "mode": before.get(verb, ""), "do": step}
            answer = reader.send(sent)
        else:
            answer = reader.press(step, **typed)
        assert (verb, answer.status_code) == (verb, 403 if expected == "banned" else 200)
        if mode == "read":
            assert "moderators do not let you" in answer.text or verb == "forget"
    shown = [one["text"] for one in _threads(shared_server, site.story) if one["id"] != other]
    assert [["p", None, "other words"]] not in shown


def _threads(server: SharedServer, story: Story) -> list[dict[str, Any]]:
    threads: list[dict[str, Any]] = server.snapshot(story)["comments"]["threads"]
    return threads


def _ids(server: SharedServer, story: Story) -> list[str]:
    return [one["id"] for one in _threads(server, story)]


def test_what_was_reported_is_in_the_case_as_it_was_then(shared_server: SharedServer) -> None:
    mine, story = program(shared_server), shared_server.story()
    posted = shared_server.post(story, "very bad words")
    comment, reader = posted["comment"]["id"], posted["reader"]
    assert shared_server.action(story, "report", comment=comment, category="hate").is_success
    edited = shared_server.action(
        story, "edit", comment=comment, body="very good words", reader=reader
    )
    assert edited.is_success
    cases = mine.read("/cases?queue=reported&limit=100")["cases"]
    (id_,) = [one["id"] for one in cases if one["comment"]["id"] == comment]
    case = mine.read(f"/cases/{id_}")
    assert case["comment"]["body"] == "very good words"
    assert [one["body"] for one in case["reported_texts"]] == ["very bad words"]
    blind = program(shared_server, "read", "approve").get(f"/cases/{id_}")
    assert blind.status_code in {403, 404}
    for public in (f"/v1/stories/{story.code}", f"/s/{story.code}", f"/s/{story.code}/feed.json"):
        assert "very bad words" not in shared_server.http.get(public).text
