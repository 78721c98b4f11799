"""Rules by the forms of the dashboard, without JavaScript: files of words, exceptions, suspects, undo."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.dashboard.desk import OWN, SITE, Desk, Person, buttons, first, open_desk, texts, words
from tests.operations.operations_harness import new_comment
from tests.operations.test_rules import OWNER
from widget_server.model.errors import ReconsiderError
from widget_server.model.records import CommentState
from widget_server.model.rules import RuleSpec, StoredRule
from widget_server.operations.moderation import rules
from widget_server.operations.readers import comment as comments

SPEC = RuleSpec("Casinos", "words", words=("casino", "buy now"))
FORM = {"name": "Casinos", "kind": "words", "action": "hold"}


@pytest.fixture
async def desk(tmp_path: Path, migrated_url: str) -> AsyncIterator[Desk]:
    """Return a server with a signed-in owner, on each engine."""
    async with open_desk(tmp_path, migrated_url) as opened:
        yield opened


async def upload(person: Person, path: str, file: bytes, **fields: str) -> httpx.Response:
    """Send a form with a file, as a browser does."""
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": OWN}
    sent = {"file": ("words.csv", file, "text/csv")}
    return await person.http.post(f"{SITE}/{path}", data=fields, files=sent, headers=headers)


async def stored(desk: Desk) -> list[StoredRule]:
    return [one.rule for one in await rules.list_rules(desk.services, OWNER, "paper")]


async def on(desk: Desk, spec: RuleSpec = SPEC) -> StoredRule:
    """Return a new rule that is on."""
    made = await rules.add_rule(desk.services, OWNER, "paper", spec)
    return (await rules.set_mode(desk.services, OWNER, "paper", made.id, "on"))[0]


async def test_a_file_of_10000_words_is_added_and_every_wrong_line_is_named(desk: Desk) -> None:
    lines = [f"слово {number};{'ru' if number % 4 else 'uk'}" for number in range(10_000)]
    file = "\r\n".join(["word;language", *lines]).encode("utf-16")
    assert len(file) > 256 * 1024
    answer = await upload(desk.owner, "rules", file, **FORM, languages="ru", words="casino")
    assert answer.status_code == 303, answer.text[-500:]
    assert "done=rule_added_part" in answer.headers["location"]
    (rule,) = await stored(desk)
    assert (len(rule.spec.words), rule.spec.words[:2]) == (7_501, ("casino", "слово 1"))
    wrong = await upload(
        desk.owner, f"rules/{rule.id}", b"fine\n\xe9t\xe9\n!!\n", **FORM, words="casino"
    )
    assert wrong.status_code == 422
    said = " ".join(texts(LexborHTMLParser(wrong.text), "#words-err, .err"))
    assert "Line 2: This line is not in UTF-8." in said
    assert "Line 3: “!!” has no letter" in said
    assert len((await stored(desk))[0].spec.words) == 7_501
    # The form itself is as large: saved again without the file, it keeps the list.
    page = await desk.owner.get(f"rules/{rule.id}")
    typed = first(page, "#words").text()
    answer = await upload(desk.owner, f"rules/{rule.id}", b"", **FORM, languages="ru", words=typed)
    assert answer.status_code == 303
    assert (await stored(desk))[0].spec.words == rule.spec.words


async def test_the_wording_of_a_false_alarm_is_typed_into_the_exceptions_tried_and_kept(
    desk: Desk,
) -> None:
    grant = await desk.carried()
    rule = await on(desk)
    held = await desk.write(grant, "The old Casino theatre opens again")
    await desk.write(grant, "casino, casino!")
    page = await desk.owner.get("queue?queue=held")
    # The place is marked; the word itself is hidden until a person asks for it.
    assert texts(page, ".card .text mark") == ["••••••"]
    shown = await desk.owner.get(f"queue/words/{held.id}")
    assert texts(shown, ".text mark") == ["Casino"]
    link = first(page, f'a[href*="rules/{rule.id}?except="]')
    assert link.text().strip() == "Except this wording from “Casinos”"
    page = await desk.owner.get(link.attributes["href"] or "")
    assert first(page, "#exceptions").text() == "The old Casino theatre opens"
    assert "The wording is added here." in words(page)
    assert "Would have held 1 of the last 2" in words(page)
    # The same from the trial of a rule that is not stored, by a button of the form.
    answer = await desk.owner.post("rules/try", **FORM, words="casino")
    assert f'value="{held.id}"' in answer.text
    answer = await desk.owner.post("rules/try", **FORM, words="casino", **{"except": held.id})
    assert "The old Casino theatre opens</textarea>" in answer.text
    saved = {"words": "casino\nbuy now", "exceptions": first(page, "#exceptions").text()}
    answer = await desk.owner.post(f"rules/{rule.id}", **FORM, **saved)
    assert answer.headers["location"].endswith("?done=saved")
    (now,) = await stored(desk)
    assert (now.mode, now.spec.exceptions) == ("on", ("The old Casino theatre opens",))
    wrong = await desk.owner.get(f"rules/{rule.id}?except=nowhere", 422)
    assert "There is no comment with this id." in words(wrong)
    moderator = await desk.person("moderator")
    page = await moderator.get("queue?queue=held")
    # The first case is the owner's for a minute.
    assert texts(page, ".card .text mark") == ["••••••", "••••••"]
    assert page.css_first('a[href*="?except="]') is None


async def test_a_name_that_a_rule_finds_is_marked_in_the_card(desk: Desk) -> None:
    grant = await desk.carried()
    await on(desk)
    await desk.write(grant, "Good evening, *dear* <b>readers</b>", name="Casino Joe")
    page = await desk.owner.get("queue?queue=held")
    assert texts(page, ".card mark") == ["Casino Joe"]
    assert "Name or website:" in words(page)
    other = await desk.owner.get("queue?queue=held&lang=xx")
    assert other.css(".card mark") == []


async def test_the_owner_sees_what_writers_did_who_were_asked(desk: Desk) -> None:
    grant = await desk.carried()
    rule = await on(desk, RuleSpec("Kind", "words", words=("casino",), ask=True))
    for sent in ("a theatre", "casino", None):
        reader = desk.reader(grant)
        draft = new_comment("casino", reconsider=True)
        with pytest.raises(ReconsiderError):
            await comments.post(desk.services, grant, reader, draft)
        if sent is not None:
            again = new_comment(sent) if sent != "casino" else draft
            await comments.post(desk.services, grant, reader, again)
    page = await desk.owner.get(f"rules/{rule.id}")
    said = "It asked 3 writers to think again. Another text: 1 (33 in 100). The same: 1. None: 1."
    assert said in words(page)


async def test_a_removed_rule_is_taken_back_in_the_log(desk: Desk) -> None:
    grant = await desk.carried()
    rule = await on(desk)
    await desk.owner.post(f"rules/{rule.id}/remove")
    assert (await desk.write(grant, "casino")).state is CommentState.PUBLISHED
    page = await desk.owner.get("log?verb=rules")
    page = await desk.owner.press(buttons(page, "Undo")[0])
    assert "Taken back. The rule is as before." in words(page)
    assert (await desk.write(grant, "casino")).state is CommentState.PENDING
    page = await desk.owner.get("log?verb=rules")
    page = await desk.owner.press(buttons(page, "Undo")[-1])
    assert "The rule was changed again since." in words(page)


async def test_a_strangers_form_stays_small_and_brings_no_file(desk: Desk) -> None:
    stranger = httpx.AsyncClient(transport=desk.owner.http._transport, base_url=OWN)
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": OWN}
    large = {"words": "x" * 300_000}
    answer = await stranger.post(f"{SITE}/rules", data=FORM | large, headers=headers)
    assert answer.status_code == 413
    sent = {"file": ("words.csv", b"casino", "text/csv")}
    answer = await stranger.post(f"{SITE}/rules", data=FORM, files=sent, headers=headers)
    assert answer.status_code == 400
