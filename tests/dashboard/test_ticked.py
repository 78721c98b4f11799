"""Several comments are ticked on a page and decided about together; one undo takes all of it back."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.dashboard.desk import OWN, Desk, Person, buttons, first, open_desk, texts, words
from tests.operations.owner_harness import Statements
from widget_server.model.records import Comment, CommentState
from widget_server.store.schema import decisions


@pytest.fixture
async def desk(tmp_path: Path, migrated_url: str) -> AsyncIterator[Desk]:
    """Return a server with a signed-in owner, on each engine."""
    async with open_desk(tmp_path, migrated_url) as opened:
        yield opened


async def send(
    person: Person, verb: str, ticked: list[str], back: str = "", **fields: str
) -> httpx.Response:
    """Send the form of the ticked comments, as a browser without JavaScript does."""
    pairs = [("target", one) for one in ticked] + [("verb", verb), ("back", back)]
    body = httpx.QueryParams([*pairs, *fields.items()])
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": OWN}
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    return await person.http.post(
        "/admin/sites/paper/comments/decide", content=str(body), headers=headers
    )


async def ticks(person: Person, path: str) -> list[str]:
    """Return the values of the boxes of a page."""
    page = await person.get(path)
    assert {one.attributes["form"] for one in page.css("[name=target]")} <= {"batch"}
    return [one.attributes["value"] or "" for one in page.css("[name=target]")]


async def states(desk: Desk, comments: list[Comment]) -> list[CommentState]:
    return [(await desk.stored(one)).state for one in comments]


async def test_ticked_comments_are_removed_together_and_one_undo_brings_all_back(
    desk: Desk,
) -> None:
    grant = await desk.carried()
    written = [await desk.write(grant, f"words {n}") for n in range(4)]
    path = f"/admin/sites/paper/stories/{grant.story.code}"
    ticked = await ticks(desk.owner, path)
    assert {one.partition(".")[0] for one in ticked} == {one.id for one in written}
    chosen = [one for one in ticked if not one.startswith(written[0].id)]
    answer = await send(desk.owner, "remove", chosen, path, reason="spam")
    assert answer.status_code == 303
    page = await desk.owner.get(answer.headers["location"])
    assert texts(page, ".toast span") == ["3 comments removed from all copies."]
    assert await states(desk, written) == [CommentState.PUBLISHED, *[CommentState.REMOVED] * 3]

    async def logged(connection: object) -> list[tuple[str, str, str]]:
        rows = await connection.execute(decisions.select())  # type: ignore[attr-defined]
        return [(row.verb, row.reason, row.batch) for row in rows]

    entries = await desk.server.components.database.read(logged)
    assert {(verb, reason) for verb, reason, _ in entries} == {("remove", "spam")}
    assert len({batch for _, _, batch in entries}) == 1
    page = await desk.owner.press(buttons(page, "Undo")[0])
    assert await states(desk, written) == [CommentState.PUBLISHED] * 4
    assert "Undone." in words(page)
    assert [(await desk.stored(one)).source for one in written] == [f"words {n}" for n in range(4)]


@pytest.mark.parametrize(
    ("verb", "said", "after"),
    [
        ("approve", "comments approved. All copies show them.", CommentState.PUBLISHED),
        ("remove", "comments removed from all copies.", CommentState.REMOVED),
        ("spam", "comments removed as spam.", CommentState.REMOVED),
        ("hold", "comments held. Readers no longer see them.", CommentState.PENDING),
    ],
)
async def test_each_verb_decides_about_what_waits(
    desk: Desk, verb: str, said: str, after: CommentState
) -> None:
    await desk.server.set(("moderation", "pre"))
    grant = await desk.carried()
    written = [await desk.write(grant) for _ in range(2)]
    path = f"/admin/sites/paper/stories/{grant.story.code}?show=waiting"
    answer = await send(desk.owner, verb, await ticks(desk.owner, path), path)
    page = await desk.owner.get(answer.headers["location"])
    assert texts(page, ".toast span") == [f"2 {said}"]
    assert await states(desk, written) == [after] * 2


async def test_removed_comments_can_be_put_back_together(desk: Desk) -> None:
    grant = await desk.carried()
    written = [await desk.write(grant) for _ in range(2)]
    for one in written:
        await desk.owner.post(f"comments/{one.id}/decide", verb="remove")
    path = f"/admin/sites/paper/stories/{grant.story.code}?show=removed"
    page = await desk.owner.get(path)
    assert [one.attributes["value"] for one in page.css("form.batch [name=verb]")] == ["restore"]
    await send(desk.owner, "restore", await ticks(desk.owner, path), path)
    assert await states(desk, written) == [CommentState.PUBLISHED] * 2


async def test_a_comment_that_changed_meanwhile_is_left_as_it_is(desk: Desk) -> None:
    grant = await desk.carried()
    writer = desk.reader(grant)
    changing = await desk.server.post(grant, writer, "the old words")
    other = await desk.write(grant)
    path = f"/admin/sites/paper/stories/{grant.story.code}"
    ticked = await ticks(desk.owner, path)
    await desk.edit(grant, writer, changing, "the new words")
    answer = await send(desk.owner, "remove", [*ticked, "0123456789ab.1"], path)
    page = await desk.owner.get(answer.headers["location"])
    assert texts(page, ".toast span") == [
        "1 comment removed from all copies. 2 were left as they are: they changed, or were decided meanwhile."
    ]
    assert (await desk.stored(changing)).source == "the new words"
    assert (await desk.stored(other)).state == CommentState.REMOVED


async def test_an_edit_that_waits_is_not_approved_unseen(desk: Desk) -> None:
    await desk.server.set(("moderation", "pre"))
    grant = await desk.carried()
    writer = desk.reader(grant)
    comment = await desk.server.post(grant, writer, "the old words")
    path = f"stories/{grant.story.code}"
    await send(desk.owner, "approve", await ticks(desk.owner, path), "")
    assert len(await ticks(desk.owner, path)) == 1
    await desk.edit(grant, writer, comment, "the new words")
    assert await ticks(desk.owner, path) == []


async def test_without_a_tick_the_page_says_what_to_do_and_nothing_is_decided(desk: Desk) -> None:
    grant = await desk.carried()
    await desk.write(grant)
    path = f"/admin/sites/paper/stories/{grant.story.code}"
    answer = await send(desk.owner, "remove", [], path)
    page = await desk.owner.get(answer.headers["location"])
    assert "Tick comments first" in words(page)


async def test_a_damaged_form_decides_nothing(desk: Desk) -> None:
    grant = await desk.carried()
    comment = await desk.write(grant)
    for verb, ticked in (
        ("erase", [f"{comment.id}.1"]),
        ("pin", [f"{comment.id}.1"]),
        ("remove", [comment.id]),
        ("remove", [f"{comment.id}.²"]),
        ("remove", ["../..1"]),
        ("remove", [f"{n:012}.1" for n in range(201)]),
    ):
        assert (await send(desk.owner, verb, ticked)).status_code == 400, (verb, ticked[:1])
    assert (await desk.stored(comment)).state == CommentState.PUBLISHED


async def test_roles_decide_together_what_they_may_decide_alone(desk: Desk) -> None:
    grant = await desk.carried()
    comment = await desk.write(grant)
    path = f"stories/{grant.story.code}"
    auditor = await desk.person("auditor")
    assert (await auditor.get(path)).css(".batch, [name=target]") == []
    assert (await send(auditor, "remove", [f"{comment.id}.1"])).status_code == 403
    moderator = await desk.person("moderator")
    page = await moderator.get(path)
    offered = [one.attributes["value"] for one in page.css("form.batch [name=verb]")]
    assert offered == ["approve", "remove", "spam", "hold"]
    local = await desk.person("local", copies=frozenset({99}))
    answer = await send(local, "hold", [f"{comment.id}.{comment.revision}"])
    page = await local.get(answer.headers["location"])
    assert (await desk.stored(comment)).state == CommentState.PUBLISHED


async def test_a_whole_page_of_comments_is_read_with_five_statements(desk: Desk) -> None:
    grant = await desk.carried()
    for _ in range(5):
        await desk.write(grant)
    with Statements(desk.server) as counted:
        page = await desk.owner.get(f"stories/{grant.story.code}")
    assert len(counted.texts) <= 5
    assert len(page.css("[name=target]")) == 5
    assert first(page, ".batch [data-ticked]").text() != ""
