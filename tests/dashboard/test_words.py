"""Pages say names and words where the database has ids and verbs."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.dashboard.desk import Desk, buttons, first, open_desk, texts
from tests.operations.owner_harness import carry
from widget_server.auth.permissions import PERMISSIONS
from widget_server.model.actors import shell
from widget_server.operations.moderation.decide import decide
from widget_server.operations.owners import copies, keys, links, people, settings, sites
from widget_server.operations.owners.keys import KEY_SCOPES
from widget_server.operations.readers import authorize
from widget_server.web.dashboard.addresses import short_origins
from widget_server.web.dashboard.entry_words import SCOPE_GROUPS, actor_of, comment_of
from widget_server.web.dashboard.texts import TEXTS, Translate

ROOT = shell("root")
UNLOGGED = ("read", "export", "answer", "second_look", "hand_over")


@pytest.fixture
async def desk(tmp_path: Path, migrated_url: str) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path, migrated_url) as desk:
        yield desk


def test_every_verb_that_is_logged_and_every_scope_has_words() -> None:
    logged = {verb for verb in PERMISSIONS if not verb.startswith(UNLOGGED)} | {"readmit"}
    assert {f"log_{verb}" for verb in logged} <= TEXTS["en"].keys()
    assert {f"scope_{verb}" for verb in KEY_SCOPES} <= TEXTS["en"].keys()
    grouped = [verb for verbs in SCOPE_GROUPS.values() for verb in verbs]
    assert sorted(grouped) == sorted(KEY_SCOPES)


def test_an_actor_is_named_by_what_it_is() -> None:
    t = Translate("en")
    assert actor_of(t, "shell", "root") == "root, on the command line"
    assert actor_of(t, "schedule", "") == "the schedule"
    assert actor_of(t, "account", "Ana") == "Ana"
    assert actor_of(t, "account", "8mXk2wPq", is_named=False) == "an account that is gone"
    assert actor_of(t, "key", "8mXk2wPq", is_named=False) == "an API key"


def test_a_comment_is_named_by_its_writer_or_its_first_words() -> None:
    t = Translate("en")
    assert comment_of(t, "Ana", "not shown") == "a comment by Ana"
    assert comment_of(t, None, "One two\nthree") == "“One two three”"
    assert comment_of(t, None, "one " * 30) == "“one one one one one one one one…”"
    assert comment_of(t, None, None) == "a comment"


def test_origins_are_as_short_as_they_can_be_told_apart() -> None:
    origins = [
        "https://www.one.example",
        "https://two.example",
        "https://two.example:8443",
        "http://three.example",
        "https://three.example",
        None,
    ]
    assert list(short_origins(origins).values()) == [
        "one.example",
        "two.example",
        "two.example:8443",
        "http://three.example",
        "https://three.example",
        "",
    ]


async def seen(desk: Desk, place: str, path: str = "tbody tr:not(.day)") -> list[str]:
    """Return the rows of a page's table without the details that are closed."""
    page = await desk.owner.get(place)
    for details in page.css("details"):
        details.decompose()
    return texts(page, path)


