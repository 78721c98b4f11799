"""`/s/CODE`, the discussion's own page, and `/s/CODE/write`, the same with forms."""

import asyncio
import json
import re
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.contract.make_tokens import code as story_code
from tests.e2e.publisher import Publisher, Story
from tests.waiting import wait_until
from tests.web.plain_reader import PlainReader
from tests.web.shared_server import PAGE, SharedServer, rejection
from widget_server.model import accent
from widget_server.model.errors import MalformedError
from widget_server.model.limits import MAX_RESPONSE_BYTES
from widget_server.model.settings import SiteSettings
from widget_server.web.pages import layout, theme
from widget_server.web.pages.form_data import MAX_FIELDS, parse_form
from widget_server.web.pages.translate import LOCALES, Translator, plural_category

# What is tested here lies before the database: `make slow-tests` runs it on PostgreSQL, too.
pytestmark = pytest.mark.slow("postgresql")

ROOT = Path(__file__).parents[2]
BROWSER = {"Accept": "text/html"}


def reader_of(server: SharedServer, story: Story, query: str = "", **headers: str) -> PlainReader:
    return PlainReader(server.http, story.code, query, **headers)


def new_site(server: SharedServer, *rules: str) -> tuple[str, Publisher]:
    slug = f"s-{uuid.uuid4().hex[:8]}"
    return slug, server.site(slug, *rules)


def counts(server: SharedServer, story: Story) -> dict[str, int]:
    found: dict[str, int] = server.snapshot(story)["tally"]["counts"]
    return {key: n for key, n in found.items() if n}


def threads(server: SharedServer, story: Story) -> list[Any]:
    found: list[Any] = server.snapshot(story)["comments"]["threads"]
    return found


def stored_reports(server: SharedServer, comment: str) -> list[str]:
    async def read() -> list[str]:
        engine = create_async_engine(server.server.env["DATABASE_URL"])
        async with engine.connect() as connection:
            asked = text("SELECT reason FROM reports WHERE comment = :id")
            found = (await connection.execute(asked, {"id": comment})).scalars().all()
        await engine.dispose()
        return list(found)

    return asyncio.run(read())


# The page -----------------------------------------------------------------------------------------


def test_the_page_holds_the_embed_and_inside_it_the_discussion(shared_server: SharedServer) -> None:
    story = shared_server.story(
        title="The ferry", author="Ines", publisher="Press", url="https://copy.example/ferry"
    )
    shared_server.post(story, "A *first* word", name="Ana")
    answer = shared_server.http.get(f"/s/{story.code}")
    within = answer.text.split(f'<story-widget src="{shared_server.url}/s/{story.code}">')[1]
    within = within.split("</story-widget>")[0]
    for words in ("How does this article", "1 comment", "<em>first</em>", "Ana", "/write"):
        assert words in within
    for line in (
        '<link rel="canonical" href="https://copy.example/ferry">',
        '<meta name="robots" content="noindex">',
        '<a rel="license" href="https://creativecommons.org/licenses/by/4.0/">CC BY 4.0</a>',
        "Your data stays with Press.",
    ):
        assert line in answer.text
    assert answer.headers["cache-control"] == "public, max-age=5"
    assert "form-action 'none'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "<form" not in answer.text


def test_the_page_names_an_icon_of_this_server(shared_server: SharedServer) -> None:
    """A card of the page elsewhere would else have one from a service that learns who reads it."""
    story = shared_server.story()
    shared_server.register(story)
    page = shared_server.http.get(f"/s/{story.code}")
    (address,) = re.findall(r'<link rel="icon" type="image/svg\+xml" href="([^"]+)">', page.text)
    assert address.startswith(f"{shared_server.url}/static/icon.svg?")
    assert "img-src 'self';" in page.headers["content-security-policy"]
    icon = shared_server.http.get(address)
    assert (icon.status_code, icon.headers["content-type"]) == (200, "image/svg+xml")
    assert icon.headers["cross-origin-resource-policy"] == "cross-origin"
    assert icon.text.startswith("<svg ")
    assert "<script" not in icon.text


def test_search_engines_may_list_the_page_where_the_site_says_so(
    shared_server: SharedServer,
) -> None:
    _, publisher = new_site(shared_server, "search_engines=on")
    story = publisher.story()
    shared_server.register(story)
    assert 'content="noindex"' not in shared_server.http.get(f"/s/{story.code}").text
    write = shared_server.http.get(f"/s/{story.code}/write")
    assert 'content="noindex"' in write.text
    assert write.headers["x-robots-tag"] == "noindex"


