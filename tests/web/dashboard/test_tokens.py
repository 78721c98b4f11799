"""The page of tokens: make one with its snippets, list, revoke; and the keys that sign them."""

import html
import json
import re
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from tests.operations.owner_harness import Statements, carry
from tests.web.dashboard.desk import HOST, ROLES, Desk, text_of
from widget_server.auth.permissions import permits
from widget_server.auth.tokens import story_code
from widget_server.model.actors import Role
from widget_server.model.errors import TokenRevokedError
from widget_server.operations.owners.sign_in import STRONG_MS
from widget_server.operations.owners.token_form import FORMS
from widget_server.operations.readers import authorize

NEW: dict[str, Any] = {
    "title": "Who owns the rain?",
    "url": "https://press.example/rain",
    "author": "Ines Falk",
    "licence": "CC-BY-4.0",
    "origins": "northside.example\nhttps://*.lapassade.example",
    "can": ["read", "react"],
    "label": "Northside Weekly",
    "lang": "fr",
    "expires": "365",
}


def snippet(answer: httpx.Response, form: str) -> str:
    """Return a snippet of the page."""
    found = re.search(
        rf'id="snippet-{form}" dir="ltr" tabindex="0">(.*?)</code>', answer.text, re.DOTALL
    )
    assert found is not None, text_of(answer.text)
    return html.unescape(found[1])


def token_of(answer: httpx.Response) -> str:
    """Return the token in the page's first snippet."""
    found = re.search(r'data-widget-token="([^"]+)"', snippet(answer, "html"))
    assert found is not None
    return found[1]


def error(answer: httpx.Response, field: str) -> str:
    """Return the words under a field."""
    found = re.search(
        rf'id="{re.escape(field)}-error">.*?</svg> <bdi>(.*?)</bdi></span>', answer.text
    )
    assert found is not None, text_of(answer.text)
    return html.unescape(found[1]).strip()


@pytest.mark.parametrize("role", ROLES)
async def test_only_roles_with_the_verbs_see_and_make_tokens(desk: Desk, role: Role) -> None:
    for path in ("tokens", "tokens/keys"):
        await desk.get(path, role, 200 if permits(role, "read_tokens") else 403)
    answer = await desk.post("tokens", role, **NEW)
    assert answer.status_code == (200 if permits(role, "token") else 403)
    for verb in ("rotate", "retire"):
        if not permits(role, verb):
            assert (await desk.post(f"tokens/keys/{verb}", role)).status_code == 403
    if not permits(role, "revoke"):
        assert (await desk.post("tokens/revoke", role, jti="x")).status_code == 403


async def test_another_sites_owner_finds_nothing(desk: Desk) -> None:
    await desk.get("tokens", "elsewhere", 404)
    for path in ("tokens", "tokens/revoke", "tokens/keys/rotate", "tokens/keys/retire"):
        assert (await desk.post(path, "elsewhere", **NEW)).status_code == 404


async def test_a_token_says_what_the_form_said(desk: Desk) -> None:
    answer = await desk.post("tokens", **NEW)
    grant = await authorize.authorize(
        desk.services, token=token_of(answer), code=None, origin="https://northside.example"
    )
    claims = grant.claims
    assert claims is not None
    assert claims.origins == ("https://northside.example", "https://*.lapassade.example")
    assert (claims.can, claims.label, claims.lang) == (("read", "react"), "Northside Weekly", "fr")
    assert (claims.exp or 0) - claims.iat == 365 * 86_400
    assert (grant.story.title, grant.story.author) == ("Who owns the rain?", "Ines Falk")
    assert grant.story.code == story_code("paper", "press.example/rain")


async def test_the_snippet_comes_in_every_form_with_the_real_widget_beside_it(desk: Desk) -> None:
    answer = await desk.post("tokens", **NEW)
    texts = {form: snippet(answer, form) for form in FORMS}
    token = token_of(answer)
    for form in ("html", "wordpress", "ghost", "element", "link", "iframe", "jsx"):
        assert token in texts[form]
    assert token not in texts["markdown"]
    assert "<script" not in texts["link"]
    frame = re.search(r'<iframe class="preview" sandbox="([^"]*)" src="([^"]*)"', answer.text)
    assert frame is not None
    assert frame[1] == "allow-scripts"
    token, _, fragment = frame[2].rpartition("/")[2].partition("#")
    shown = await authorize.authorize_iframe(desk.services, token)
    # Only the dashboard may frame it: behind # it may show settings that are not saved.
    assert (shown.ancestors, shown.claims and shown.claims.can) == ((HOST,), ("read",))
    assert json.loads(unquote(fragment)) == {"can": ["read", "react"]}


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"title": "", "url": ""}, "story", "Choose a story, or make a new one below."),
        ({"story": "no-such"} | {"title": ""}, "story", "No story has this code or key."),
        ({"origins": "http://plain.example"}, "origins", "http://plain.example: An origin with"),
        ({"url": "not an address"}, "url", "Write the whole address of the story"),
        ({"can": []}, "can", "Tick at least one thing"),
        ({"lang": "in French"}, "lang", "Write a language as de"),
        ({"expires": "date", "date": "soon"}, "date", "Write a day as 2027-01-31."),
        ({"expires": "date", "date": "2001-01-31"}, "date", "Choose a day that is not over."),
        ({"licence": "mine"}, "licence", "Choose a licence of the list."),
        ({"label": "x" * 101}, "label", "The claim label must be one line"),
    ],
)
async def test_a_wrong_field_is_named_and_the_form_kept(
    desk: Desk, change: dict[str, Any], field: str, words: str
) -> None:
    answer = await desk.post("tokens", **NEW | change)
    assert answer.status_code == 422
    assert error(answer, field).startswith(words)
    assert 'value="Ines Falk"' in answer.text
    assert "No tokens yet" in answer.text


