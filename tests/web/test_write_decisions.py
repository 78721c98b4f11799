"""Decisions, objections and reports on the page without JavaScript."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.publisher import Story
from tests.web.owner_program import program
from tests.web.plain_reader import PlainReader
from tests.web.shared_server import SharedServer
from widget_server.web.pages.translate import LOCALES


def posted(server: SharedServer, story: Story, **headers: str) -> tuple[PlainReader, str]:
    """Return a reader of the page who has posted a comment, and its id."""
    reader = PlainReader(server.http, story.code, **headers)
    reader.press("post", body="Not so bad")
    (thread,) = server.snapshot(story)["comments"]["threads"]
    return reader, thread["id"]


def removed(server: SharedServer, comment: str, reason: str = "hate") -> str:
    """Remove a comment by a program, and return the decision."""
    body = {"verb": "remove", "targets": [comment], "reason": reason}
    decision: str = program(server).do("/decisions", body)["done"][0]["decision"]
    return decision


def test_an_author_without_javascript_reads_why_objects_and_is_told_the_outcome(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story()
    reader, comment = posted(shared_server, story)
    decision = removed(shared_server, comment)
    reader.press("preview", body="a draft")
    assert "was removed. This was decided automatically, by a rule of this site." in reader.html
    assert "Reason: hate or discrimination." in reader.html
    reader.press(f"object:{comment}")
    assert "Why should it be decided otherwise?" in reader.html
    reader.press("cancel")
    assert reader.page.fields["body"] == "a draft"
    reader.press(f"object:{comment}")
    reader.press(f"send-object:{comment}", reason="It is a quotation.")
    assert "You objected. Another person will decide." in reader.html
    assert f"object:{comment}" not in reader.page.buttons
    assert reader.page.fields["body"] == "a draft"
    cases = program(shared_server).read("/cases?queue=appeals&limit=100")["cases"]
    (case,) = [one for one in cases if one["comment"]["id"] == comment]
    assert [one["text"] for one in case["appeals"]] == ["It is a quotation."]
    shared_server.cli("undo", decision)
    reader.press("preview")
    assert "Your objection was right: this comment is back." in reader.html
    assert f'id="c-{comment}"' in reader.html


def test_the_banned_without_javascript_read_on_and_object(shared_server: SharedServer) -> None:
    story = shared_server.story()
    reader, comment = posted(shared_server, story)
    program(shared_server).do("/bans", {"comment": comment, "reason": "attack"})
    reader.press("preview", body="more")
    assert "moderators do not let you write here" in reader.html
    assert "This is for good." in reader.html
    assert "Reason: attack on a person or a group." in reader.html
    assert "post" not in reader.page.buttons
    reader.press("object")
    reader.press("send-object:", reason="Why?")
    assert "You objected. Another person will decide." in reader.html
    shared_server.cli("reader", "unban", comment)
    reader.press("forget")
    reader.press("cancel")
    assert "moderators do not let you write here" not in reader.html
    assert "post" in reader.page.buttons


@pytest.mark.parametrize(
    ("length", "end"),
    [(None, "This is for good."), (timedelta(days=1), "This ends ")],
    ids=["for good", "a day"],
)
def test_a_writer_who_needs_approval_is_told_the_end_without_javascript(
    shared_server: SharedServer, length: timedelta | None, end: str
) -> None:
    story = shared_server.story()
    reader, comment = posted(shared_server, story)
    ban = {"comment": comment, "reason": "spam", "mode": "approval"}
    until = None if length is None else (datetime.now(UTC) + length).isoformat()
    program(shared_server).do("/bans", {**ban, "until": until})
    reader.press("preview", body="more")
    assert f"once a moderator has approved it. {end}" in reader.html
    assert "You can write again" not in reader.html
    assert "post" in reader.page.buttons


def test_a_reporter_without_javascript_says_what_is_wrong_and_is_told_the_outcome(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story()
    other = shared_server.post(story, "a bad word")["comment"]["id"]
    reader = PlainReader(shared_server.http, story.code)
    reader.press(f"report:{other}")
    reader.send({**reader.page.fields, "category": "threat", "do": f"send-report:{other}"})
    assert "Your report was saved." in reader.html
    reported = json.loads(shared_server.cli("report", "list", "press", "--json"))
    ((report,),) = [one["reports"] for one in reported if one["comment"] == other]
    assert (report["category"], report["reason"]) == ("threat", None)
    removed(shared_server, other, "threat")
    reader.press("preview", body="a draft")
    assert "A comment that you reported was removed. Thank you." in reader.html


@pytest.mark.parametrize("lang", sorted(LOCALES))
def test_decisions_are_told_in_every_language(shared_server: SharedServer, lang: str) -> None:
    story = shared_server.story()
    reader, comment = posted(shared_server, story, **{"Accept-Language": lang})
    removed(shared_server, comment)
    reader.press("preview", body="x")
    texts = LOCALES[lang]
    assert texts["by_rule"] in reader.html
    assert texts["because_hate"] in reader.html
    assert f"object:{comment}" in reader.page.buttons


def test_who_is_not_known_has_nothing_to_object_to(shared_server: SharedServer) -> None:
    story = shared_server.story()
    _, comment = posted(shared_server, story)
    removed(shared_server, comment)
    stranger = PlainReader(shared_server.http, story.code)
    assert f"object:{comment}" not in stranger.page.buttons
    for step in ("send-object:", f"send-object:{comment}"):
        answer = stranger.send({**stranger.page.fields, "do": step})
        assert answer.status_code == 404
