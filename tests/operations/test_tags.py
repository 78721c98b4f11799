"""Tags: which can be given and by which roles, how comments are found by them, and who is told of them."""

from dataclasses import replace

import pytest

from tests.operations.operations_harness import Server
from tests.operations.owner_harness import Statements, carry, person, republish, write
from widget_server.model.actors import Role
from widget_server.model.errors import CaseClosedError, MalformedError, NotPermittedError
from widget_server.model.queue import StorySet
from widget_server.model.records import Comment
from widget_server.model.setting_values import overridden_keys, with_value
from widget_server.model.settings import SiteSettings
from widget_server.operations.moderation import cases, decide, discussion, log_pages, queue
from widget_server.operations.moderation.new_comments import list_new
from widget_server.operations.moderation.watch_lists import add_watch_list, list_watch_lists
from widget_server.store.queries.decisions import LogFilter

ANA = person("moderator")


@pytest.fixture
async def tagged(server: Server) -> Server:
    """Return the server whose site has three tags."""
    await server.set(("tags", "urgent, Good quote, organised"))
    return server


async def give(server: Server, comment: Comment, *names: str) -> None:
    for name in names:
        await decide.decide(server.services, ANA, "tag", comment.id, tag=name)


def test_the_setting_takes_up_to_nine_lines_in_their_order() -> None:
    settings = SiteSettings()
    assert settings.tags == ()
    some = with_value(settings, "tags", " urgent ,Good quote, é ")
    assert some.tags == ("urgent", "Good quote", "é")
    assert some.to_json() == {"tags": ["urgent", "Good quote", "é"]}
    assert SiteSettings.from_json(some.to_json()) == some
    assert with_value(settings, "tags", ["b", "a"]).tags == ("b", "a")
    assert with_value(settings, "tags", "b,,a,").tags == ("b", "a")
    assert with_value(settings, "tags", "عاجل، سؤال").tags == ("عاجل", "سؤال")
    assert with_value(settings, "tags", "急ぎ、名言").tags == ("急ぎ", "名言")
    assert with_value(some, "tags", "").tags == with_value(some, "tags", None).tags == ()
    assert len(with_value(settings, "tags", ",".join("abcdefghi")).tags) == 9
    assert with_value(settings, "tags", "x" * 40).tags == ("x" * 40,)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (",".join("abcdefghij"), "at most 9"),
        (["a", ""], "1 to 40 characters"),
        ("\u00e9, e\u0301", "each tag once"),
        ("x" * 41, "1 to 40 characters"),
        ("two\nlines", "1 to 40 characters"),
        (["a, b"], "without a comma"),
        ("Straße, STRASSE", "each tag once"),
        ([1], "as a text"),
    ],
)
def test_the_setting_refuses_what_cannot_be_tags(value: object, said: str) -> None:
    with pytest.raises(ValueError, match=f"tags: .*{said}"):
        with_value(SiteSettings(), "tags", value)


def test_a_story_has_the_tags_of_its_site() -> None:
    with pytest.raises(ValueError, match="cannot override"):
        overridden_keys("tags")


async def test_only_the_tags_of_the_site_are_given_in_its_spelling(tagged: Server) -> None:
    comment = await write(tagged, await tagged.grant())
    done = await decide.decide(tagged.services, ANA, "tag", comment.id, tag=" GOOD QUOTE ")
    assert done.comment is not None
    assert done.comment.tags == ("Good quote",)
    again = await decide.decide(tagged.services, ANA, "tag", comment.id, tag="good quote")
    assert again.decision is None
    with pytest.raises(MalformedError, match="one of these tags: urgent, Good quote, organised"):
        await decide.decide(tagged.services, ANA, "tag", comment.id, tag="quote")
    for missing in (None, "", "  "):
        with pytest.raises(MalformedError, match="Name the tag"):
            await decide.decide(tagged.services, ANA, "tag", comment.id, tag=missing)
    with pytest.raises(MalformedError, match="Only tag and untag"):
        await decide.decide(tagged.services, ANA, "pin", comment.id, tag="urgent")


async def test_without_tags_the_site_says_where_they_come_from(server: Server) -> None:
    comment = await write(server, await server.grant())
    with pytest.raises(MalformedError, match="This site has no tags"):
        await decide.decide(server.services, ANA, "tag", comment.id, tag="urgent")