def test_texts_of_the_site_stand_on_the_page_in_the_language_of_the_reader(
    shared_server: SharedServer,
) -> None:
    _, publisher = new_site(
        shared_server,
        "prompt.es=¿Cómo te deja?",
        "reactions=happy,angry:Angry:😠",
        "reactions.es=angry:Enfado",
        "guidelines_text=Be **kind** <b>.",
        "guidelines_text.es=Sé *amable*.",
        "comment_licence=CC-BY-4.0",
        "calls_to_action=https://press.example/lend Lend & read",
        "calls_to_action.es=Presta un libro",
    )
    story = publisher.story()
    shared_server.register(story)
    spanish = shared_server.http.get(f"/s/{story.code}?lang=es").text
    assert "¿Cómo te deja?" in spanish
    assert "Enfado" in spanish
    assert "<em>amable</em>" in spanish
    german = shared_server.http.get(f"/s/{story.code}?lang=de").text
    assert "Angry" in german
    assert "<strong>kind</strong> &lt;b&gt;" in german
    reader = reader_of(shared_server, story)
    assert "Published under CC-BY-4.0." in reader.html
    assert "What can I do?" not in reader.html
    reader.press("react::angry")
    # In a page of its own: who leaves this one is a new reader when they come back.
    link = '<a href="https://press.example/lend" target="_blank" rel="noopener">'
    assert f"{link}<bdi>Lend &amp; read</bdi></a>" in reader.html
    reader.press("unreact")
    assert "What can I do?" not in reader.html


def test_only_copies_that_agree_are_listed(shared_server: SharedServer) -> None:
    slug, publisher = new_site(shared_server)
    key = f"2026/{uuid.uuid4().hex}"
    original, code = "https://paper.example/one", story_code(slug, key)

    def copy(host: str, page: str | None = None, **claims: Any) -> None:
        given: dict[str, Any] = {"list": True, "url": original, "origins": [f"https://{host}"]}
        token = publisher.token(key, **{**given, **claims})
        story = Story(key, code, token)
        shared_server.post(story, origin=f"https://{host}", page=page or f"https://{host}/a?b=1#c")

    copy("agrees.example", label="Agrees & Co", lang="ar")
    copy("wild.example", origins=["https://*.example"])
    copy("silent.example", list=False)
    copy("any.example", origins=["*"])
    copy("revoked.example", jti="gone")
    copy("out.example")
    copy("paper.example", original)
    shared_server.cli("site", "revoke", slug, "gone")
    shared_server.cli("site", "shut-out", slug, "https://out.example")

    def listed() -> list[str]:
        html = shared_server.http.get(f"/s/{code}").text.split("<aside")[1].split("</aside>")[0]
        return re.findall(r'<li><a href="([^"]+)"', html)

    wanted = [original, "https://agrees.example/a", "https://wild.example/a"]
    wait_until(lambda: listed() == wanted, "the withdrawn copies are not listed any more")
    html = shared_server.http.get(f"/s/{code}").text
    assert "<bdi>Agrees &amp; Co</bdi>" in html
    assert "<bdi>العربية</bdi>" in html


def test_the_guidelines_stand_where_a_comment_is_written(shared_server: SharedServer) -> None:
    _, publisher = new_site(
        shared_server, "guidelines_text=Be **kind**.", "guidelines=https://press.example/rules"
    )
    story = publisher.story()
    comment = shared_server.post(story)["comment"]["id"]
    for query in ("", f"?reply={comment}"):
        html = shared_server.http.get(f"/s/{story.code}/write{query}").text
        composer = html.split('<div class="composer"')[1].split('<ol class="comments"')[0]
        assert "<summary" in composer
        assert "Be <strong>kind</strong>." in composer
        # What was typed stays: the link opens a page of its own.
        assert '<a href="https://press.example/rules" target="_blank" rel="noopener">' in composer
        assert html.count("Be <strong>kind</strong>.") == 1
    report = shared_server.http.get(f"/s/{story.code}/write?report={comment}").text
    assert report.count("Be <strong>kind</strong>.") == 1
    shared_server.cli("story", "close", story.code)
    assert "Be <strong>kind</strong>." in shared_server.http.get(f"/s/{story.code}/write").text


def test_guidelines_that_are_only_linked_are_linked_where_a_comment_is_written(
    shared_server: SharedServer,
) -> None:
    _, publisher = new_site(shared_server, "guidelines=https://press.example/rules")
    story = publisher.story()
    shared_server.register(story)
    html = shared_server.http.get(f"/s/{story.code}/write").text
    composer = html.split('<div class="composer"')[1].split('<ol class="comments"')[0]
    assert (
        'href="https://press.example/rules" target="_blank" rel="noopener">Guidelines</a>'
        in composer
    )


