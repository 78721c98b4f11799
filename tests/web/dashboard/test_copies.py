"""The page of copies: what it shows, to whom, and revoking one copy."""

import csv
import io

import pytest

from tests.operations.owner_harness import Statements, carry, feel, read, write
from tests.waiting import eventually
from tests.web.dashboard.desk import OWN, ROLES, Desk, text_of
from widget_server.auth.permissions import permits
from widget_server.model.actors import Role
from widget_server.model.page_facts import PageFacts
from widget_server.store.queries.page_facts import ask_for_page, store_page_facts

HOSTILE = '=HYPERLINK("https://evil.example")<script>alert(1)</script>'


async def copy_of(desk: Desk, origin: str = "https://a.example", **claims: object) -> int:
    """Let a page carry a new story, and return the copy's id."""
    story = desk.server.publisher.story(**claims)
    _, copy = await carry(desk.server, story, origin)
    return copy


async def seen(desk: Desk, copy: int, facts: PageFacts) -> None:
    """Store what was seen on the page of a copy."""
    page, now = "https://a.example/article", desk.services.now_ms()
    for change in (
        ask_for_page(copy, page, "a.example", now, 0),
        store_page_facts(copy, page, "read", facts),
    ):
        await desk.services.writer.run_in_transaction(change)


@pytest.mark.parametrize("role", ROLES)
async def test_only_roles_that_may_read_copies_see_the_page(desk: Desk, role: Role) -> None:
    await desk.get("copies", role, 200 if permits(role, "read_copies") else 403)


async def test_other_sites_owners_find_no_page_and_nobody_is_asked_to_sign_in(desk: Desk) -> None:
    await desk.get("copies", "elsewhere", 404)
    answer = await desk.people["nobody"].get("/admin/sites/paper/copies")
    assert answer.headers["location"].startswith("/admin/sign-in?then=")


@pytest.mark.parametrize("role", [role for role in ROLES if not permits(role, "revoke")])
async def test_roles_without_the_verb_can_neither_revoke_nor_give_back(
    desk: Desk, role: Role
) -> None:
    copy = await copy_of(desk)
    for path in (f"copies/{copy}/revoke", f"copies/{copy}/give-back"):
        assert (await desk.post(path, role)).status_code == 403
        assert (await desk.post(path, "elsewhere")).status_code == 404
    page = await desk.get("copies")
    assert "Give back" not in page
    if permits(role, "read_copies"):
        assert "/revoke" not in await desk.get(f"copies?revoke={copy}", role)


async def test_a_copy_of_another_site_cannot_be_revoked(desk: Desk) -> None:
    copy = await copy_of(desk)
    answer = await desk.people["elsewhere"].post(
        f"/admin/sites/other/copies/{copy}/revoke", data={"shut_out": ""}, headers=OWN
    )
    assert answer.status_code == 404
    assert "Give back" not in await desk.get("copies")


async def test_the_page_shows_each_copy_with_its_numbers(desk: Desk) -> None:
    story = desk.server.publisher.story(title="The library", lang="pt")
    first, _ = await carry(desk.server, story, "https://a.example")
    second, _ = await carry(desk.server, story, "https://b.example")
    for grant in (first, first, first, second):
        await feel(desk.server, grant)
    await write(desk.server, first)
    page = text_of(await desk.get("copies?order=reactions"))
    a = page.index("a.example /article pt now New now 0 3 1 75.0 %")
    assert a < page.index("b.example /article pt now New now 0 1 0 25.0 %")


async def test_one_reader_is_a_few_for_everybody_but_the_owner(desk: Desk) -> None:
    story = desk.server.publisher.story()
    _, copy = await carry(desk.server, story, "https://a.example")
    await read(desk.server, story.code, copy)

    async def seen() -> bool:
        return "now New now 1 0 0" in text_of(await desk.get("copies"))

    await eventually(seen, "the owner sees one reader")
    assert "now New now a few 0 0" in text_of(await desk.get("copies", "moderator"))