async def test_a_tag_that_the_site_no_longer_has_stays_and_is_taken_off(tagged: Server) -> None:
    comment = await write(tagged, await tagged.grant())
    await give(tagged, comment, "urgent", "organised")
    await tagged.set(("tags", "other"))
    done = await decide.decide(tagged.services, ANA, "untag", comment.id, tag="urgent")
    assert done.decision is not None
    assert done.comment is not None
    assert done.comment.tags == ("organised",)
    # Its undo gives the old tag back, although it cannot be given any more.
    result = await decide.undo(tagged.services, ANA, done.decision.id)
    assert result.decided[0].comment is not None
    assert result.decided[0].comment.tags == ("urgent", "organised")


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("owner", True),
        ("editor", True),
        ("moderator", True),
        ("machine", True),
        ("auditor", False),
        ("local", False),
    ],
)
async def test_who_may_pin_may_tag_and_untag(tagged: Server, role: Role, may: bool) -> None:
    comment = await write(tagged, await tagged.grant())
    by = person(role)
    for verb in ("tag", "untag"):
        work = decide.decide(tagged.services, by, verb, comment.id, tag="urgent")
        if may:
            assert (await work).decision is not None
        else:
            with pytest.raises(NotPermittedError):
                await work


async def test_a_batch_tags_all_and_is_undone_as_one(tagged: Server) -> None:
    grant = await tagged.grant()
    some = [await write(tagged, grant, f"number {number}") for number in range(3)]
    made = await decide.decide_batch(
        tagged.services, ANA, "tag", [(one.id, None) for one in some], tag="urgent"
    )
    assert len(made.decided) == 3
    found = await cases.list_comments(tagged.services, ANA, "paper", tag="urgent")
    assert [one.id for _, one in found] == [one.id for one in reversed(some)]
    await decide.undo(tagged.services, ANA, made.batch)
    assert await cases.list_comments(tagged.services, ANA, "paper", tag="urgent") == []


async def test_a_case_stays_open_when_it_is_tagged_and_a_closed_one_is_refused(
    tagged: Server,
) -> None:
    await tagged.set(("moderation", "pre"))
    comment = await write(tagged, await tagged.grant())
    (case,) = await cases.open_cases(tagged.services, ANA, "paper", "pending")
    await queue.decide_case(tagged.services, ANA, "paper", case.id, "tag", tag="urgent")
    (same,) = await cases.open_cases(tagged.services, ANA, "paper", "pending")
    assert (same.id, same.comment.tags) == (case.id, ("urgent",))
    await decide.decide(tagged.services, ANA, "approve", comment.id)
    with pytest.raises(CaseClosedError):
        await queue.decide_case(tagged.services, ANA, "paper", case.id, "tag", tag="organised")


async def test_a_filter_and_a_watch_list_narrow_the_queues_to_a_tag(tagged: Server) -> None:
    await tagged.set(("moderation", "pre"))
    grant = await tagged.grant()
    one, other = await write(tagged, grant, "one"), await write(tagged, grant, "other")
    await give(tagged, one, "urgent")
    await give(tagged, other, "organised")
    made = await add_watch_list(tagged.services, ANA, "paper", "Urgent", StorySet(tag=" URGENT "))
    assert (await list_watch_lists(tagged.services, ANA, "paper"))[0].terms.tag == "urgent"
    for chosen in (cases.filter_of(tag="urgent"), cases.filter_of(watch=made.id)):
        found = await cases.open_cases(tagged.services, ANA, "paper", chosen)
        assert [case.comment.source for case in found] == ["one"]
        page = await queue.show_queue(tagged.services, ANA, "paper", chosen)
        assert page.card is not None
        assert page.card.case.comment.tags == ("urgent",)
        await queue.give_cases_back(tagged.services, ANA, "paper")
        (card,) = await queue.take(tagged.services, ANA, "paper", chosen)
        assert card.case.comment.source == "one"
        await queue.give_cases_back(tagged.services, ANA, "paper")
    assert await cases.open_cases(tagged.services, ANA, "paper", cases.filter_of(tag="x")) == []
    with pytest.raises(MalformedError, match="one of these tags"):
        await add_watch_list(tagged.services, ANA, "paper", "Wrong", StorySet(tag="quote"))


async def test_what_is_new_is_narrowed_to_a_tag(tagged: Server) -> None:
    grant = await tagged.grant()
    one = await write(tagged, grant, "one")
    await write(tagged, grant, "other")
    # A tag is no decision about the words: the comment is new all the same.
    await give(tagged, one, "urgent")
    services = replace(tagged.services, clock=lambda: tagged.services.clock() + 10)
    found = await list_new(services, ANA, "paper", cases.filter_of("new", tag="urgent"))
    assert [case.comment.source for case in found] == ["one"]
    assert len(await list_new(services, ANA, "paper")) == 2