def test_a_reader_without_javascript_shares_the_page_by_mail_or_address(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story()
    # On the page itself the embed shares, if there is JavaScript.
    for path, before in ((f"/s/{story.code}", "<noscript>"), (f"/s/{story.code}/write", "<body>")):
        plain = shared_server.http.get(path).text.split(before, 1)[1]
        mail = re.findall(r'href="mailto:\?subject=([^&]+)&amp;body=([^"]+)"', plain)
        assert [unquote(body) for _, body in mail] == [f"{shared_server.url}/s/{story.code}"]
        assert f'<a href="{shared_server.url}/s/{story.code}" dir="ltr">' in plain


def test_the_page_speaks_the_language_of_the_reader(shared_server: SharedServer) -> None:
    story = shared_server.story()
    path = f"/s/{story.code}"
    for accepts, lang in (
        ("de-CH, en;q=0.5", "de"),
        ("xx, ar;q=0.2, pl;q=0.8", "pl"),
        ("", "en"),
        ("fr;q=0, *", "en"),
    ):
        answer = shared_server.http.get(path, headers={"Accept-Language": accepts})
        assert f'<html lang="{lang}"' in answer.text
        assert answer.headers["content-language"] == lang
        assert "Accept-Language" in answer.headers["vary"]
    arabic = shared_server.http.get(path, params={"lang": "ar"}).text
    assert '<html lang="ar" dir="rtl">' in arabic
    assert f"/s/{story.code}/write?lang=ar" in arabic
    form = reader_of(shared_server, story, "?lang=ja")
    assert "あなた" in form.html or "コメント" in form.html
    assert f'action="{form.path}?lang=ja"' in form.html


def test_order_links_show_the_comments_in_that_order(shared_server: SharedServer) -> None:
    story = shared_server.story()
    ids = [shared_server.post(story, f"number {n}")["comment"]["id"] for n in range(3)]

    def shown(html: str) -> list[str]:
        return re.findall(r'<article id="c-([\w-]+)"', html)

    path = f"/s/{story.code}"
    assert shown(shared_server.http.get(path).text) == ids[::-1]
    assert shown(shared_server.http.get(path, params={"order": "oldest"}).text) == ids
    reader = reader_of(shared_server, story)
    reader.press("go:order=oldest", body="typed")
    assert shown(reader.html) == ids
    reader.press(f"on:{ids[1]}:happy")
    assert shown(reader.html) == ids, "the next step stays in that order"
    assert reader.page.fields["body"] == "typed"


def test_a_removed_comment_is_shown_only_above_replies(shared_server: SharedServer) -> None:
    story = shared_server.story()
    posted = [shared_server.post(story, f"number {n}", name=f"N{n}") for n in range(2)]
    top, lonely = (one["comment"]["id"] for one in posted)
    reply = shared_server.post(story, "a reply", parent=top, name="Zoe")
    answer = shared_server.post(story, "to Zoe", parent=reply["comment"]["id"])["comment"]["id"]
    path = f"/s/{story.code}"
    assert "<span>to Zoe</span>" in shared_server.http.get(path).text
    for one in (*posted, reply):
        shared_server.action(story, "delete", comment=one["comment"]["id"], reader=one["reader"])
    for where in (path, f"{path}/write"):
        html = shared_server.http.get(where).text
        assert re.findall(r'<article id="c-([\w-]+)"', html) == [top, answer]
        assert html.count("This comment was removed.") == 1
        assert "<span>to " not in html
    permalink = shared_server.http.get(path, params={"thread": lonely}).text
    assert f'<article id="c-{lonely}">' in permalink
    assert "This comment was removed." in permalink


# Privacy ------------------------------------------------------------------------------------------


def test_what_a_reader_is_known_by_is_in_hidden_fields_only(shared_server: SharedServer) -> None:
    story = shared_server.story()
    shared_server.post(story)
    reader = reader_of(shared_server, story)
    answers = [reader.answer, reader.press("react::happy"), reader.press("post", body="mine")]
    for answer in answers:
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "same-origin"
        policy = answer.headers["content-security-policy"]
        assert "form-action 'self'" in policy
        assert "script-src" not in policy
        assert "unsafe" not in policy
        assert "<script" not in answer.text
        assert "set-cookie" not in answer.headers
        assert "location" not in answer.headers
        assert "You are known while you go on from this page." in answer.text
    token = reader.page.fields["reader"]
    assert token.startswith("r1.")
    assert {"reader", "first", "key"} <= reader.page.hidden
    secrets = [token, reader.page.fields["first"], reader.page.fields["key"]]
    assert not [one for one in secrets if any(one in at for at in reader.page.addresses)]
    assert reader.html.count(token) == 1


def test_a_form_of_another_page_is_refused(shared_server: SharedServer) -> None:
    story = shared_server.story()
    own = shared_server.url
    for headers in (
        {"Origin": "https://copy.example"},
        {"Origin": "null"},
        {"Origin": own, "Sec-Fetch-Site": "cross-site"},
        {"Origin": own, "Sec-Fetch-Site": "same-site"},
        {"Origin": own, "Sec-Fetch-Site": "none"},
        {"Origin": ""},
    ):
        reader = reader_of(shared_server, story)
        reader.headers |= headers
        if not headers["Origin"]:
            del reader.headers["Origin"]
        answer = reader.press("react::happy", body="words of a stranger")
        assert answer.status_code == 403
        assert "words of a stranger" not in answer.text
    assert counts(shared_server, story) == {}
    reader = reader_of(shared_server, story, **{"Sec-Fetch-Site": "same-origin"})
    assert reader.press("react::happy").status_code == 200
    assert counts(shared_server, story) == {"happy": 1}


def test_a_token_that_is_not_valid_is_not_repeated(shared_server: SharedServer) -> None:
    story = shared_server.story()
    reader = reader_of(shared_server, story)
    fields = {**reader.page.fields, "reader": "r1.press.made-up", "first": "x", "key": '"><b>'}
    answer = reader.send({**fields, "do": "preview", "body": "x"})
    assert answer.status_code == 200
    assert "made-up" not in answer.text
    assert '"><b>' not in answer.text
    assert reader.page.fields["key"] != '"><b>'


# Steps --------------------------------------------------------------------------------------------


def test_one_reader_does_everything_from_page_to_page(shared_server: SharedServer) -> None:
    story = shared_server.story()
    other = shared_server.post(story, "of someone else", name="Ana")["comment"]["id"]
    reader = reader_of(shared_server, story)

    reader.press("react::happy")
    assert "Your reaction was saved." in reader.html
    assert reader.page.buttons["unreact"]["aria-pressed"] == "true"
    reader.press("react::sad")
    assert counts(shared_server, story) == {"sad": 1}, "one reader has one reaction"
    reader.press("unreact")
    assert counts(shared_server, story) == {}

    reader.press("post", body="My *own*\n\nwords", name="Bo")
    assert "Your comment was posted." in reader.html
    (mine,) = [one for one in threads(shared_server, story) if one["id"] != other]
    assert mine["author"]["name"] == "Bo"
    assert mine["copy"]["origin"] == shared_server.url
    assert reader.page.fields["body"] == ""
    assert reader.page.fields["name"] == "Bo"

    reader.press(f"on:{other}:happy")
    assert reader.page.buttons[f"off:{other}:happy"]["aria-pressed"] == "true"
    reader.press(f"off:{other}:happy")

    reader.press(f"reply:{other}")
    assert "Your reply to Ana" in reader.html
    reader.press("post", body="a reply")
    found = next(one for one in threads(shared_server, story) if one["id"] == other)
    assert [reply["text"] for reply in found["replies"]] == [[["p", None, "a reply"]]]

    reader.press(f"report:{other}")
    reader.press(f"send-report:{other}", reason="It is rude")
    assert "Your report was saved." in reader.html
    assert stored_reports(shared_server, other) == ["It is rude"]

    reader.press(f"edit:{mine['id']}", body="a draft")
    assert reader.page.fields["body"] == "My *own*\n\nwords"
    reader.press("save", body="Changed")
    assert reader.page.fields["body"] == "a draft", "what was being written comes back"
    edited = next(one for one in threads(shared_server, story) if one["id"] == mine["id"])
    assert (edited["text"], bool(edited["edited_at"])) == ([["p", None, "Changed"]], True)

    reader.press(f"delete:{mine['id']}")
    assert "This cannot be undone." in reader.html
    reader.press(f"erase:{mine['id']}")
    assert "Your comment was deleted." in reader.html
    gone = next(one for one in threads(shared_server, story) if one["id"] == mine["id"])
    assert gone["state"] == "removed"


def test_a_step_that_is_sent_twice_is_done_once(shared_server: SharedServer) -> None:
    story = shared_server.story()
    reader = reader_of(shared_server, story)
    reader.press("react::happy")
    first = reader.page.fields["reader"]
    reader.again()
    assert counts(shared_server, story) == {"happy": 1}
    fresh = reader_of(shared_server, story)
    fresh.press("post", body="once")
    fresh.again()
    fresh.again()
    assert "Your comment was posted." in fresh.html
    assert len(threads(shared_server, story)) == 1
    assert fresh.page.fields["reader"] != first
    fresh.press("post", body="once")
    assert len(threads(shared_server, story)) == 2, "the same words again are another comment"


def test_a_lost_answer_leaves_the_reader_the_same_one(shared_server: SharedServer) -> None:
    story = shared_server.story()
    reader = reader_of(shared_server, story)
    opened = reader.page
    reader.press("post", body="first words")
    # The answer was lost: the reader still has the page before, and presses another button.
    reader.page = opened
    reader.press("react::happy")
    comment = threads(shared_server, story)[0]["id"]
    assert f"edit:{comment}" in reader.page.buttons


def test_what_was_typed_stays_whatever_happens(shared_server: SharedServer) -> None:
    story = shared_server.story()
    other = shared_server.post(story)["comment"]["id"]
    typed = {"body": "  \n<b>two\nlines</b> & more", "name": "Zoë", "email": "a@b.example"}
    reader = reader_of(shared_server, story)
    for step in ("react::happy", f"on:{other}:sad", "preview", f"reply:{other}", "cancel"):
        reader.press(step, **(typed if step == "react::happy" else {}))
        assert {name: reader.page.fields[name] for name in typed} == typed, step
    reader.press(f"report:{other}")
    reader.press("cancel", reason="unsaid")
    assert {name: reader.page.fields[name] for name in typed} == typed


@pytest.mark.parametrize(
    ("typed", "status", "field", "words"),
    [
        ({"body": " \n "}, 422, "text", "Write a comment first."),
        ({"body": "x" * 5_001}, 413, "text", "A comment is at most 5,000 characters long."),
        ({"body": "a", "email": "nobody"}, 422, "email", "An email address looks like"),
        ({"body": "a", "website": "x"}, 422, "website", "A website’s address"),
        ({"body": "a", "name": "Ana ✓"}, 422, "name", "Only names of signed-in readers"),
        ({"body": "a", "name": "\u200b"}, 422, "name", "The name has no visible character"),
    ],
)
def test_an_error_stands_at_its_field(
    shared_server: SharedServer, typed: dict[str, str], status: int, field: str, words: str
) -> None:
    story = shared_server.story()
    reader = reader_of(shared_server, story)
    answer = reader.press("post", **typed)
    assert answer.status_code == status
    said = re.search(rf'id="{field}-error">([^<]*)', reader.html)
    assert said
    assert words.replace("’", "&#39;") in said[1]
    assert reader.html.count('aria-invalid="true"') == 1
    assert {name: reader.page.fields[name] for name in typed} == typed
    assert threads(shared_server, story) == []


def test_longest_comment_of_the_longest_characters_fits(shared_server: SharedServer) -> None:
    story = shared_server.story()
    reader = reader_of(shared_server, story)
    assert reader.press("post", body="𝄞" * 5_000).status_code == 200
    assert len(threads(shared_server, story)) == 1


def test_a_comment_that_waits_is_shown_to_its_writer_only(shared_server: SharedServer) -> None:
    _, publisher = new_site(shared_server, "moderation=pre")
    story = publisher.story()
    shared_server.register(story)
    reader = reader_of(shared_server, story)
    reader.press("post", body="held words")
    assert "Your comment is waiting for a moderator. Only you can see it." in reader.html
    assert "held words" in reader.html
    for path in (f"/s/{story.code}", reader.path):
        assert "held words" not in shared_server.http.get(path).text


def test_a_comment_that_waits_can_be_changed_and_deleted(shared_server: SharedServer) -> None:
    _, publisher = new_site(shared_server, "moderation=pre")
    story = publisher.story()
    shared_server.register(story)
    reader = reader_of(shared_server, story)
    reader.press("post", body="held words")
    (mine,) = re.findall(r'<article id="c-([\w-]+)"', reader.html)
    reader.press(f"edit:{mine}")
    reader.press("save", body="other words")
    assert "other words" in reader.html
    reader.press(f"delete:{mine}")
    assert "This cannot be undone." in reader.html
    reader.press(f"erase:{mine}")
    assert "Your comment was deleted." in reader.html
    assert "other words" not in reader.html


def test_one_reader_cannot_edit_the_comment_of_another(shared_server: SharedServer) -> None:
    story = shared_server.story()
    other = shared_server.post(story, "not yours")["comment"]["id"]
    reader = reader_of(shared_server, story)
    assert f"edit:{other}" not in reader.page.buttons
    for step in (f"edit:{other}", f"erase:{other}"):
        answer = reader.send({**reader.page.fields, "do": step})
        assert answer.status_code == 404
    assert threads(shared_server, story)[0]["state"] == "published"
    fields = {**reader.page.fields, "mode": f"edit:{other}", "body": "mine now", "do": "save"}
    assert reader.send(fields).status_code == 404
    assert threads(shared_server, story)[0]["text"] == [["p", None, "not yours"]]


def test_a_reader_deletes_what_they_wrote_from_this_page(shared_server: SharedServer) -> None:
    story = shared_server.story()
    shared_server.post(story, "of someone else")
    reader = reader_of(shared_server, story)
    assert "forget" not in reader.page.buttons, "nothing was written yet"
    reader.press("react::happy", name="Bo")
    reader.press("post", body="to be forgotten")
    reader.press("forget", body="not posted yet")
    assert "Delete what you wrote from this page?" in reader.html
    assert "For anything else, ask Press." in reader.html
    enter = re.search(r'<button class="visually-hidden" name="do" value="(\w+)"', reader.html)
    assert enter
    assert enter[1] == "cancel", "Enter deletes nothing"
    assert "post" not in reader.page.buttons
    reader.press("cancel")
    assert reader.page.fields["body"] == "not posted yet"
    assert len(threads(shared_server, story)) == 2
    reader.press("forget")
    known_by = {name: reader.page.fields[name] for name in ("reader", "first", "key")}
    reader.press("forget-all")
    assert "What you left from this page was deleted." in reader.html
    assert counts(shared_server, story) == {}
    assert "to be forgotten" not in json.dumps(threads(shared_server, story))
    assert "of someone else" in json.dumps(threads(shared_server, story))
    assert "forget" not in reader.page.buttons
    assert not [value for value in known_by.values() if value in reader.html]
    assert reader.page.fields["body"] == "not posted yet"
    assert reader.page.fields["name"] == ""
    reader.again()
    assert "What you left from this page was deleted." in reader.html
    reader.press("react::sad")
    assert counts(shared_server, story) == {"sad": 1}, "the next action makes a new reader"


def test_what_was_written_can_be_deleted_after_the_discussion_is_closed(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story()
    reader = reader_of(shared_server, story)
    reader.press("react::happy")
    shared_server.cli("story", "close", story.code)
    reader.press("forget")
    reader.press("forget-all")
    assert counts(shared_server, story) == {}


def test_a_reader_who_is_not_known_has_nothing_to_forget(shared_server: SharedServer) -> None:
    story = shared_server.story()
    reader = reader_of(shared_server, story)
    for fields in ({"mode": "forget"}, {"reader": "r1.press.made-up", "mode": "forget"}):
        reader.send({**reader.page.fields, **fields, "do": "cancel"})
        reader.send({**reader.page.fields, **fields, "do": "preview", "body": "x"})
        assert "forget-all" not in reader.page.buttons


def test_every_error_is_said_somewhere_and_takes_the_focus(shared_server: SharedServer) -> None:
    story = shared_server.story()
    other = shared_server.post(story)["comment"]["id"]
    reader = reader_of(shared_server, story)
    fields = reader.page.fields
    for about in (
        {"mode": f"delete:{other}", "do": f"erase:{other}"},  # No field in this mode.
        {"do": "on:AAAAAAAAAAAAAAAA:happy"},  # No such comment on the page.
        {"do": f"on:{other}:nothing"},
        {"do": "react::nothing"},
        {"do": "post", "body": " "},
        {"do": "post", "body": "a", "email": "nobody"},
    ):
        answer = reader.send({**fields, **about})
        assert answer.status_code >= 400, about
        assert len(re.findall(r'class="(?:error|notice) icon-alert"', reader.html)) == 1, about
        assert reader.html.count(" autofocus") == 1, about
    shared_server.cli("story", "close", story.code)
    reader.send({**fields, "do": "post", "body": "late"})
    assert "This discussion is closed." in reader.html.split('role="alert"')[1].split("</p>")[0]


def test_a_closed_discussion_takes_only_reports_and_deletions(
    shared_server: SharedServer,
) -> None:
    story = shared_server.story()
    other = shared_server.post(story, "of someone else")["comment"]["id"]
    shared_server.action(story, "react", comment=other, reaction="happy")
    reader = reader_of(shared_server, story)
    reader.press("post", body="mine")
    (mine,) = {do[5:] for do in reader.page.buttons if do.startswith("edit:")}
    early = reader.page
    shared_server.cli("story", "close", story.code)
    answer = reader.press("post", body="too late")
    assert answer.status_code == 409
    assert "This discussion is closed." in reader.html
    assert "body" not in reader.page.fields
    left = {do.partition(":")[0] for do in reader.page.buttons if do}
    assert left == {"go", "report", "hint", "delete", "forget"}
    assert '<span class="chip">' in reader.html, "reactions are still shown"
    assert len(threads(shared_server, story)) == 2
    reader.press(f"report:{other}")
    reader.press(f"send-report:{other}", reason="rude")
    assert stored_reports(shared_server, other) == ["rude"]
    reader.press(f"delete:{mine}")
    reader.press(f"erase:{mine}")
    assert "Your comment was deleted." in reader.html
    reader.page = early
    assert reader.press("react::happy").status_code == 409


def test_a_damaged_form_is_refused(shared_server: SharedServer) -> None:
    story = shared_server.story()
    path, own = f"/s/{story.code}/write", {"Origin": shared_server.url, **BROWSER}
    for kind, body in (
        ("application/x-www-form-urlencoded", b"do=react%3A%3Ahappy"),
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=x", b""),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="do"\r\n',
        ),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\nnameless\r\n--x--"),
    ):
        answer = shared_server.http.post(path, content=body, headers={**own, "Content-Type": kind})
        assert answer.status_code == 400
        assert "<h1>This address is not right</h1>" in answer.text
    reader = reader_of(shared_server, story)
    for do in (
        "",
        "nothing",
        "react",
        "on::",
        "go:order=best",
        "go:before=%00",
        "react::" + "x" * 99,
    ):
        assert reader.send({"do": do}).status_code in {200, 400, 422}
    assert counts(shared_server, story) == {}


# Who may ------------------------------------------------------------------------------------------


def test_the_own_page_acts_where_others_need_a_token(shared_server: SharedServer) -> None:
    _, publisher = new_site(shared_server, "open_republishing=off")
    story = publisher.story()
    shared_server.register(story)
    bare = Story(story.key, story.code, "")

    def act(origin: str | None) -> httpx.Response:
        return shared_server.action(bare, "react", token=None, origin=origin, reaction="happy")

    assert act(shared_server.url).status_code == 200
    assert rejection(act(PAGE)) == (403, "not_permitted")
    assert rejection(act(None)) == (403, "not_permitted")
    assert rejection(shared_server.http.get(f"/e/{story.code}")) == (403, "not_permitted")
    assert reader_of(shared_server, story).press("react::happy").status_code == 200
    assert counts(shared_server, story) == {"happy": 2}


def test_a_site_that_closes_reading_is_closed_at_both_pages(shared_server: SharedServer) -> None:
    slug, publisher = new_site(shared_server)
    story = publisher.story()
    shared_server.post(story, "a secret")
    reader = reader_of(shared_server, story)
    shared_server.cli("site", "set", slug, "open_reading=off")
    paths = (f"/s/{story.code}", reader.path)

    def closed() -> bool:
        return all(shared_server.http.get(path).status_code == 403 for path in paths)

    wait_until(closed, "reading is closed")
    for path in paths:
        page = shared_server.http.get(path, headers=BROWSER)
        assert "<h1>This discussion cannot be shown here</h1>" in page.text
        assert "a secret" not in page.text
    answer = reader.press("react::happy")
    assert answer.status_code == 403
    assert "a secret" not in answer.text


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_forms_of_an_unknown_story_are_words_or_json(
    shared_server: SharedServer, method: str
) -> None:
    for code in ("000000000000", "x"):
        files = {"do": (None, "react::happy")} if method == "POST" else None
        for accept in ("text/html", "application/json"):
            headers = {"Accept": accept, "Origin": shared_server.url}
            answer = shared_server.http.request(
                method, f"/s/{code}/write", headers=headers, files=files
            )
            if accept == "text/html":
                assert answer.status_code == 404
                assert "<h1>There is no discussion here yet</h1>" in answer.text
            else:
                assert rejection(answer) == (404, "not_found")


# Size, texts and styles ---------------------------------------------------------------------------


def test_a_page_with_forms_is_bounded_too(shared_server: SharedServer) -> None:
    story = shared_server.story()
    for n in range(60):
        shared_server.post(story, f"{n} " + "&" * 4_000, name="A name")
    reader = reader_of(shared_server, story)
    seen: list[str] = []
    while True:
        assert len(reader.answer.content) <= MAX_RESPONSE_BYTES
        seen += re.findall(r'<article id="c-([\w-]+)"', reader.html)
        further = [do for do in reader.page.buttons if do.startswith("go:before=")]
        if not further:
            break
        reader.press(further[0])
    assert len(seen) == len(set(seen)) == 60


def test_all_languages_have_the_same_texts() -> None:
    def shape(value: Any) -> Any:
        texts = value if isinstance(value, list) else [value]
        if isinstance(value, dict):
            texts = [value["other"]]
        return [sorted(re.findall(r"\{\w+\}", text)) for text in texts]

    english = LOCALES["en"]
    codes = {key for key in LOCALES["de"] if key.startswith("!")}
    labels = {key for key in LOCALES["de"] if key.startswith("=")}
    for lang, texts in LOCALES.items():
        extra = set() if lang == "en" else codes | labels
        assert set(texts) == set(english) | extra, lang
        for key, value in english.items():
            if key != "date_of_year" and key != "date":
                assert shape(value) == shape(texts[key]), (lang, key)
        numbers = {plural_category(lang, n) for n in range(200)}
        for key, value in texts.items():
            if isinstance(value, dict):
                assert set(value) >= numbers, (lang, key)
        # WCAG 2.5.3: who says the word on a button presses it.
        for key in ("react", "reply", "report", "edit", "delete"):
            assert texts[key].lower() in texts[f"{key}_of"].lower(), (lang, key)
    embed = json.loads((ROOT / "js/src/locales/de.json").read_text("utf-8"))
    assert {key for key in embed if key.startswith("=")} <= labels


def test_every_error_of_an_action_has_words_in_every_language() -> None:
    for lang in set(LOCALES) - {"en"}:
        t = Translator(lang)
        for code in ("text_refused", "too_large", "rate_limited", "story_closed", "unavailable"):
            assert t.knows("!" + code)


def test_a_date_names_the_year_only_if_it_is_another_one() -> None:
    t = Translator("en")
    assert t.date("2026-05-12T17:42:00.000Z", "2026-06-01T00:00:00.000Z") == "12 May, 17:42"
    assert t.date("2025-05-12T17:42:00.000Z", "2026-06-01T00:00:00.000Z") == "12 May 2025, 17:42"


def test_the_pages_and_the_embed_have_the_same_tokens() -> None:
    def declared(css: str) -> dict[str, str]:
        found = re.findall(r"(?<![\w-])(--[a-z-]+): ([^;{}]+);", css)
        return dict(found)

    sheets = (ROOT / "js/src/style.css", ROOT / "js/src/parts/connection/style.css")
    embed = declared("".join(sheet.read_text("utf-8") for sheet in sheets))
    pages = declared((layout.TEMPLATES / "page/page.css").read_text("utf-8"))
    for name in ("--secondary-color", "--edge", "--border-color", "--surface"):
        value = re.sub(r"^var\(--story-widget-[a-z-]+, (.*)\)$", r"\1", embed[name])
        assert pages[name] == value, name
    assert pages["--small"] == embed["--small"]
    assert embed["--radius"] == f"var(--story-widget-radius, {pages['--radius']})"
    assert pages["--unit"] == embed["--unit"].replace("var(--site-density, 1)", "1")


def test_the_style_sheet_has_an_address_of_its_own_version(shared_server: SharedServer) -> None:
    html = shared_server.http.get("/", headers=BROWSER).text
    (address,) = re.findall(r'<link rel="stylesheet" href="([^"]+)"', html)
    assert re.fullmatch(r"/static/page\.css\?[0-9a-f]{12}", address)
    styles = shared_server.http.get(address)
    assert styles.headers["content-type"] == "text/css; charset=utf-8"
    assert "url(" not in styles.text


def test_the_pages_have_the_accent_and_the_density_of_the_site(
    shared_server: SharedServer,
) -> None:
    _, publisher = new_site(shared_server, "accent=#1d9bf0", "density=1.25")
    story = publisher.story()
    shared_server.register(story)
    address = ""
    for path in (f"/s/{story.code}", f"/s/{story.code}/write"):
        page = shared_server.http.get(path)
        address = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page.text)[1]
        assert re.fullmatch(r"/static/theme-1d9bf0-1\.25\.css\?[0-9a-f]{12}", address)
        assert "style-src 'self';" in page.headers["content-security-policy"] + ";"
    styles = shared_server.http.get(address)
    assert styles.headers["content-type"] == "text/css; charset=utf-8"
    assert styles.headers["cache-control"].startswith("public, max-age=300")
    assert "color-mix(in oklab, #1d9bf0 66%, var(--ink))" in styles.text
    assert "--story-widget-density: 1.25;" in styles.text
    plain = shared_server.story()
    shared_server.register(plain)
    assert "/static/theme-" not in shared_server.http.get(f"/s/{plain.code}").text


