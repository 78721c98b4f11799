"""Reports of errors in a story from the page without JavaScript, and what its reader is told."""

import re

import pytest

from tests.e2e.publisher import Story
from tests.web.owner_program import program
from tests.web.plain_reader import PlainReader
from tests.web.shared_server import SharedServer
from widget_server.web.pages.translate import LOCALES

WRONG = "It was built in 1961."


def reported(server: SharedServer, story: Story, **headers: str) -> tuple[PlainReader, str]:
    """Return a reader who has reported an error without JavaScript, and the report's id."""
    reader = PlainReader(server.http, story.code, "?hint=1", **headers)
    reader.press("send-hint", text=WRONG, passage="built in 1971", credit="Ana")
    assert reader.answer.status_code == 200
    (case,) = program(server).read(f"/hints?story={story.code}")["hints"]
    return reader, case["id"]


def test_an_error_is_reported_without_javascript_and_its_correction_thanks_the_reader(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story()
    reader, hint = reported(shared_server, story)
    assert "Thank you. The editors see it." in reader.html
    assert "text" not in reader.page.fields
    body = {"kind": "correction", "text": "Built in 1961."}
    made = program(shared_server).do(f"/hints/{hint}:accept", body)
    reader.press("preview", body="a draft")
    assert "You reported this. Thank you!" in reader.html
    assert "Thanks to \u2068Ana\u2069." in reader.html
    assert "You reported an error in the story" not in reader.html
    other = PlainReader(shared_server.http, story.code)
    assert "Built in 1961." in other.html
    assert "You reported this" not in other.html
    shared_server.cli("undo", made["id"])
    reader.press("preview")
    assert "You reported this" not in reader.html
    assert "The editors see it." in reader.html


def test_a_declined_report_is_answered_kindly_without_javascript(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story()
    reader, hint = reported(shared_server, story)
    reader.press("hint")
    assert re.search(
        r"You reported an error in the story on .+\. The editors see it\.", reader.html
    )
    program(shared_server).do(f"/hints/{hint}:decline", {"answer": "It is <i>right</i>."})
    reader.press("cancel")
    assert "left the story as it is. Thank you for reading so closely." in reader.html
    assert "The editors write: \u2068It is &lt;i&gt;right&lt;/i&gt;.\u2069" in reader.html


def test_a_report_without_words_is_not_sent_and_a_comment_that_was_begun_stays(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story()
    reader = PlainReader(shared_server.http, story.code)
    reader.press("hint", body="a comment")
    assert "body" in reader.page.hidden
    reader.press("send-hint", text="  ", passage="built in 1971")
    assert reader.answer.status_code == 422
    assert "Write what is wrong first." in reader.html
    assert reader.page.fields["passage"] == "built in 1971"
    reader.press("send-hint", text="x" * 1001)
    assert reader.answer.status_code == 413
    assert 'id="text-error"' in reader.html
    reader.press("send-hint", text=WRONG, credit="✓ Ana")
    assert reader.answer.status_code == 422
    assert 'id="credit-error"' in reader.html
    assert reader.page.fields["text"] == WRONG
    reader.press("cancel")
    assert reader.page.fields["body"] == "a comment"
    assert program(shared_server).read(f"/hints?story={story.code}")["hints"] == []


def test_an_error_is_reported_while_the_discussion_is_closed_and_not_by_the_banned(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story()
    shared_server.cli("story", "close", story.code)
    reader, _ = reported(shared_server, story)
    assert "Thank you. The editors see it." in reader.html
    open_story = shared_server.story()
    writer = PlainReader(shared_server.http, open_story.code)
    writer.press("post", body="bad")
    (thread,) = shared_server.snapshot(open_story)["comments"]["threads"]
    program(shared_server).do("/bans", {"comment": thread["id"], "reason": "attack"})
    writer.press("preview", body="more")
    assert "hint" not in writer.page.buttons
    writer.send({**writer.page.fields, "mode": "hint", "text": WRONG, "do": "send-hint"})
    assert writer.answer.status_code == 403


def test_forgetting_deletes_the_reports(shared_server: SharedServer) -> None:
    story = shared_server.story()
    reader, _ = reported(shared_server, story)
    reader.press("forget")
    assert "error reports" in reader.html
    reader.press("forget-all")
    assert "What you left from this page was deleted." in reader.html
    assert program(shared_server).read(f"/hints?story={story.code}")["hints"] == []


@pytest.mark.parametrize("lang", sorted(LOCALES))
def test_reports_are_told_in_every_language(shared_server: SharedServer, lang: str) -> None:
    story = shared_server.story()
    texts = LOCALES[lang]
    page = shared_server.http.get(f"/s/{story.code}", headers={"Accept-Language": lang})
    assert texts["hint_report"] in page.text
    assert f"/s/{story.code}/write?hint=1" in page.text
    reader, hint = reported(shared_server, story, **{"Accept-Language": lang})
    assert texts["hint_sent"] in reader.html
    program(shared_server).do(f"/hints/{hint}:accept", {"kind": "correction", "text": "1961."})
    reader.press("hint")
    assert texts["hint_yours"] in reader.html
    for name in ("hint_who", "hint_passage", "hint_text", "hint_name", "hint_send"):
        assert texts[name] in reader.html