async def test_all_tagged_comments_are_listed_in_any_state_page_by_page(
    tagged: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discussion, "FLAT_PAGE", 6)
    grant, more = await tagged.grant(), await tagged.grant()
    written = [
        await write(tagged, more if number % 2 else grant, f"number {number}")
        for number in range(discussion.FLAT_PAGE + 5)
    ]
    for comment in written:
        await give(tagged, comment, "urgent")
    await decide.decide(tagged.services, ANA, "remove", written[3].id)
    await decide.decide(tagged.services, ANA, "hold", written[4].id)
    await decide.decide(tagged.services, ANA, "untag", written[5].id, tag="urgent")
    expected = [one.source for one in reversed(written) if one is not written[5]]
    with Statements(tagged) as statements:
        first, place = await discussion.show_tagged(tagged.services, ANA, "paper", "urgent")
    assert len(statements.texts) == 1
    second, end = await discussion.show_tagged(
        tagged.services, ANA, "paper", "urgent", before=place
    )
    assert [len(first), len(second), end] == [discussion.FLAT_PAGE, 4, None]
    assert [one.comment.source for one in (*first, *second)] == expected
    states = {one.comment.source: (one.comment.state.value, one.held) for one in (*first, *second)}
    assert states["number 3"] == ("removed", False)
    assert states["number 4"] == ("removed", True)
    # For programs, too, and in a story.
    rows = await cases.list_comments(
        tagged.services, ANA, "paper", tag="urgent", story=more.story.code
    )
    assert len(rows) == len(written) // 2 - 1


async def test_the_log_says_which_tag_was_given_and_taken_back(tagged: Server) -> None:
    comment = await write(tagged, await tagged.grant())
    done = await decide.decide(tagged.services, ANA, "tag", comment.id, tag="urgent")
    assert done.decision is not None
    await decide.undo(tagged.services, ANA, done.decision.id)
    page = await log_pages.show_log(tagged.services, ANA, "paper", LogFilter())
    entries = [one.decision for one in page.entries if one.decision.comment == comment.id]
    assert [(one.verb, one.before["tags"], one.after["tags"]) for one in entries] == [
        ("undo", ["urgent"], []),
        ("tag", [], ["urgent"]),
    ]


async def test_a_local_moderator_is_told_nothing_of_tags(tagged: Server) -> None:
    await tagged.set(("moderation", "pre"))
    grant = await tagged.grant()
    own, copy = await republish(tagged, grant.story.code, "own.example")
    comment = await write(tagged, own, "on their copy")
    await give(tagged, comment, "urgent")
    made = await add_watch_list(tagged.services, ANA, "paper", "Urgent", StorySet(tag="urgent"))
    local = person("local", copies=frozenset({copy}))
    services = tagged.services
    (case,) = await cases.open_cases(services, local, "paper", "pending")
    assert case.comment.tags == ()
    page = await queue.show_queue(services, local, "paper", cases.filter_of("pending"))
    assert page.card is not None
    assert page.card.case.comment.tags == ()
    (card,) = await queue.take(services, local, "paper", cases.filter_of("pending"))
    assert card.case.comment.tags == ()
    assert (await queue.find_card(services, local, "paper", case.id)).case.comment.tags == ()
    found = await discussion.find_comment(services, local, "paper", comment.id)
    assert found.comment.tags == ()
    assert (await cases.show_comment(services, local, comment.id))[1].tags == ()
    ((_, listed),) = await cases.list_comments(services, local, "paper")
    assert listed.tags == ()
    for chosen in (cases.filter_of(tag="urgent"), cases.filter_of(watch=made.id)):
        with pytest.raises(NotPermittedError):
            await cases.open_cases(services, local, "paper", chosen)
        with pytest.raises(NotPermittedError):
            await queue.take(services, local, "paper", chosen)
        with pytest.raises(NotPermittedError):
            await queue.show_queue(services, local, "paper", chosen)
    with pytest.raises(NotPermittedError):
        await cases.list_comments(services, local, "paper", tag="urgent")
    with pytest.raises(NotPermittedError):
        await discussion.show_tagged(services, local, "paper", "urgent")


async def test_the_first_page_of_the_queue_has_as_many_statements_with_tags(
    tagged: Server,
) -> None:
    await tagged.set(("moderation", "pre"))
    grant, _ = await carry(tagged, tagged.publisher.story(), "https://one.example")
    comment = await write(tagged, grant)
    numbers = []
    for _ in range(2):
        await queue.give_cases_back(tagged.services, ANA, "paper")
        with Statements(tagged) as statements:
            await queue.show_queue(tagged.services, ANA, "paper", cases.filter_of("pending"))
        numbers.append(len(statements.texts))
        await give(tagged, comment, "urgent")
    assert numbers[0] == numbers[1]


async def test_a_card_says_which_tags_were_given_and_taken_off_before(tagged: Server) -> None:
    await tagged.set(("moderation", "pre"))
    comment = await write(tagged, await tagged.grant())
    await give(tagged, comment, "urgent", "organised")
    done = await decide.decide(tagged.services, ANA, "untag", comment.id, tag="urgent")
    assert done.decision is not None
    await decide.undo(tagged.services, ANA, done.decision.id)
    (card,) = await queue.take(tagged.services, ANA, "paper", cases.filter_of("pending"))
    told = [(one.verb, one.tags) for one in card.context.decisions]
    assert sorted(told) == sorted(
        [
            ("tag", ("urgent",)),
            ("tag", ("organised",)),
            ("untag", ("urgent",)),
            ("undo", ("urgent",)),
        ]
    )