@pytest.mark.parametrize(
    "name",
    [
        "theme-0c8577-9.css",
        "theme-0c8577-1.25",
        "theme-red-1.css",
        "theme-0c8577}body{-1.css",
        "theme-0C8577-1.css",
        "theme--0.css",
        "page.html",
        "base.html",
        "..%2Fpage.css",
    ],
)
def test_no_other_name_is_a_style_sheet(shared_server: SharedServer, name: str) -> None:
    assert shared_server.http.get(f"/static/{name}").status_code == 404


@pytest.mark.parametrize("colour", ["#0c8577", "#1d9bf0", "#808080", "#c2410c", "#db2777"])
def test_the_sheet_has_the_contrast_that_was_checked(colour: str) -> None:
    accepted = accent.nearest_readable(colour)
    styles = theme.style_sheet(theme.file_name(SiteSettings(accent=accepted)) or "")
    assert styles
    on = re.findall(r"--story-widget-on-accent: (#\w{3});", styles)
    assert set(accent.SERVER_PAGES) < set(accent.PAGES)
    css = (layout.TEMPLATES / "page/page.css").read_text("utf-8")
    papers = re.findall(r"--ink: (#\w{6});\s+--paper: (#\w{6});", css)
    assert [(paper, ink) for ink, paper in papers] == list(accent.SERVER_PAGES)
    for text_colour, (_, ink) in zip(on, accent.SERVER_PAGES, strict=True):
        assert accent.text_on(accepted, ink) == text_colour