async def test_the_log_names_tokens_keys_people_stories_and_what_an_undo_took_back(
    desk: Desk,
) -> None:
    services = desk.services
    grant = await desk.carried(title="The library", label="Northside")
    comment = await desk.write(grant, "Who pays for the fuel?")
    lea = await desk.person("moderator", "Lea")
    await people.change_role(services, ROOT, "paper", lea.account.id, "editor")
    new = await keys.create_key(services, ROOT, "paper", "Morning letter", frozenset({"read"}))
    await keys.end_key(services, ROOT, "paper", new.key.id)
    await settings.change_settings(
        services, ROOT, "paper", {"name": "required"}, story=grant.story.code
    )
    await sites.shut_out(services, ROOT, "paper", "https://scraper.example", None)
    decided = await decide(services, ROOT, "pin", comment.id)
    assert decided.decision is not None
    found = await copies.list_copies(services, ROOT, "paper")
    await copies.revoke_copy(services, ROOT, "paper", found.copies[0].record.id)
    await desk.owner.post("undo", decision=decided.decision.id)
    rows = " | ".join(await seen(desk, "log"))
    for said in (
        "Undone: Pinned",
        "Pinned “Who pays for the fuel?” The library",
        "Revoked “Northside”",
        "Shut out scraper.example all stories",
        "Settings of a story changed “The library” Name",
        "API key ended “Morning letter”",
        "API key made “Morning letter”",
        "Role changed Lea Editor",
        "Invited Moderator",
        "root, on the command line",
    ):
        assert said in rows.replace(" ·", ""), (said, rows)
    ids = [new.key.id, lea.account.id, comment.id, grant.story.code, decided.decision.id]
    assert [one for one in ids if one in rows] == []


async def test_an_undo_in_the_log_leads_to_what_it_is_about(desk: Desk) -> None:
    services = desk.services
    bo = await desk.person("moderator", "Bo")
    await people.change_role(services, ROOT, "paper", bo.account.id, "editor")
    await sites.revoke(services, ROOT, "paper", "handle-1")
    await sites.shut_out(services, ROOT, "paper", "https://scraper.example", None)
    for verb in ("role", "revoke", "shut_out"):
        log = await desk.owner.get(f"log?verb={verb}")
        await desk.owner.press(buttons(log, "Undo")[0])
    rows = (await desk.owner.get("log?verb=undo")).css("tbody tr:not(.day)")
    said = [
        (a.text(), a.attributes["href"])
        for row in rows
        for a in row.css("a")
        if "log?" not in str(a.attributes["href"])
    ]
    assert said == [
        ("scraper.example", "/admin/sites/paper/copies?q=scraper.example"),
        ("a token without a label", "/admin/sites/paper/tokens?q=handle-1"),
        ("Bo", "/admin/sites/paper/people"),
    ]


async def test_the_log_leads_to_a_token_whatever_signs_its_handle_has(desk: Desk) -> None:
    await sites.revoke(desk.services, ROOT, "paper", "a&done=b#c")
    found = (await desk.owner.get("log?verb=revoke")).css("tbody a[href*='tokens']")
    assert [one.attributes["href"] for one in found] == [
        "/admin/sites/paper/tokens?q=a%26done%3Db%23c"
    ]


async def test_the_log_says_that_an_owner_of_the_server_gave_up_the_own_role(desk: Desk) -> None:
    services = desk.services
    cleo = await desk.person("moderator", "Cleo")
    link = await links.invite_owner(services, ROOT)
    ticket = await links.press_link(services, link.url.rpartition("/")[2], agent="")
    assert isinstance(ticket, str)
    await links.join(services, ticket, cleo.account)
    answer = await cleo.post(f"people/{cleo.account.id}/role", role="editor")
    assert answer.status_code == 303, answer.text
    answer = await cleo.post(f"people/{cleo.account.id}/remove")
    assert answer.status_code == 303, answer.text
    rows = await seen(desk, "log?verb=role")
    said = [re.sub(r".* (Joined|Role)", r"\1", row.replace(" ·", "")) for row in rows]
    assert said[0].startswith("Role taken away Cleo")
    assert said[1].startswith("Role changed Cleo Editor")
    assert said[2].startswith("Joined Moderator")


async def test_home_says_in_words_who_did_what(desk: Desk) -> None:
    grant = await desk.carried(title="The library")
    comment = await desk.write(grant, name="Priya")
    await decide(desk.services, ROOT, "remove", comment.id, reason="spam")
    page = await desk.owner.get("home")
    said = " ".join(texts(page, "td"))
    assert "Removed a comment by root, on the command line · The library" in said