async def test_a_known_story_keeps_its_credit(desk: Desk) -> None:
    await desk.post("tokens", **NEW)
    known = {"story": "press.example/rain", "can": "read", "expires": "never"}
    answer = await desk.post("tokens", **known | {"title": "Another title"})
    assert "Who owns the rain?" in snippet(answer, "html")
    story = await desk.services.cache.story(story_code("paper", "press.example/rain"), fresh=True)
    assert story is not None
    assert story.title == "Who owns the rain?"


async def test_the_list_says_what_each_token_is_and_where_it_was_made(desk: Desk) -> None:
    await desk.post("tokens", **NEW | {"label": "<b>bold</b>"})
    story = desk.server.publisher.story(label="Signed by ourselves")
    await carry(desk.server, story, "https://a.example")
    page = await desk.get("tokens")
    assert "<b>bold</b>" not in page
    words = text_of(page)
    assert "&lt;b&gt;bold&lt;/b&gt;" in words
    assert "read, react Never seen until" in words
    assert "made elsewhere" in words.partition("Signed by ourselves")[2]
    assert "all In use" in words.partition("Signed by ourselves")[2]
    only = text_of(await desk.get("tokens?elsewhere=1"))
    assert "Signed by ourselves" in only
    assert "bold" not in only.partition("Tokens of this site")[2]
    assert "No such token" in await desk.get("tokens?status=revoked")


async def test_a_revoked_token_can_only_read(desk: Desk) -> None:
    story = desk.server.publisher.story()
    grant, _ = await carry(desk.server, story, "https://a.example")
    assert grant.claims is not None
    jti = grant.claims.jti
    step = text_of(await desk.get(f"tokens?revoke={jti}"))
    assert "1 page uses it: a.example/article" in step
    answer = await desk.post("tokens/revoke", jti=jti)
    assert answer.headers["location"].endswith("tokens?done=token_revoked")
    await desk.services.cache.site("paper", max_age=0)
    again = await desk.server.grant(story, "https://a.example")
    assert isinstance(again.denial, TokenRevokedError)
    assert set(again.permissions) == {"read"}


async def test_retiring_names_the_live_copies_before_its_button_works(desk: Desk) -> None:
    story = desk.server.publisher.story(label="La Passade", title="Rain")
    await carry(desk.server, story, "https://lapassade.example")
    answer = await desk.post("tokens/keys/rotate")
    assert answer.headers["location"].endswith("done=key_rotated")
    page = await desk.get("tokens/keys?retire=1")
    assert "1 live copy stops at once:" in text_of(page)
    assert "La Passade , lapassade.example/article" in text_of(page)
    seen = re.search(r'name="seen" value="([^"]*)"', page)
    assert seen is not None
    refused = await desk.post("tokens/keys/retire", seen=seen[1])
    assert (refused.status_code, error(refused, "know")) == (422, "Tick this first.")
    other = desk.server.publisher.story()
    await carry(desk.server, other, "https://new.example")
    refused = await desk.post("tokens/keys/retire", seen=seen[1], know="1")
    assert refused.status_code == 422
    assert error(refused, "know").startswith("What would stop has changed since.")
    seen = re.search(r'name="seen" value="([^"]*)"', refused.text)
    assert seen is not None
    answer = await desk.post("tokens/keys/retire", seen=seen[1], know="1")
    assert answer.headers["location"].endswith("done=key_retired")
    assert "Retired" in text_of(await desk.get("tokens"))


async def test_keys_ask_again_who_it_is(desk: Desk) -> None:
    desk.people["old"] = await desk.add("owner", proved_ago=STRONG_MS + 60_000)
    for verb in ("rotate", "retire"):
        answer = await desk.post(f"tokens/keys/{verb}", "old", seen="1.0.0")
        assert answer.status_code == 403
        assert "Is it you?" in answer.text
    assert "Generation 2" not in text_of(await desk.get("tokens/keys"))


@pytest.mark.parametrize("path", ["tokens", "tokens/keys"])
async def test_the_first_answer_reads_at_most_five_statements(desk: Desk, path: str) -> None:
    await desk.post("tokens", **NEW)
    with Statements(desk.server) as statements:
        await desk.get(path)
    assert 1 <= len(statements.texts) <= 5
