"""Home, stories, one story, and the log by their addresses and forms; and who may not use them."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.dashboard.desk import Desk, buttons, first, open_desk, texts, words
from tests.operations.owner_harness import carry, feel, read
from widget_server.model.actors import shell
from widget_server.operations.owners import sign_in, sites

DAY_MS = 86_400_000


@pytest.fixture
async def desk(tmp_path: Path, migrated_url: str) -> AsyncIterator[Desk]:
    """Return a server with a signed-in owner, on each engine."""
    async with open_desk(tmp_path, migrated_url) as opened:
        yield opened


async def test_an_empty_site_says_what_to_do_next(desk: Desk) -> None:
    home = await desk.owner.get("home")
    assert texts(home, ".empty h2") == ["Nothing needs you now"]
    links = {one.attributes["href"] for one in home.css(".todo a")}
    assert links == {
        "/admin/sites/paper/snippet",
        "/admin/sites/paper/people/invite",
        "/admin/account#codes",
    }
    assert texts(await desk.owner.get("stories"), ".empty h2") == ["No stories yet"]
    assert texts(await desk.owner.get("queue"), ".empty h2") == ["All caught up"]


async def test_home_counts_what_needs_a_person_and_who_reads_now(desk: Desk) -> None:
    await desk.server.set(("moderation", "pre"))
    story = desk.server.publisher.story(title="The library")
    grant, copy = await carry(desk.server, story, "https://one.example")
    await carry(desk.server, story, "https://two.example")
    for number in range(3):
        await read(desk.server, story.code, copy, f"network {number}")
    await feel(desk.server, grant)
    await desk.write(grant)
    await desk.write(grant)
    await sites.rotate_key(desk.services, shell("test"), "paper")
    home = await desk.owner.get("home")
    needs = texts(home, "[aria-labelledby=needs] li")
    assert needs[0].startswith("2 comments to decide about 2 pending")
    assert needs[1].startswith("2 new copies")
    assert needs[2].startswith("1 old signing key to retire 2 copies still use")
    assert texts(home, "[aria-labelledby=now] header") == ["Reading now 3 reading on 1 page"]
    assert texts(home, "[aria-labelledby=now] tbody tr") == ["The library 2 3"]
    assert texts(home, ".halves .h") == ["Reactions today 1", "Comments today 0"]
    moderator = await desk.person("moderator")
    needs = texts(await moderator.get("home"), "[aria-labelledby=needs] li")
    assert len(needs) == 2  # keys are for owners


async def test_stories_are_searched_filtered_sorted_and_paged_by_address(desk: Desk) -> None:
    grants = {}
    for number in range(27):
        title = f"Story {number:02}"
        author = "Ines Falk" if number % 2 else "Sam Okoye"
        grants[title] = await desk.carried(title=title, author=author)
    await desk.write(grants["Story 03"], "one")
    for _ in range(2):
        await desk.write(grants["Story 05"], "two")
    page = await desk.owner.get("stories?sort=comments")
    assert texts(page, "tbody th .name")[:2] == ["Story 05", "Story 03"]
    assert texts(page, "th[aria-sort=descending]") == ["Comments ↓"]
    assert len(page.css("tbody tr")) == 25
    (following,) = [one for one in page.css(".foot a") if "Next" in one.text()]
    page = await desk.owner.get(following.attributes["href"] or "")
    assert len(page.css("tbody tr")) == 2
    page = await desk.owner.get("stories?q=story+1&author=Ines+Falk")
    assert set(texts(page, "tbody th .name")) == {f"Story 1{n}" for n in (1, 3, 5, 7, 9)}
    assert "5 of 27" in first(page, ".filters").text()
    await desk.owner.post(f"stories/{grants['Story 07'].story.code}/close")
    page = await desk.owner.get("stories?state=closed")
    assert texts(page, "tbody th .name") == ["Story 07"]
    page = await desk.owner.get("stories?q=nothing+such")
    assert texts(page, ".empty h2") == ["No story matches"]
    page = await desk.owner.get("stories?more=1")
    assert "Sam Okoye" in texts(page, "select[name=author] option")
    assert (await desk.owner.http.get("/admin/sites/paper/stories?after=wrong")).status_code == 400


async def test_counts_of_a_list_are_swapped_in_place_for_the_sites_own_stories(desk: Desk) -> None:
    grant = await desk.carried()
    await desk.write(grant)
    code = grant.story.code
    page = await desk.owner.get(f"stories/counts?code={code}&code=nothing")
    assert [one.attributes["id"] for one in page.css("span")] == [f"{k}-{code}" for k in "rxk"]
    assert texts(page, f"#k-{code}") == ["1"]
    await sites.create_site(desk.services, shell("test"), "other", "Another paper")
    answer = await desk.owner.http.get(f"/admin/sites/other/stories/counts?code={code}")
    assert answer.status_code == 200
    assert code not in answer.text


async def test_a_notice_is_set_and_removed_and_each_can_be_undone(desk: Desk) -> None:
    grant = await desk.carried()
    place = f"stories/{grant.story.code}"
    page = await desk.owner.get(place)
    page = await desk.owner.press(buttons(page, "Show the notice")[0], notice="4,000 <books>")
    assert texts(page, ".note bdi") == ["4,000 <books>"]
    page = await desk.owner.press(buttons(page, "Remove the notice")[0])
    assert page.css(".note") == []
    page = await desk.owner.press(buttons(page, "Undo")[0])
    assert texts(page, ".note bdi") == ["4,000 <books>"]
    page = await desk.owner.press(buttons(page, "Show the notice")[0], notice="x" * 501)
    assert "at most 500" in first(page, "#notice-error").text()


async def test_a_story_is_closed_by_hand_on_a_day_or_after_days(desk: Desk) -> None:
    grant = await desk.carried()
    code = grant.story.code
    place = f"stories/{code}"
    day = datetime.now(UTC) + timedelta(days=3)
    page = await desk.owner.get(place)
    page = await desk.owner.press(buttons(page, "Close on this day")[0], date=f"{day:%Y-%m-%d}")
    story = await desk.services.discussions.story(code)
    end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    assert story is not None
    assert story.closes_at == int(end.timestamp() * 1000)
    page = await desk.owner.press(buttons(page, "As the site")[0])
    assert "Never, unless an editor or moderator closes it." in words(page)
    page = await desk.owner.press(buttons(page, "Close after these days")[0], days="5")
    story = await desk.services.discussions.story(code)
    assert story is not None
    assert story.closes_at is not None
    assert abs(story.closes_at - desk.services.now_ms() - 5 * DAY_MS) < 600_000
    for days in ("0", "x", "9999999"):
        wrong = await desk.owner.press(buttons(page, "Close after these days")[0], days=days)
        assert wrong.css("#days-error") != []
    wrong = await desk.owner.press(buttons(page, "Close on this day")[0], date="2020-01-01")
    assert wrong.css("#date-error") != []
    page = await desk.owner.press(buttons(page, "Close")[0])
    story = await desk.services.discussions.story(code)
    assert story is not None
    assert story.closed
    page = await desk.owner.press(buttons(page, "Undo")[0])
    story = await desk.services.discussions.story(code)
    assert story is not None
    assert not story.closed


async def test_a_story_overrides_settings_and_follows_its_site_again(desk: Desk) -> None:
    grant = await desk.carried()
    place = f"stories/{grant.story.code}/settings"
    page = await desk.owner.get(place)
    assert texts(page, "#moderation option")[0] == "As the site: At once"
    old = buttons(page, "Save")[0]
    page = await desk.owner.press(old, moderation="pre", prompt="What do you think?")
    assert texts(page, ".badge.acc") == ["own"]
    assert (await desk.write(await desk.carried(title="Another one"))).state == "published"
    known = await desk.services.cache.site("paper", max_age=0)
    assert known is not None
    assert known.overrides[grant.story.code]["moderation"] == "pre"
    stale = await desk.owner.press(old, moderation="post")
    assert "Another person changed these settings meanwhile" in words(stale)
    wrong = await desk.owner.press(buttons(page, "Save")[0], guidelines="no address")
    assert wrong.css("#guidelines-error") != []
    page = await desk.owner.press(buttons(page, "Save")[0], moderation="", prompt="")
    assert page.css(".badge.acc") == []
    known = await desk.services.cache.site("paper", max_age=0)
    assert known is not None
    assert not known.overrides.get(grant.story.code)


async def test_a_story_shows_attribution_copies_and_waiting_and_removed_comments(
    desk: Desk,
) -> None:
    grant = await desk.carried(
        title="The library", author="Ines Falk", publisher="Harbour", url="https://h.example/a"
    )
    code = grant.story.code
    first, second = await desk.write(grant, "stays"), await desk.write(grant, "goes")
    await desk.owner.post(f"comments/{second.id}/decide", verb="remove", reason="spam")
    await desk.report(grant, first)
    page = await desk.owner.get(f"stories/{code}")
    assert {"The library", "Ines Falk", "Harbour", "https://h.example/a"} <= set(
        texts(page, ".facts dd")
    )
    assert len(page.css(".thread > li")) == 2
    waiting = await desk.owner.get(f"stories/{code}?show=waiting")
    assert texts(waiting, ".thread .say") == ["stays"]
    removed = await desk.owner.get(f"stories/{code}?show=removed")
    assert texts(removed, ".thread .say") == ["goes"]
    copies = await desk.owner.get(f"stories/{code}/copies")
    assert texts(copies, "tbody th small") == ["copy.example/article"]
    auditor = await desk.person("auditor")
    assert "goes" not in words(await auditor.get(f"stories/{code}?show=removed"))


async def test_a_long_discussion_is_paged_and_a_long_thread_has_its_own_page(desk: Desk) -> None:
    grant = await desk.carried()
    code = grant.story.code
    tops = [await desk.write(grant, f"top {number}") for number in range(23)]
    for number in range(22):
        await desk.write(grant, f"reply {number}", parent=tops[-1].id)
    page = await desk.owner.get(f"stories/{code}")
    shown = texts(page, ".thread > li > .say")
    assert shown == [f"top {number}" for number in range(22, 2, -1)]
    assert texts(page, ".replies .say") == [f"reply {number}" for number in range(2, 22)]
    (earlier,) = [one for one in page.css(".replies a") if "earlier" in one.text()]
    thread = await desk.owner.get(earlier.attributes["href"] or "")
    assert texts(thread, ".replies .say") == [f"reply {number}" for number in range(22)]
    (older,) = [one for one in page.css(".foot a") if "Older" in one.text()]
    page = await desk.owner.get(older.attributes["href"] or "")
    assert texts(page, ".thread > li > .say") == ["top 2", "top 1", "top 0"]


async def test_the_log_is_filtered_and_undone_from_an_entry(desk: Desk) -> None:
    grant = await desk.carried(title="The library")
    other = await desk.carried(title="Another one")
    comment, second = await desk.write(grant, name="Priya"), await desk.write(other)
    moderator = await desk.person("moderator", "Jonas")
    await moderator.post(f"comments/{comment.id}/decide", verb="pin", note="look <here>")
    await desk.owner.post(f"comments/{second.id}/decide", verb="remove", reason="spam")
    page = await desk.owner.get("log")
    rows = texts(page, "tbody tr:not(.day)")
    assert "Ana Ferreira" in rows[0]
    assert "Removed a comment Another one" in rows[0]
    assert rows[0].endswith("Advertising or spam dashboard Undo")
    assert "Jonas Pinned a comment by Priya The library · “ look <here> ”" in rows[1]
    assert rows[1].endswith("dashboard Undo")
    for query, number in (
        ("verb=pin", 1),
        (f"who={moderator.account.id}&verb=pin", 1),
        (f"story={other.story.code}", 1),
        (f"comment={comment.id}", 1),
        ("verb=unpin", 0),
        ("since=2100-01-01", 0),
        (f"verb=pin&since={datetime.now(UTC):%Y-%m-%d}&until={datetime.now(UTC):%Y-%m-%d}", 1),
        ("verb=pin&until=2020-01-01", 0),
    ):
        found = await desk.owner.get(f"log?{query}")
        assert len(found.css("tbody tr:not(.day)")) == number, query
    page = await desk.owner.press(buttons(page, "Undo")[0])
    rows = texts(page, "tbody tr:not(.day)")
    assert "Undone: Removed “hello” · Another one" in rows[0]
    assert rows[1].endswith("undone")
    assert (await desk.stored(second)).source == "hello"
    auditor = await desk.person("auditor")
    shown = words(await auditor.get("log"))
    assert "look <here>" not in shown
    assert buttons(await auditor.get("log"), "Undo") == []


async def test_the_log_is_paged(desk: Desk) -> None:
    grant = await desk.carried()
    comment = await desk.write(grant)
    for number in range(52):
        verb = "unpin" if number % 2 else "pin"
        await desk.owner.post(f"comments/{comment.id}/decide", verb=verb)
    page = await desk.owner.get(f"log?comment={comment.id}")
    assert len(page.css("tbody tr:not(.day)")) == 50
    (older,) = [one for one in page.css(".foot a") if "Older" in one.text()]
    page = await desk.owner.get(older.attributes["href"] or "")
    assert len(page.css("tbody tr:not(.day)")) == 2


async def test_the_check_of_a_log_tells_nothing_of_other_sites(desk: Desk) -> None:
    await sites.create_site(desk.services, shell("test"), "other", "Another paper")

    async def damage(connection: AsyncConnection) -> None:
        await connection.exec_driver_sql(
            "UPDATE site_decisions SET verb = 'token' WHERE site = 'other'"
        )

    await desk.services.writer.run_in_transaction(damage)
    auditor = await desk.person("auditor")
    page = await auditor.press(buttons(await auditor.get("log"), "Check now")[0])
    assert "Unbroken" in texts(page, "#verified")[0]
    assert "other" not in texts(page, "#verified")[0]


async def test_the_log_is_checked_and_a_changed_entry_is_named(desk: Desk) -> None:
    grant = await desk.carried()
    comment = await desk.write(grant)
    await desk.owner.post(f"comments/{comment.id}/decide", verb="pin")
    page = await desk.owner.press(buttons(await desk.owner.get("log"), "Check now")[0])
    assert "Unbroken" in texts(page, "#verified")[0]

    async def damage(connection: AsyncConnection) -> None:
        await connection.exec_driver_sql("UPDATE decisions SET reason = 'hate'")

    await desk.services.writer.run_in_transaction(damage)
    page = await desk.owner.press(buttons(await desk.owner.get("log"), "Check now")[0])
    assert f"Entry 1 of story:{grant.story.code} is not as it was written." in words(page)


async def test_the_public_export_has_no_personal_data_and_the_full_one_needs_a_proof(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = await desk.carried()
    comment = await desk.write(grant, "some words", name="Priya")
    await desk.owner.post(f"comments/{comment.id}/decide", verb="remove", note="=a private note")
    answer = await desk.owner.http.get("/admin/sites/paper/log/export?verb=remove")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    (line,) = csv.DictReader(io.StringIO(answer.text))
    assert (line["verb"], line["by"], line["comment"]) == ("remove", "account", comment.id)
    for private in ("Ana", "private", "Priya", "words", desk.owner.account.id):
        assert private not in answer.text
    with monkeypatch.context() as patched:
        patched.setattr(sign_in, "STRONG_MS", -1)
        asked = await desk.owner.post("log/export-full", verb="remove")
        assert asked.status_code == 403
        assert "again_password" in asked.text
    answer = await desk.owner.post("log/export-full", verb="remove")
    (line,) = csv.DictReader(io.StringIO(answer.text))
    assert (line["who"], line["note"]) == ("Ana Ferreira", "'=a private note")
    assert "some words" not in answer.text


async def test_a_local_moderator_decides_about_comments_of_their_copies_only(desk: Desk) -> None:
    story = desk.server.publisher.story(title="The library")
    own, copy = await carry(desk.server, story, "https://own.example")
    other, _ = await carry(desk.server, story, "https://other.example")
    mine, strange = await desk.write(own, "mine"), await desk.write(other, "strange")
    local = await desk.person("local", copies=frozenset({copy}))
    page = await local.get(f"stories/{story.code}")
    assert texts(page, ".thread .say") == ["strange", "mine"]
    await local.get(f"comments/{strange.id}", 404)
    assert (await local.post(f"comments/{strange.id}/decide", verb="hold")).status_code == 404
    answer = await local.post(f"comments/{mine.id}/decide", verb="hold")
    assert answer.status_code == 303
    assert (await local.post(f"comments/{mine.id}/decide", verb="remove")).status_code == 403
    assert (await local.post(f"stories/{story.code}/close")).status_code == 403


HOSTILE_GETS = (
    "queue?after=².1.1",
    "queue?queue=corrections&after=².a&hint=²&story=²",
    "queue?queue=corrections&view=list&after=999999999999999.a&hint=%00",
    "queue?queue=held&after=99999999999999999.99999999999999999.99999999999999999",
    "log?after=².a",
    "log?who=%00&story=%00",
    "stories?q=%00",
    "stories?after=%00",
    "stories/%00",
    "stories/{code}?before=².a",
    "comments/%00",
    "numbers?days=²",
    "numbers?zone=../../etc/passwd",
    "numbers?zone=%00",
    "numbers?from=0001-01-01&to=9999-12-31",
    "copies?q=%00",
    "copies?undo=²",
    "copies?after=%00",
    "tokens?like=%00",
    "people/%00/role",
)
HOSTILE_POSTS: dict[str, dict[str, str]] = {
    "stories/{code}/closing": {"closes": "days", "days": "000001999999999999999"},
    "stories/{code}/closing?1": {"closes": "days", "days": "²"},
    "comments/{comment}/decide": {"verb": "pin", "revision": "²"},
    "people/invite": {"role": "local", "copies": "² 9" + "9" * 5000},
    "keys": {"label": "x", "scope": "read", "days": "²"},
    "keys?1": {"label": "x", "scope": "read", "days": "9" * 5000},
    "snippet": {"url": "https://[", "title": "A", "author": ""},
    "copies/²/revoke": {},
    "settings/writing": {"minutes": "nan"},
    "settings/reactions": {"place.happy": "²"},
}


async def test_hostile_input_is_answered_with_what_is_wrong_and_never_with_an_internal_error(
    desk: Desk,
) -> None:
    grant = await desk.carried()
    names = {"code": grant.story.code, "comment": (await desk.write(grant)).id}
    for place in HOSTILE_GETS:
        answer = await desk.owner.http.get(f"/admin/sites/paper/{place.format(**names)}")
        assert answer.status_code < 500, (place, answer.status_code)
    for place, fields in HOSTILE_POSTS.items():
        answer = await desk.owner.post(place.format(**names), **fields)
        assert answer.status_code < 500, (place, answer.status_code)


async def test_the_owner_of_two_sites_reaches_each_ones_stories_by_its_own_address(
    desk: Desk,
) -> None:
    grant = await desk.carried()
    comment = await desk.write(grant)
    await sites.create_site(desk.services, shell("test"), "other", "Another paper")
    names = {"code": grant.story.code, "comment": comment.id}
    for place in ("stories/{code}", "stories/{code}/copies", "comments/{comment}"):
        await desk.owner.get(f"/admin/sites/other/{place.format(**names)}", 404)
    answer = await desk.owner.post(
        f"/admin/sites/other/comments/{comment.id}/decide", verb="remove"
    )
    assert answer.status_code == 404
    assert (await desk.stored(comment)).source == "hello"


async def test_numbers_that_did_not_change_are_answered_without_a_body(desk: Desk) -> None:
    grant = await desk.carried()
    code = grant.story.code
    for path in (f"stories/counts?code={code}", f"stories/{code}/count"):
        url = f"/admin/sites/paper/{path}"
        answer = await desk.owner.http.get(url, headers={"HX-Request": "true"})
        assert answer.headers["cache-control"] == "private, no-cache"
        tag = {"If-None-Match": answer.headers["etag"], "HX-Request": "true"}
        same = await desk.owner.http.get(url, headers=tag)
        assert (same.status_code, same.content) == (304, b"")
        await feel(desk.server, grant)
        changed = await desk.owner.http.get(url, headers=tag)
        assert changed.status_code == 200
        assert changed.headers["etag"] != answer.headers["etag"]


async def test_the_discussion_can_be_downloaded_also_where_reading_is_closed(desk: Desk) -> None:
    grant, _ = await carry(desk.server, desk.server.publisher.story(), "https://one.example")
    path = f"stories/{grant.story.code}"

    async def links() -> list[str]:
        page = await desk.owner.get(path)
        found = [str(one.attributes["href"]) for one in page.css("a[href*='/discussion.']")]
        return [one.rpartition("/discussion.")[2] for one in found]

    assert await links() == [], "without comments there is nothing to download"
    comment = await desk.write(grant)
    assert await links() == ["txt", "json", "html?lang=en"]
    await desk.server.set(("open_reading", "off"))
    assert await links() == ["txt", "json"], "the page to print is a page of readers"
    own = f"/admin/sites/paper/{path}/discussion"
    answer = await desk.owner.http.get(f"{own}.json")
    assert answer.headers["content-disposition"].startswith("attachment")
    (written,) = answer.json()["comments"]
    assert (written["id"], answer.json()["complete"]) == (comment.id, True)
    answer = await desk.owner.http.get(f"{own}.txt")
    assert answer.text.startswith("Discussion of ")
    assert "hello" in answer.text
    for wrong in (f"{own}.html", own.replace(grant.story.code, "000000000000") + ".txt"):
        assert (await desk.owner.http.get(wrong)).status_code == 404


async def test_a_comment_is_featured_and_no_longer_from_the_story_page(desk: Desk) -> None:
    grant, _ = await carry(desk.server, desk.server.publisher.story(), "https://one.example")
    comment = await desk.write(grant)
    path = f"stories/{grant.story.code}"
    told = await desk.owner.press(buttons(await desk.owner.get(path), "Feature")[0])
    assert "Featured: it stands in the feeds of featured comments." in told.text()
    shown = await desk.owner.get(path)
    assert "Featured" in " ".join(texts(shown, f"#c-{comment.id} .badge"))
    await desk.owner.press(buttons(shown, "End featuring")[0])
    assert buttons(await desk.owner.get(path), "End featuring") == []