# The form's body ----------------------------------------------------------------------------------

KIND = "multipart/form-data; boundary=AaB03x"


def field(name: str, value: str) -> bytes:
    head = f'--AaB03x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
    return (head + value + "\r\n").encode()


def test_a_form_is_parsed_as_browsers_send_it() -> None:
    body = field("body", "a\r\n\r\n--b\r\n") + field("name", "Zoë") + b"--AaB03x--\r\n"
    assert parse_form(KIND, body) == {"body": "a\n\n--b\n", "name": "Zoë"}
    quoted = 'multipart/form-data; boundary="AaB03x"'
    assert parse_form(quoted, field("a", "") + b"--AaB03x--") == {"a": ""}


def test_a_form_of_another_shape_is_malformed() -> None:
    end = b"--AaB03x--\r\n"
    for kind, body in (
        ("text/plain", end),
        ("multipart/form-data", end),
        (KIND, b""),
        (KIND, field("a", "b")),
        (KIND, b"--AaB03x\r\nX: y\r\n\r\nz\r\n" + end),
        (KIND, field("a", "b") * (MAX_FIELDS + 1) + end),
        (KIND, b"--AaB03x\r\n" + b"X: y\r\n" * 99 + field("a", "b")[10:] + end),
    ):
        with pytest.raises(MalformedError):
            parse_form(kind, body)


def test_a_form_of_the_longest_head_is_refused_at_once() -> None:
    head = b'content-disposition:;name="' * 2_400
    started = time.process_time()
    with pytest.raises(MalformedError):
        parse_form(KIND, b"--AaB03x\r\n" + head + b"\r\n\r\n\r\n--AaB03x--\r\n")
    assert time.process_time() - started < 0.1