async def test_texts_of_strangers_are_text(desk: Desk) -> None:
    copy = await copy_of(desk, label=HOSTILE, title=HOSTILE)
    await seen(desk, copy, PageFacts(HOSTILE, "en", True, True, True))
    for path in ("copies", f"copies?revoke={copy}", f"copies?q={HOSTILE[:12]}"):
        page = await desk.get(path)
        assert "<script>alert" not in page
        assert "In order" in page


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        (PageFacts("T", "en", False, True, True), "Credit missing"),
        (PageFacts("T", "en", True, False, True), "Licence missing"),
        (PageFacts("Its title there", "en", True, True, True), "In order"),
    ],
)
async def test_what_was_seen_on_the_page_is_said(desk: Desk, facts: PageFacts, word: str) -> None:
    await seen(desk, await copy_of(desk), facts)
    page = text_of(await desk.get("copies"))
    assert word in page
    assert str(facts.title) in page


async def test_the_csv_is_safe_against_formulas(desk: Desk) -> None:
    await copy_of(desk, label=HOSTILE)
    answer = await desk.owner.get("/admin/sites/paper/copies.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["label"] for row in rows] == [f"'{HOSTILE}"]
    assert (await desk.people["local"].get("/admin/sites/paper/copies.csv")).status_code == 403


async def test_a_copy_is_revoked_and_given_back_as_the_step_says(desk: Desk) -> None:
    story = desk.server.publisher.story()
    grant, copy = await carry(desk.server, story, "https://a.example")
    await feel(desk.server, grant)
    step = text_of(await desk.get(f"copies?revoke={copy}"))
    assert "Revoke the copy on a.example?" in step
    assert "Within 5 seconds its readers can read but no longer react or write. 0 are there" in step
    assert "What came from there stays and is counted. Reactions: 1, comments: 0." in step
    answer = await desk.post(f"copies/{copy}/revoke")
    assert answer.status_code == 303
    page = await desk.get(answer.headers["location"].partition("paper/")[2])
    assert "Revoked" in text_of(page)
    assert f"/copies/{copy}/give-back" in page
    answer = await desk.post(f"copies/{copy}/give-back")
    page = text_of(await desk.get(answer.headers["location"].partition("paper/")[2]))
    assert "Given back. Its readers can react and write again." in page


async def test_shutting_out_of_the_site_stops_its_copies_of_other_stories(desk: Desk) -> None:
    copy = await copy_of(desk, title="One")
    await copy_of(desk, title="Another")
    step = text_of(await desk.get(f"copies?revoke={copy}"))
    assert "Also stops “ Another ”" in step
    await desk.post(f"copies/{copy}/revoke", shut_out="site")
    page = text_of(await desk.get("copies"))
    assert page.count("Give back") == 2
    answer = await desk.post(f"copies/{copy}/revoke", shut_out="the moon")
    assert answer.status_code == 422
    assert "Choose the story or the whole site." in answer.text


async def test_filters_orders_and_pages_are_addresses(desk: Desk) -> None:
    for number in range(30):
        await copy_of(desk, f"https://copy{number}.example", lang="fr" if number % 2 else "en")
    page = await desk.get("copies?order=first_seen")
    assert "copy29.example" in page
    assert "copy3.example" not in page
    cursor = page.partition("after=")[2].partition('"')[0]
    second = await desk.get(f"copies?order=first_seen&after={cursor}")
    assert "copy3.example" in second
    assert "copy29.example" not in second
    only = text_of(await desk.get("copies?lang=fr&q=copy1"))
    assert "copy11.example" in only
    assert "copy10.example" not in only
    assert "No such copy" in await desk.get("copies?status=revoked")
    await desk.get("copies?after=nonsense", status=400)


async def test_copies_are_new_until_the_next_visit(desk: Desk) -> None:
    await copy_of(desk)
    assert "1 copy is new since your last visit" in text_of(await desk.get("copies"))
    cookie = next(value for name, value in desk.owner.cookies.items() if "visit" in name)
    desk.owner.cookies.set("local-visit-paper", f"0.{cookie.partition('.')[2]}")
    now = desk.services.now_ms()
    desk.owner.cookies.delete("local-visit-paper")
    desk.owner.cookies.set("local-visit-paper", f"{now}.{now}")
    page = text_of(await desk.get("copies"))
    assert "new since your last visit (" not in page
    desk.owner.cookies.delete("local-visit-paper")
    desk.owner.cookies.set("local-visit-paper", "no.times")
    await desk.get("copies")


async def test_the_first_answer_reads_at_most_five_statements(desk: Desk) -> None:
    await copy_of(desk)
    with Statements(desk.server) as statements:
        await desk.get("copies")
    assert 1 <= len(statements.texts) <= 5
