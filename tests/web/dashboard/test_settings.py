"""The page of settings: forms, what changes for whom, conflicts, history and take back."""

import html
import json
import re
from typing import Any
from urllib.parse import unquote

import pytest

from tests.operations.owner_harness import Statements, carry, feel, read
from tests.web.dashboard.desk import OWN, ROLES, Desk, text_of
from widget_server.auth.permissions import permits
from widget_server.model.actors import Role
from widget_server.operations.owners.settings_form import SECTIONS
from widget_server.operations.readers import authorize, copies
from widget_server.protocol import serializers

SECTION_PATHS = [f"settings/{section}" for section in SECTIONS]


def fields(page: str) -> dict[str, Any]:
    """Return the fields of the page's form as a browser would send them."""
    form = page[page.index('id="settings"') :]
    form = form[: form.index("</form>")]
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = (re.search(rf' {key}="([^"]*)"', tag) for key in ("name", "value"))
        ticked = re.search(r'type="(checkbox|radio)"', tag) is None or " checked" in tag
        if name is not None and ticked:
            found[name[1]] = html.unescape(value[1]) if value is not None else "on"
    for name, text in re.findall(
        r'<textarea[^>]* name="([^"]*)"[^>]*>(.*?)</textarea>', form, re.S
    ):
        found[name] = html.unescape(text)
    for name, options in re.findall(r'<select[^>]* name="([^"]*)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen is not None else ""
    return found


async def form_of(desk: Desk, path: str) -> dict[str, Any]:
    """Return the form of a section, filled with what is stored."""
    return fields(await desk.get(path))


async def stored(desk: Desk) -> Any:
    """Return the site's settings as they are stored now."""
    cached = await desk.services.cache.site("paper", max_age=0)
    assert cached is not None
    return cached.site.settings


@pytest.mark.parametrize("role", ROLES)
async def test_only_roles_with_the_verb_change_settings(desk: Desk, role: Role) -> None:
    before = await stored(desk)
    for path in (*SECTION_PATHS, "settings", "settings/history"):
        await desk.get(path, role, 200 if permits(role, "read_settings") else 403)
    if not permits(role, "settings"):
        for path in (*SECTION_PATHS, "settings/look/preview", "settings/take-back"):
            assert (await desk.post(path, role, moderation="pre")).status_code == 403
        assert await stored(desk) == before


async def test_another_sites_owner_finds_nothing(desk: Desk) -> None:
    for path in ("settings", "settings/look", "settings/history"):
        await desk.get(path, "elsewhere", 404)
    for path in ("settings/look", "settings/look/preview", "settings/take-back"):
        assert (await desk.post(path, "elsewhere", accent="#0c8577")).status_code == 404
    await desk.get("settings/no-such-section", status=404)


@pytest.mark.parametrize("path", SECTION_PATHS)
async def test_a_form_that_nobody_touched_changes_nothing(desk: Desk, path: str) -> None:
    before = await stored(desk)
    form = await form_of(desk, path)
    assert "Nothing would change." in (await desk.post(f"{path}/preview", **form)).text
    assert (await desk.post(path, **form)).status_code == 303
    assert await stored(desk) == before
    assert "No changes yet" in await desk.get("settings/history")


@pytest.mark.parametrize(
    ("path", "typed", "expected"),
    [
        ("reactions", {"prompt": "And <b>you</b>?"}, {"prompt": "And <b>you</b>?"}),
        ("writing", {"name": "required", "minutes": "5"}, {"name": "required", "edit_window": 300}),
        ("writing", {"guidelines_text": "Be **kind**"}, {"guidelines_text": "Be **kind**"}),
        ("moderation", {"moderation": "pre", "keep_days": "30"}, {"moderation": "pre"}),
        ("moderation", {"close_after_days": "14"}, {"close_after_days": 14}),
        ("look", {"accent": "#0c8577", "density": "0.8"}, {"accent": "#0c8577", "density": 0.8}),
        ("licence", {"comment_licence": "CC-BY-4.0"}, {"comment_licence": "CC-BY-4.0"}),
        ("republishing", {"open_republishing": "off"}, {"open_republishing": "off"}),
        ("republishing", {"older_copies": "readers"}, {"older_copies": "readers"}),
    ],
)
async def test_each_section_stores_what_was_typed(
    desk: Desk, path: str, typed: dict[str, str], expected: dict[str, Any]
) -> None:
    form = await form_of(desk, f"settings/{path}") | typed
    answer = await desk.post(f"settings/{path}", **form)
    assert answer.status_code == 303, text_of(answer.text)
    now = await stored(desk)
    assert {key: getattr(now, key) for key in expected} == expected
    again = await form_of(desk, f"settings/{path}")
    assert {key: again[key] for key in typed} == typed


async def test_a_switch_that_is_not_ticked_is_off(desk: Desk) -> None:
    form = await form_of(desk, "settings/republishing")
    del form["look_at_copies"]
    await desk.post("settings/republishing", **form)
    assert (await stored(desk)).look_at_copies is False


async def test_texts_of_a_language_get_a_field_when_it_is_added(desk: Desk) -> None:
    form = await form_of(desk, "settings/reactions?lang=fr")
    form |= {"prompt.fr": "Que ressentez-vous ?", "label.happy.fr": "Heureux", "language": "fr"}
    assert (await desk.post("settings/reactions", **form)).status_code == 303
    now = await stored(desk)
    assert now.prompts == {"fr": "Que ressentez-vous ?"}
    assert {one.key: dict(one.labels) for one in now.reactions}["happy"] == {"fr": "Heureux"}
    form = await form_of(desk, "settings/after")
    form |= {"action.1": "Help", "action.1.fr": "Aider", "url.1": "https://help.example"}
    assert (await desk.post("settings/after", **form)).status_code == 303
    call = (await stored(desk)).calls_to_action[0]
    assert (call.url, call.label, call.labels) == ("https://help.example", "Help", {"fr": "Aider"})


async def test_reactions_keep_their_keys_when_they_are_renamed_hidden_and_moved(
    desk: Desk,
) -> None:
    form = await form_of(desk, "settings/reactions")
    form |= {"label.happy": "Glad", "place.fired_up": "0", "label.new": "Very proud!"}
    form |= {"emoji.new": "🦚"}
    del form["offered.sad"]
    assert (await desk.post("settings/reactions", **form)).status_code == 303
    now = await stored(desk)
    assert [one.key for one in now.offered] == [
        "fired_up",
        "surprised",
        "thinking",
        "happy",
        "very_proud",
    ]
    assert {one.key: (one.label, one.hidden) for one in now.reactions}["sad"] == ("Sad", True)
    form = await form_of(desk, "settings/reactions") | {"offered.sad": "on"}
    await desk.post("settings/reactions", **form)
    assert "sad" in (await stored(desk)).reaction_keys()


async def test_a_drawing_is_reduced_to_paths_and_a_bad_one_is_refused_in_words(desk: Desk) -> None:
    form = await form_of(desk, "settings/reactions")
    good = '<svg viewBox="0 0 24 24"><path fill="#f00" d="M0 0h24v24H0z"/></svg>'
    assert (await desk.post("settings/reactions", **form | {"svg.happy": good})).status_code == 303
    face = {one.key: one.face for one in (await stored(desk)).reactions}["happy"]
    assert face is not None
    assert face[2] == "#ff0000"
    form = await form_of(desk, "settings/reactions")
    bad = "<svg><script>alert(1)</script></svg>"
    answer = await desk.post("settings/reactions", **form | {"svg.sad": bad})
    assert answer.status_code == 422
    assert "The drawing has &lt;script&gt;. Convert everything to paths first." in answer.text
    assert "<script>alert" not in answer.text
    dropped = await desk.post("settings/reactions", **form | {"drop.happy": "on"})
    assert dropped.status_code == 303
    assert {one.key: one.face for one in (await stored(desk)).reactions}["happy"] is None


@pytest.mark.parametrize(
    ("path", "typed", "words"),
    [
        ("look", {"accent": "#ffff00"}, "The nearest colour that works is"),
        ("look", {"density": "9"}, "Use a number from 0.75"),
        ("moderation", {"rate_limit_comment": "often"}, "Use count/seconds"),
        ("moderation", {"keep_days": "never"}, "Use"),
        ("writing", {"guidelines": "javascript:alert(1)"}, "Use an address that starts with"),
        ("writing", {"minutes": "soon"}, "Use a whole number"),
        ("after", {"action.1": "Go", "url.1": "x"}, "Write an address that starts with https://."),
        ("licence", {"comment_licence": "??"}, "Use an SPDX licence id"),
        ("reactions", {"place.happy": "first"}, "Write the place as a number from 1."),
    ],
)
async def test_a_wrong_value_is_named_at_its_field_and_nothing_is_stored(
    desk: Desk, path: str, typed: dict[str, str], words: str
) -> None:
    before = await stored(desk)
    form = await form_of(desk, f"settings/{path}") | typed
    answer = await desk.post(f"settings/{path}", **form)
    assert answer.status_code == 422
    errors = re.findall(r'class="err" id="[^"]*">.*?</svg>(.*?)</span>', answer.text)
    assert any(html.unescape(error).strip().startswith(words) or words in error for error in errors)
    assert fields(answer.text) | typed == fields(answer.text)
    assert await stored(desk) == before


async def test_the_nearest_readable_colour_is_offered_and_works(desk: Desk) -> None:
    form = await form_of(desk, "settings/look") | {"accent": "#ffff00"}
    answer = await desk.post("settings/look", **form)
    offered = re.search(r'name="accent" value="(#[0-9a-f]{6})" formaction', answer.text)
    assert offered is not None
    assert (await desk.post("settings/look", **form | {"accent": offered[1]})).status_code == 303
    assert (await stored(desk)).accent == offered[1]


async def test_what_changes_for_whom_is_said_before_saving(desk: Desk) -> None:
    story = desk.server.publisher.story()
    grant, copy = await carry(desk.server, story, "https://a.example")
    await feel(desk.server, grant)
    await read(desk.server, story.code, copy)
    form = await form_of(desk, "settings/reactions")
    form |= {"prompt": "What now?", "label.happy": "Glad"}
    headers = OWN | {"HX-Request": "true"}
    answer = await desk.owner.post(
        "/admin/sites/paper/settings/reactions/preview", data=form, headers=headers
    )
    words = text_of(answer.text)
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert "2 changes, not saved yet" in words
    assert "Question: How does this article make you feel? → What now?" in words
    assert "Happy becomes Glad. 1 reaction was given to “Happy” and keeps counting:" in words
    assert "For 1 story. 1 open now, 1 reading:" in words
    plain = await desk.post("settings/reactions/preview", **form)
    assert words in text_of(plain.text)
    assert (await stored(desk)).prompt != "What now?"


async def test_a_conflict_keeps_what_was_typed_and_says_what_saving_would_change(
    desk: Desk,
) -> None:
    mine = await form_of(desk, "settings/look") | {"density": "0.9"}
    theirs = await form_of(desk, "settings/look") | {"accent": "#0c8577"}
    assert (await desk.post("settings/look", "editor", **theirs)).status_code == 303
    answer = await desk.post("settings/look", **mine)
    assert answer.status_code == 422
    words = text_of(answer.text)
    assert "Another person changed these settings meanwhile." in words
    assert "Accent: #0c8577 → nothing" in words
    form = fields(answer.text)
    assert form["density"] == "0.9"
    assert (await desk.post("settings/look", **form)).status_code == 303
    assert (await stored(desk)).density == 0.9


async def test_history_names_who_and_taking_back_gives_the_earlier_values(desk: Desk) -> None:
    before = (await stored(desk)).to_json()
    form = await form_of(desk, "settings/moderation") | {"moderation": "pre", "keep_days": "3"}
    await desk.post("settings/moderation", "editor", **form)
    page = await desk.get("settings/history")
    assert "Editor : When does a comment appear? At once → After approval" in text_of(page)
    decision = re.search(r'name="decision" value="(\w+)"', page)
    assert decision is not None
    answer = await desk.post("settings/take-back", decision=decision[1])
    assert answer.headers["location"].endswith("done=settings_taken_back")
    assert (await stored(desk)).to_json() == before
    page = await desk.get("settings/history")
    assert "Taken back" in text_of(page)
    assert 'name="decision"' not in page
    assert (await desk.post("settings/take-back", decision="none")).status_code == 404


@pytest.mark.parametrize("path", [*SECTION_PATHS, "settings/history"])
async def test_the_first_answer_reads_at_most_five_statements(desk: Desk, path: str) -> None:
    await carry(desk.server, desk.server.publisher.story(), "https://a.example")
    form = await form_of(desk, "settings/look") | {"density": "0.9"}
    await desk.post("settings/look", **form)
    await desk.get(path)
    with Statements(desk.server) as statements:
        await desk.get(path)
    assert 1 <= len(statements.texts) <= 5


async def test_the_widget_beside_the_form_does_not_change_the_storys_credit(desk: Desk) -> None:
    story = desk.server.publisher.story(title="Its title", license="CC-BY-SA-4.0")
    await carry(desk.server, story, "https://a.example")
    page = await desk.get("settings")
    frame = re.search(r'<iframe class="preview" sandbox="allow-scripts" src="([^"]*)"', page)
    assert frame is not None
    shown = await authorize.authorize_iframe(desk.services, frame[1].rpartition("/")[2])
    assert (shown.story.title, shown.story.license) == ("Its title", "CC-BY-SA-4.0")
    assert shown.claims is not None
    assert shown.claims.can == ("read",)


async def test_the_widget_beside_the_form_is_no_copy(desk: Desk) -> None:
    await carry(
        desk.server, desk.server.publisher.story(label="The only copy"), "https://a.example"
    )
    page = await desk.get("settings")
    frame = re.search(r'<iframe class="preview" sandbox="allow-scripts" src="([^"]*)"', page)
    assert frame is not None
    token = frame[1].rpartition("/")[2]
    grant = await authorize.authorize(desk.services, token=token, code=None, origin="null")
    assert await copies.record_seen(desk.services, grant, "a network") is None
    assert "Where your stories can be read: 1 page " in text_of(await desk.get("copies")) + " "
    assert "1 token " in text_of(await desk.get("tokens"))


async def shown_settings(page: str) -> dict[str, Any]:
    """Return the settings that the address of a page's preview names."""
    frame = re.search(
        r'<iframe class="preview" sandbox="allow-scripts" src="([^"#]*)(#[^"]*)?"', page
    )
    assert frame is not None
    found = json.loads(unquote((frame[2] or "#{}")[1:]))
    return dict(found.get("settings", {}))


async def test_the_preview_shows_what_stands_in_the_form_before_it_is_saved(desk: Desk) -> None:
    await carry(desk.server, desk.server.publisher.story(), "https://a.example")
    form = await form_of(desk, "settings/look") | {"accent": "#0c8577", "density": "0.9"}
    assert await shown_settings(await desk.get("settings/look")) == {}
    whole = await desk.post("settings/look/preview?as=en", **form)
    shown = await shown_settings(whole.text)
    assert (shown["accent"], shown["density"]) == ("#0c8577", 0.9)
    # The language that was chosen stays, with what was typed.
    assert re.search(r'preview\?as=en" aria-current="true"', whole.text)
    assert fields(whole.text)["accent"] == "#0c8577"
    part = await desk.owner.post(
        "/admin/sites/paper/settings/look/preview",
        data=form,
        headers=OWN | {"HX-Request": "true"},
    )
    found = re.search(r'<data hidden value="#([^"]*)" data-preview>', part.text)
    assert found is not None
    assert json.loads(unquote(found[1]))["settings"] == shown
    assert (await stored(desk)).accent is None
    wrong = await desk.post("settings/look/preview", **form | {"accent": "yellow"})
    assert await shown_settings(wrong.text) == {}


async def test_a_preview_sends_every_setting_that_readers_are_sent(desk: Desk) -> None:
    await carry(desk.server, desk.server.publisher.story(), "https://a.example")
    for path in SECTION_PATHS:
        form = await form_of(desk, path)
        shown = await shown_settings((await desk.post(f"{path}/preview", **form)).text)
        expected = serializers.settings(await stored(desk))
        assert shown == json.loads(json.dumps(expected)), path
