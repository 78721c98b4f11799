"""What readers report as errors, in the dashboard: a report becomes a correction, is declined, and comes back."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.dashboard.desk import OWN, SITE, Desk, Person, buttons, first, open_desk, texts, words
from widget_server.model.actors import Role, shell
from widget_server.model.corrections import Correction
from widget_server.model.hints import MAX_ANSWER
from widget_server.model.queue_keys import QueueKeys, keys_of, same_key
from widget_server.operations.moderation import hints
from widget_server.operations.readers import hint as readers_hint, identify
from widget_server.operations.readers.authorize import Grant

QUEUE = "queue?queue=corrections"
TOLD = ".toast:not([data-toast]) span"
"""What was done just now. The other one is for the script."""


@pytest.fixture
async def desk(tmp_path: Path, migrated_url: str) -> AsyncIterator[Desk]:
    """Return a server with a signed-in owner, on each engine."""
    async with open_desk(tmp_path, migrated_url) as opened:
        yield opened


async def corrections_of(desk: Desk, grant: Grant) -> list[Correction]:
    """Return the corrections of a story that are not withdrawn, the oldest first."""
    story = await desk.services.discussions.story(grant.story.code)
    assert story is not None
    return [one for one in story.corrections if one.withdrawn_at is None]


async def waiting(desk: Desk) -> list[str]:
    """Return the words of the open reports, the oldest first."""
    found = await hints.open_hints(desk.services, shell("test"), "paper")
    return [one.hint.text or "" for one in found]


async def send(person: Person, path: str, **fields: str) -> httpx.Response:
    """Send a form as the script of the queue does."""
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": OWN, "Accept": "application/json"}
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    return await person.http.post(f"{SITE}/{path}", data=fields, headers=headers)


async def test_a_report_becomes_a_correction_with_thanks_and_undo_lets_it_wait_again(
    desk: Desk,
) -> None:
    grant = await desk.carried()
    await desk.hint(grant, "It was built in 1961.", "built in 1971", "Rita Okafor")
    await desk.hint(grant, "The captain is Ana.")
    page = await desk.owner.get(QUEUE)
    assert texts(page, ".case .parent") == ["built in 1971"]
    assert texts(page, ".case .text") == ["It was built in 1961."]
    assert "Wants to be thanked as Rita Okafor" in words(page)
    assert texts(page, ".next li a") == ["The captain is Ana."]
    # Without script the button is a link to the same card with the form open.
    (step,) = page.css("a[data-opens=correct]")
    page = await desk.owner.get(step.attributes["href"] or "")
    form = first(page, "[data-step=correct]")
    assert "hidden" not in form.attributes
    assert first(page, "#text").text().strip() == "It was built in 1961."
    assert first(page, "#passage").text().strip() == "built in 1971"
    page = await desk.owner.press(
        buttons(page, "Publish on all copies")[0],
        text="It was built in 1961, not in 1971.",
        **{"text-de": "Es ist von 1961."},
    )
    (made,) = await corrections_of(desk, grant)
    assert (made.kind, made.text) == ("correction", "It was built in 1961, not in 1971.")
    assert (made.passage, made.credit) == ("built in 1971", "Rita Okafor")
    assert made.texts == {"de": "Es ist von 1961."}
    # The next report is there, with what was done and its undo.
    assert texts(page, ".case .text") == ["The captain is Ana."]
    assert "shown on all copies, and the reader is thanked" in texts(page, TOLD)[0]
    page = await desk.owner.press(first(page, ".toast form button"))
    assert await corrections_of(desk, grant) == []
    assert await waiting(desk) == ["It was built in 1961.", "The captain is Ana."]
    assert texts(page, ".case .text") == ["It was built in 1961."]


async def test_a_report_is_declined_with_a_line_or_without_and_undo_lets_it_wait_again(
    desk: Desk,
) -> None:
    grant = await desk.carried()
    sent = await desk.hint(grant, "The captain is Ana.")
    page = await desk.owner.get(f"{QUEUE}&step=decline")
    assert "hidden" not in first(page, "[data-step=decline]").attributes
    page = await desk.owner.press(
        buttons(first(page, "[data-step=decline]"), "Decline")[0], answer="She is called Rita."
    )
    assert await waiting(desk) == []
    found = await desk.services.hints.place(sent.id)
    assert found is not None
    assert (found[1].state, found[1].answer) == ("declined", "She is called Rita.")
    assert "Declined. The reader is told." in texts(page, TOLD)
    log = await desk.owner.get("log")
    assert "Error report declined" in words(log)
    home = await desk.owner.get("home")
    assert "Error report declined" in words(home)
    assert not [one for one in page.css("a") if "comments/hint" in (one.attributes["href"] or "")]
    await desk.owner.press(first(page, ".toast form button"))
    assert await waiting(desk) == ["The captain is Ana."]
    assert "Undone: Error report declined" in words(await desk.owner.get("log"))
    answer = await send(desk.owner, f"hints/{sent.id}/decline", answer="")
    assert answer.status_code == 200
    found = await desk.services.hints.place(sent.id)
    assert found is not None
    assert (found[1].state, found[1].answer) == ("declined", None)


async def test_a_reader_who_left_a_name_is_not_thanked_by_it_if_the_box_is_unticked(
    desk: Desk,
) -> None:
    grant = await desk.carried()
    sent = await desk.hint(grant, "It was built in 1961.", credit="Rita")
    done = await desk.owner.post(
        f"hints/{sent.id}/accept", kind="update", text="Built in 1961.", passage="", answer="Ta."
    )
    assert done.status_code == 303
    (made,) = await corrections_of(desk, grant)
    assert (made.kind, made.credit, made.passage) == ("update", None, None)
    log = await desk.owner.get("log")
    assert "Correction published" in words(log)
    assert "reported by a reader" in words(log)


async def test_a_report_that_another_editor_answered_meanwhile_says_so_and_changes_nothing(
    desk: Desk,
) -> None:
    grant = await desk.carried()
    sent = await desk.hint(grant, "It was built in 1961.")
    editor = await desk.person("editor")
    page = await editor.get(f"{QUEUE}&hint={sent.id}&step=correct")
    await desk.owner.post(f"hints/{sent.id}/decline")
    (button,) = buttons(page, "Publish on all copies")
    page = await editor.press(button)
    assert "Another person has answered this report meanwhile" in words(page)
    assert await corrections_of(desk, grant) == []
    for path, fields in (("accept", {"text": "A.", "kind": "correction"}), ("decline", {})):
        answer = await send(editor, f"hints/{sent.id}/{path}", **fields)
        assert answer.status_code == 409
        assert answer.json()["gone"] is True
        assert "Another person has answered" in answer.json()["error"]
        assert answer.json()["counts"]["corrections"] == 0
    # The card that the address names has gone too.
    page = await editor.get(f"{QUEUE}&hint={sent.id}&step=correct")
    assert "Another person has answered" in first(page, "[data-trouble]").text()
    assert page.css(".case") == []


async def test_a_report_that_its_reader_erased_meanwhile_says_so(desk: Desk) -> None:
    grant = await desk.carried()
    reader = desk.reader(grant)
    sent = await readers_hint.send(
        desk.services, grant, reader, readers_hint.NewHint("Wrong year.")
    )
    await identify.erase(desk.services, grant, reader)
    answer = await send(desk.owner, f"hints/{sent.id}/decline")
    assert (answer.status_code, answer.json()["gone"]) == (404, True)
    assert "deleted this report" in answer.json()["error"]
    assert (await desk.owner.post(f"hints/{sent.id}/decline")).status_code == 404


async def test_a_wrong_form_keeps_what_was_typed_and_names_the_field(desk: Desk) -> None:
    grant = await desk.carried()
    sent = await desk.hint(grant, "It was built in 1961.", credit="Rita")
    answer = await desk.owner.post(
        f"hints/{sent.id}/accept", kind="correction", text=" ", passage="the year", answer="Hm"
    )
    assert answer.status_code == 422
    page = await desk.owner.press(
        buttons(await desk.owner.get(f"{QUEUE}&step=correct"), "Publish on all copies")[0],
        text=" ",
        passage="the year",
    )
    assert "Say in a sentence" in first(page, "#text-error").text()
    assert first(page, "#passage").text().strip() == "the year"
    page = await desk.owner.press(
        buttons(first(page, "[data-step=decline]"), "Decline")[0], answer="x" * (MAX_ANSWER + 1)
    )
    assert "at most 500 characters" in first(page, "#decline-error").text()
    script = await send(desk.owner, f"hints/{sent.id}/accept", kind="correction", text="")
    assert script.status_code == 422
    assert "gone" not in script.json()
    assert await waiting(desk) == ["It was built in 1961."]


@pytest.mark.parametrize(
    ("role", "may"), [("editor", True), ("moderator", False), ("auditor", False)]
)
async def test_only_those_who_may_correct_a_story_see_its_reports_and_their_number(
    desk: Desk, role: Role, may: bool
) -> None:
    grant = await desk.carried()
    sent = await desk.hint(grant, "It was built in 1961.")
    person = await desk.person(role)
    queue = await person.get("queue?queue=pending")
    assert bool(queue.css("[data-count=corrections]")) is may
    home = await person.get("home")
    assert ("error report by a reader" in words(home)) is may
    assert first(home, "title").text().startswith("(1)") is may
    story = await person.get(f"stories/{grant.story.code}/corrections")
    assert ("It was built in 1961." in words(story)) is may
    tab = next(one for one in story.css(".tabs a") if "Corrections" in one.text())
    assert bool(tab.css(".badge")) is may
    status = 200 if may else 403
    await person.get(QUEUE, status)
    await person.get(f"{QUEUE}&view=list", status)
    answer = await send(person, "queue/take", queue="corrections", n="10")
    assert answer.status_code == status
    if not may:
        assert (await send(person, f"hints/{sent.id}/decline")).status_code == 403
        assert await waiting(desk) == ["It was built in 1961."]


async def test_the_bare_queue_opens_the_reports_if_nothing_else_waits(desk: Desk) -> None:
    grant = await desk.carried()
    await desk.hint(grant, "It was built in 1961.")
    page = await desk.owner.get("queue")
    assert texts(page, ".case .text") == ["It was built in 1961."]
    comment = await desk.write(grant, "rude words")
    await desk.report(grant, comment)
    page = await desk.owner.get("queue")
    assert texts(page, ".case .text") == ["rude words"]
    await desk.owner.press(buttons(page, "Keep it")[0])
    page = await desk.owner.get("queue?queue=reported")
    assert texts(page, ".empty a")[0] == "Error reports 1"


async def test_cards_are_taken_without_those_on_the_screen_and_answered_ones_are_not_kept(
    desk: Desk,
) -> None:
    grant = await desk.carried()
    sent = [await desk.hint(grant, f"Error {number}.") for number in range(4)]
    other = await desk.carried()
    elsewhere = await desk.hint(other, "In another story.")
    cards = [f"h-{one.id}" for one in sent]
    await desk.owner.post(f"hints/{sent[1].id}/decline")
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": OWN, "Accept": "application/json"}
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    body = f"queue=corrections&n=10&skip={cards[0]}&skip={cards[1]}&keep={cards[0]}&keep={cards[1]}"
    answer = await desk.owner.http.post(f"{SITE}/queue/take", content=body, headers=headers)
    content: dict[str, Any] = answer.json()
    assert content["kept"] == [cards[0]]
    found = re.findall(r'data-case="([^"]+)"', content["cards"])
    assert found == [cards[2], cards[3], f"h-{elsewhere.id}"]
    assert content["counts"]["corrections"] == 4
    answer = await send(
        desk.owner, "queue/take", queue="corrections", story=other.story.code, n="10"
    )
    assert re.findall(r'data-case="([^"]+)"', answer.json()["cards"]) == [f"h-{elsewhere.id}"]


async def test_a_list_of_a_story_leads_to_each_card_and_later_to_the_next(desk: Desk) -> None:
    grant = await desk.carried(title="The Marit")
    for number in range(3):
        await desk.hint(grant, f"Error {number}.")
    other = await desk.carried()
    await desk.hint(other, "In another story.")
    story = await desk.owner.get(f"stories/{grant.story.code}/corrections")
    (link,) = [one for one in story.css("a[data-row]") if "Error 1." in one.text()]
    page = await desk.owner.get(link.attributes["href"] or "")
    assert texts(page, ".case .text") == ["Error 1."]
    assert texts(page, ".next li a") == ["Error 0.", "Error 2."]
    assert texts(page, ".m-bar .chip bdi") == ["The Marit"]
    (later,) = page.css("[data-later]")
    page = await desk.owner.get(later.attributes["href"] or "")
    assert texts(page, ".case .text") == ["Error 2."]
    page = await desk.owner.get(f"{QUEUE}&view=list")
    assert len(page.css("a[data-row]")) == 4
    assert first(page, ".qs [data-count=corrections]").text() == "4"


async def test_the_card_says_what_became_of_the_readers_earlier_reports(desk: Desk) -> None:
    grant = await desk.carried()
    reader = desk.reader(grant)

    async def report(text: str) -> str:
        sent = readers_hint.NewHint(text)
        return (await readers_hint.send(desk.services, grant, reader, sent)).id

    assert "first error report" in words(await _card(desk, await report("One.")))
    one, two = await report("Two."), await report("Three.")
    by, site = shell("test"), "paper"
    await hints.accept(desk.services, by, site, one, "correction", "Two.")
    await hints.decline(desk.services, by, site, two)
    page = await _card(desk, await report("Four."))
    assert "3 error reports before" in words(page)
    assert "1 led to a correction" in words(page)


async def _card(desk: Desk, hint: str) -> Any:
    return await desk.owner.get(f"{QUEUE}&hint={hint}")


async def test_the_script_is_told_what_waits_after_each_decision(desk: Desk) -> None:
    grant = await desk.carried()
    comment = await desk.write(grant)
    await desk.report(grant, comment)
    sent = await desk.hint(grant, "It was built in 1961.")
    answer = await send(desk.owner, f"hints/{sent.id}/accept", kind="correction", text="1961.")
    assert answer.json()["counts"] == {
        **dict.fromkeys(("pending", "held", "edits", "appeals"), 0),
        "reported": 1,
        "all": 1,
        "corrections": 0,
        "mine": 0,
        "waits": 1,
        "waits_short": 1,
    }
    path = f"comments/{comment.id}/decide"
    answer = await send(desk.owner, path, verb="approve", queue="reported", revision="1")
    counts = answer.json()["counts"]
    assert (counts["reported"], counts["all"]) == (0, 0)
    answer = await send(desk.owner, "undo", decision=answer.json()["decision"])
    assert answer.json()["counts"]["reported"] == 1


def test_a_key_that_came_later_has_a_free_key_if_its_usual_one_was_given_away() -> None:
    keys = keys_of('{"on": true, "keys": {"approve": "KeyC"}}')
    assert keys.code("approve") == "KeyC"
    assert keys.code("correct") not in {"KeyC", ""}
    assert same_key(keys) is None
    assert keys_of(keys.stored()) == keys
    # What two changed keys share is damaged.
    assert keys_of('{"on": true, "keys": {"approve": "KeyY", "pin": "KeyY"}}') == QueueKeys()