async def test_what_waits_stands_in_title_icon_and_navigation(desk: Desk) -> None:
    grant = await desk.carried(title="The library")
    page = await desk.owner.get("stories")
    assert first(page, "title").text().startswith("Stories")
    comment = await desk.write(grant)
    await desk.report(grant, comment)
    # A change makes the number fresh; else it is up to five seconds old.
    await desk.owner.post(f"comments/{comment.id}/decide", verb="pin")
    page = await desk.owner.get("stories")
    assert first(page, "title").text().startswith("(1) Stories")
    assert first(page, ".side .n").text() == "1"
    assert "%3E1%3C/text" in str(first(page, "link[rel=icon]").attributes["href"])


async def test_people_begin_with_the_owner_of_the_server(desk: Desk) -> None:
    await desk.person("editor", "Ines")
    rows = await seen(desk, "people", "main > table tbody tr")
    assert re.match(r"A Ana Ferreira \(you\) .*Owner of the server every site", rows[0]), rows
    assert "Ines" in rows[1]


async def test_a_local_moderators_copies_are_chosen_by_name(desk: Desk) -> None:
    await desk.write(await desk.carried(title="The library", label="Northside"))
    page = await desk.owner.get("people/invite")
    assert "Northside" in texts(page, "label.pick")[-1]
    assert "The library" in texts(page, "label.pick")[-1]
    box: Any = page.css("input[name=copies]")[-1]
    answer = await desk.owner.post(
        "people/invite", role="local", copies=str(box.attributes["value"])
    )
    assert answer.status_code == 200
    assert "1 copy only" in answer.text


async def test_ending_a_key_is_asked_before_it_is_done(desk: Desk) -> None:
    owner = await people.find_actor(desk.services, desk.owner.account.name, "paper")
    new = await keys.create_key(desk.services, owner, "paper", "Letter", frozenset({"read"}))
    page = await desk.owner.get("people")
    link = next(one for one in page.css("a") if one.attributes.get("aria-label") == "End Letter")
    path = str(link.attributes["href"]).partition("#")[0]
    asked = await desk.owner.get(path)
    assert first(asked, "#end").text() == "End the key “Letter”?"
    gone = await desk.owner.press(first(asked, "form.revoke button"))
    assert new.key.label not in texts(gone, "#keys th")


async def test_a_changed_role_can_be_undone_from_the_notice(desk: Desk) -> None:
    ines = await desk.person("editor", "Ines")
    role = await desk.owner.get(f"people/{ines.account.id}/role")
    page = await desk.owner.press(first(role, "form.narrow button"), role="auditor")
    assert "Auditor" in texts(page, "main > table tbody tr")[1]
    page = await desk.owner.press(first(page, ".toast button"))
    assert "Editor" in texts(page, "main > table tbody tr")[1]


async def test_an_address_that_another_person_made_offers_no_role_as_an_undo(desk: Desk) -> None:
    ines = await desk.person("editor", "Ines")
    page = await desk.owner.get(f"people?account={ines.account.id}&role=owner&copies=")
    assert page.css(".toast") == []
    by_root = await people.change_role(desk.services, ROOT, "paper", ines.account.id, "auditor")
    page = await desk.owner.get(f"people?undo={by_root}")
    assert page.css(".toast") == []
    assert (await desk.owner.get("people?undo=unknown")).css(".toast") == []


async def test_a_language_in_an_address_is_not_the_language_of_the_page(desk: Desk) -> None:
    for place in ("copies?lang=es", "settings/writing?lang=ar", "numbers?lang=de"):
        page = await desk.owner.get(place)
        assert first(page, "html").attributes["lang"] == "en"


async def test_home_calls_the_first_step_done_once_a_page_shows_the_snippet(desk: Desk) -> None:
    story = desk.server.publisher.story(title="The library")
    await authorize.register_story(desk.services, story.token)
    step = ".todo.two a[href$='/snippet']"
    assert len((await desk.owner.get("home")).css(step)) == 1
    await carry(desk.server, story, "https://copy.example")
    assert (await desk.owner.get("home")).css(step) == []
