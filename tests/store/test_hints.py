"""What readers tell the editors about a story, and what becomes of it, on SQLite and PostgreSQL."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.store.store_harness import (
    DAY,
    LOG_KEYS,
    Store,
    decide,
    new_id,
    open_store,
    undo,
)
from widget_server.model.corrections import MAX_STORED, Correction
from widget_server.model.errors import (
    ErasedError,
    NotFoundError,
    RateLimitedError,
    StaleError,
    TextRejectedError,
)
from widget_server.model.events import StoryChanged
from widget_server.model.hints import MAX_OPEN, MAX_OWN, Hint
from widget_server.model.limits import MAX_OWN_HINTS_BYTES
from widget_server.model.records import Story
from widget_server.protocol import serializers
from widget_server.store import backup, migrate, restore
from widget_server.store.queries.hints import Hints
from widget_server.store.queries.log_check import LogCheck
from widget_server.store.schema import decision_words, decisions, erasures
from widget_server.store.schema_hints import hints
from widget_server.store.writing.actions import Decide, Forget, SendHint
from widget_server.store.writing.old_hints import delete_old_hints, erase_words_of_hints


async def sent(
    store: Store, story: Story, reader: str = "ann", text: str = "It was 1961.", **more: Any
) -> Hint:
    fields: dict[str, Any] = {"at": 1_000} | more
    return await store.writer.submit(SendHint(story.id, new_id("h"), reader, text, **fields))


def accept(story: Story, hint: Hint, at: int = 2_000, **more: Any) -> Decide:
    fields: dict[str, Any] = {"id": new_id("d"), "thanks": True, "hint": hint.id} | more
    text = fields.pop("text", "The boat was built in 1961.")
    new = Correction(fields["id"], at, "correction", text, passage=fields.pop("passage", None))
    return decide(story, "", "correct", at, correction=new, **fields)


def decline(story: Story, hint: Hint, at: int = 2_000, **more: Any) -> Decide:
    return decide(story, "", "reject", at, hint=hint.id, **more)


async def own(store: Store, story: Story, reader: str = "ann") -> list[Hint]:
    return (await store.discussions.own(story.id, [reader]))[reader].hints


async def count(store: Store, site: str = "s") -> int:
    counted: int = await Hints(store.database).count(site)
    open_ones = await store.rows(hints, hints.c.site == site, hints.c.state == "open")
    assert counted == len(open_ones)
    return counted


async def test_a_hint_waits_until_a_correction_follows_it(store: Store) -> None:
    story = await store.story()
    hint = await sent(store, story, passage="in 1971", credit="Ann")
    assert (hint.state, hint.text, hint.passage, hint.credit) == (
        "open",
        "It was 1961.",
        "in 1971",
        "Ann",
    )
    assert await count(store) == 1
    store.events.clear()
    decided = await store.writer.submit(accept(story, hint, answer="Thank you."))
    assert decided.decision is not None
    assert decided.decision.after["hint"] == hint.id
    assert (decided.decision.verb, decided.decision.targets) == ("correct", ())
    (made,) = (await store.now(story)).corrections
    assert (made.id, made.credit) == (decided.decision.id, "Ann")
    (known,) = await own(store, story)
    assert (known.state, known.answer, known.correction) == ("accepted", "Thank you.", made.id)
    assert known.decided_at == 2_000
    assert [type(event) for event in store.events] == [StoryChanged]
    assert await count(store) == 0


async def test_a_hint_is_declined_with_an_answer_for_its_reader_alone(store: Store) -> None:
    story = await store.story()
    hint = await sent(store, story)
    store.events.clear()
    decided = await store.writer.submit(decline(story, hint, answer="It was 1971."))
    assert decided.decision is not None
    assert (decided.decision.verb, decided.decision.targets) == ("reject", (f"hint:{hint.id}",))
    assert decided.decision.comment is None
    (known,) = await own(store, story)
    assert (known.state, known.answer, known.correction) == ("declined", "It was 1971.", None)
    assert (await store.now(story)).corrections == ()
    # A page that is open asks for the reader's own items after it.
    assert [type(event) for event in store.events] == [StoryChanged]
    assert "1971" not in repr(store.events)
    assert await store.rows(decision_words) == []
    assert await count(store) == 0


async def test_of_two_editors_at_once_one_wins_and_the_other_is_told(store: Store) -> None:
    story = await store.story()
    hint = await sent(store, story)
    made, refused, declined = await store.together(
        accept(story, hint), accept(story, hint, text="Twice."), decline(story, hint)
    )
    assert made.decision.after["hint"] == hint.id
    for error in (refused, declined):
        assert isinstance(error, StaleError)
        assert "a correction followed it" in error.detail
    (only,) = (await store.now(story)).corrections
    assert only.text == "The boat was built in 1961."
    assert await count(store) == 0


async def test_without_thanks_the_correction_names_no_reader(store: Store) -> None:
    story = await store.story()
    hint = await sent(store, story, credit="Ann")
    await store.writer.submit(accept(story, hint, thanks=False))
    (made,) = (await store.now(story)).corrections
    assert made.credit is None


async def test_the_undo_of_a_correction_withdraws_it_and_opens_the_hint(store: Store) -> None:
    story = await store.story()
    hint = await sent(store, story, credit="Ann")
    await store.writer.submit(accept(story, hint, id="made", answer="Thank you."))
    # What happens to the story meanwhile is about something else.
    await store.writer.submit(decide(story, "", "close", 3_000))
    undone = await store.writer.submit(undo(story, "", "made", 4_000))
    assert undone.decision is not None
    assert undone.decision.before == {"correction": "made", "hint": hint.id}
    assert await own(store, story) == [hint]
    assert await count(store) == 1
    (gone,) = (await store.now(story)).corrections
    assert (gone.text, gone.credit, gone.withdrawn_at) == ("", None, 4_000)
    assert (await store.writer.submit(undo(story, "", "made", 5_000))).decision is None
    await store.writer.submit(accept(story, hint, 6_000, text="Built in 1961."))
    assert [one.text for one in (await store.now(story)).corrections] == ["", "Built in 1961."]
    assert await count(store) == 0


async def test_the_undo_of_a_decline_opens_the_hint_again(store: Store) -> None:
    story = await store.story()
    closed = await store.writer.submit(decide(story, "", "close", 1_500))
    hint = await sent(store, story)
    declined = await store.writer.submit(decline(story, hint, answer="No."))
    assert declined.decision is not None
    assert closed.decision is not None
    # The decline is no later decision about the discussion itself.
    await store.writer.submit(undo(story, "", closed.decision.id, 2_500))
    store.events.clear()
    undone = await store.writer.submit(undo(story, "", declined.decision.id, 3_000))
    assert undone.decision is not None
    assert undone.decision.targets == (f"hint:{hint.id}",)
    assert [type(event) for event in store.events] == [StoryChanged]
    assert await own(store, story) == [hint]
    assert await count(store) == 1
    assert not (await store.now(story)).closed


async def test_three_hints_of_a_reader_wait_in_a_story_and_the_same_words_change_nothing(
    store: Store,
) -> None:
    story, other = await store.story(), await store.story("two")
    first = await sent(store, story)
    assert await sent(store, story) == first
    for number in range(1, MAX_OPEN):
        await sent(store, story, text=f"no. {number}", at=1_000 + number)
    with pytest.raises(RateLimitedError):
        await sent(store, story, text="One more.")
    assert await sent(store, story) == first
    assert await count(store) == MAX_OPEN
    await sent(store, story, "ben")
    await sent(store, other)
    await store.writer.submit(decline(story, first))
    assert (await sent(store, story)).state == "declined", "the words were answered already"
    await sent(store, story, text="Now there is room.")
    assert await count(store) == MAX_OPEN + 2


async def test_a_hint_of_another_story_and_an_unknown_one_are_not_found(store: Store) -> None:
    story, other = await store.story(), await store.story("two")
    hint = await sent(store, other)
    for action in (accept(story, hint), decline(story, hint)):
        with pytest.raises(NotFoundError):
            await store.writer.submit(action)
    missing = Hint("missing", 1, "words")
    with pytest.raises(NotFoundError):
        await store.writer.submit(decline(story, missing))
    assert (await store.now(story)).corrections == ()
    assert await count(store) == 1


async def test_a_correction_that_is_one_too_many_leaves_the_hint_open(store: Store) -> None:
    story = await store.story()
    hint = await sent(store, story)
    for number in range(MAX_STORED):
        new = Correction(f"n{number}", 1, "update", "Words.")
        await store.writer.submit(decide(story, "", "correct", 1, id=new.id, correction=new))
    with pytest.raises(TextRejectedError):
        await store.writer.submit(accept(story, hint))
    assert await own(store, story) == [hint]
    assert await count(store) == 1


async def test_who_forgets_leaves_no_hint_and_no_name_in_corrections(store: Store) -> None:
    story, other = await store.story(), await store.story("two")
    followed = await sent(store, story, credit="Ann")
    await store.writer.submit(accept(story, followed, id="made"))
    await sent(store, story, text="It waits.")
    await sent(store, other, text="It waits elsewhere.")
    kept = await sent(store, story, "ben", text="Of another reader.")
    assert await count(store) == 3
    store.events.clear()
    await store.writer.submit(Forget("ann", 9_000))
    assert [row.id for row in await store.rows(hints)] == [kept.id]
    assert await count(store) == 1
    (made,) = (await store.now(story)).corrections
    assert (made.text, made.credit) == ("The boat was built in 1961.", None)
    assert [type(event) for event in store.events] == [StoryChanged]
    assert await store.rows(decision_words, decision_words.c.decision == "made") == []
    verdict = await LogCheck(store.database, LOG_KEYS).verify()
    assert verdict.damages == []
    # The correction is the publisher's. Its undo opens no hint.
    await store.writer.submit(undo(story, "", "made", 10_000))
    assert await count(store) == 1


async def test_who_forgets_after_the_undo_leaves_no_name_in_the_log(store: Store) -> None:
    story = await store.story()
    hint = await sent(store, story, credit="Ann Example")
    await store.writer.submit(accept(story, hint, id="first"))
    await store.writer.submit(undo(story, "", "first", 3_000))
    await store.writer.submit(accept(story, hint, 4_000, id="second"))
    await store.writer.submit(undo(story, "", "second", 5_000))
    await store.writer.submit(accept(story, hint, 6_000, id="third", thanks=False))
    of_ben = await sent(store, story, "ben", credit="Ben")
    await store.writer.submit(accept(story, of_ben, 7_000, id="other"))
    assert "Ann Example" in repr(await store.rows(decision_words))
    await store.writer.submit(Forget("ann", 9_000))
    assert "Ann Example" not in repr(await store.rows(decision_words))
    assert {row.decision for row in await store.rows(decision_words)} == {"third", "other"}
    by_id = {one.id: one for one in (await store.now(story)).corrections}
    assert (by_id["third"].text, by_id["other"].credit) == ("The boat was built in 1961.", "Ben")
    assert (await LogCheck(store.database, LOG_KEYS).verify()).damages == []


async def test_who_forgets_in_the_moment_of_the_undo_leaves_no_name_in_the_log(
    store: Store,
) -> None:
    story = await store.story()
    hint = await sent(store, story, credit="Ann Example")
    await store.together(
        accept(story, hint, id="made"), undo(story, "", "made", 3_000), Forget("ann", 9_000)
    )
    assert "Ann Example" not in repr(await store.rows(decision_words))
    assert await store.rows(hints) == []


async def test_who_forgets_after_years_leaves_no_name_in_corrections(store: Store) -> None:
    story = await store.story()
    followed = await sent(store, story, credit="Ann Example")
    declined = await sent(store, story, text="Is it?", at=1_001)
    await store.writer.submit(accept(story, followed, id="made"))
    await store.writer.submit(decline(story, declined))
    await store.writer.run_in_transaction(erase_words_of_hints(2_001 + 14 * DAY))
    assert await store.writer.run_in_transaction(delete_old_hints(2_001 + 400 * DAY)) == 1
    (made,) = (await store.now(story)).corrections
    assert made.credit == "Ann Example"
    await store.writer.submit(Forget("ann", 1_000 * DAY))
    (made,) = (await store.now(story)).corrections
    assert made.credit is None
    assert "Ann Example" not in repr(await store.rows(decision_words))
    assert await store.rows(hints) == []


async def test_a_hint_of_a_machine_whose_clock_is_ahead_is_forgotten_too(store: Store) -> None:
    story = await store.story()
    await sent(store, story, at=10_000)
    await store.writer.submit(Forget("ann", 9_000))
    (erased,) = await store.rows(erasures)
    assert (await store.rows(hints), erased.at) == ([], 10_000)


async def test_who_forgets_in_the_moment_of_sending_leaves_nothing(store: Store) -> None:
    story = await store.story()
    await sent(store, story)
    again = SendHint(story.id, new_id("h"), "ann", "Another one.", 1_001)
    stored, _ = await store.together(again, Forget("ann", 9_000))
    assert stored.text == "Another one."
    assert await store.rows(hints) == []
    assert await count(store) == 0


async def test_the_words_of_answered_hints_are_deleted_after_the_sites_time(store: Store) -> None:
    story = await store.story()
    followed = await sent(store, story, passage="in 1971", credit="Ann")
    declined = await sent(store, story, text="Is it?", at=1_001)
    waiting = await sent(store, story, text="It waits.", at=1_002)
    await store.writer.submit(accept(story, followed, id="made", answer="Thank you."))
    await store.writer.submit(decline(story, declined, id="no", answer="No."))
    assert await store.writer.run_in_transaction(erase_words_of_hints(2_000 + 14 * DAY)) == 0
    assert await store.writer.run_in_transaction(erase_words_of_hints(2_001 + 14 * DAY)) == 2
    assert await store.writer.run_in_transaction(erase_words_of_hints(2_001 + 14 * DAY)) == 0
    now = {one.id: one for one in await own(store, story)}
    assert now[waiting.id] == waiting
    for name, state in ((followed.id, "accepted"), (declined.id, "declined")):
        one = now[name]
        assert (one.state, one.decided_at) == (state, 2_000)
        assert (one.text, one.passage, one.credit, one.answer) == (None, None, None, None)
    with pytest.raises(ErasedError):
        await store.writer.submit(undo(story, "", "no", 20 * DAY))
    await store.writer.submit(undo(story, "", "made", 20 * DAY))
    (gone,) = (await store.now(story)).corrections
    assert gone.withdrawn_at == 20 * DAY
    assert await count(store) == 1
    # The log still has the name of the reader who was thanked.
    assert await store.writer.run_in_transaction(delete_old_hints(2_001)) == 1
    assert {row.id for row in await store.rows(hints)} == {followed.id, waiting.id}


async def test_editors_see_open_hints_the_oldest_first_with_their_readers_record(
    store: Store,
) -> None:
    story, other = await store.story(), await store.story("two")
    elsewhere = await store.story("three", site="t")
    await sent(store, elsewhere, at=1)
    first = await sent(store, story, at=1_000)
    await store.writer.submit(accept(story, first))
    second = await sent(store, other, text="And this.", at=3_000)
    await store.writer.submit(decline(other, second))
    third = await sent(store, story, text="Third.", at=4_000)
    new = await sent(store, other, "ben", text="New here.", at=4_000)
    last = await sent(store, other, text="Last.", at=5_000)
    reads = Hints(store.database)
    page = await reads.page("s", None, None, 10)
    assert {(one.hint.id, one.story, one.given, one.followed) for one in page} == {
        (third.id, story.code, 2, 1),
        (new.id, other.code, 0, 0),
        (last.id, other.code, 3, 1),
    }
    order = [(one.hint.at, one.hint.id) for one in page]
    assert order == sorted(order)
    assert page[0].title == "Title"
    assert [one.hint.id for one in await reads.page("s", None, order[0], 1)] == [order[1][1]]
    assert [one.hint.id for one in await reads.page("s", story.code, None, 10)] == [third.id]
    assert await reads.open_one("s", first.id) is None
    assert await reads.open_one("t", third.id) is None


async def test_a_reader_sees_the_newest_ten_with_the_words_that_fit(store: Store) -> None:
    story = await store.story()
    long = "\U0001f409" * 1_000
    for number in range(MAX_OWN + 2):
        hint = await sent(store, story, text=f"{number:02}" + long[2:], at=number)
        await store.writer.submit(decline(story, hint, number + 1, answer='"' * 500))
    found = await own(store, story)
    assert [one.at for one in found] == list(range(MAX_OWN + 1, 1, -1))
    assert [one.text is not None for one in found] == [True] + [False] * (MAX_OWN - 1)
    assert all(one.state == "declined" for one in found)
    sizes = [len(orjson.dumps(serializers.hint(one))) for one in found]
    assert sum(sizes) <= MAX_OWN_HINTS_BYTES + 2 * 1024


@pytest.mark.parametrize("words", ["\r\n" * 400, '"\\' * 400, "\t" * 900, "é\U0001f409" * 300])
def test_the_size_of_a_hint_is_at_least_that_of_its_words_in_json(words: str) -> None:
    hint = Hint("h", 1, f"a{words}b", passage=words, credit=None, answer=words)
    sent = [hint.text, hint.passage, hint.answer]
    assert hint.size >= sum(len(orjson.dumps(one)) - 2 for one in sent)


async def test_hints_survive_a_backup_and_who_forgot_since_stays_forgotten(
    database_url: str, tmp_path: Path
) -> None:
    await migrate.upgrade(database_url)
    file = tmp_path / "backup.sqlite3"
    async with open_store(database_url) as store:
        story = await store.story()
        followed = await sent(store, story, "ben", credit="Ben")
        await store.writer.submit(accept(story, followed))
        await sent(store, story)
        kept = await sent(store, story, "cem", at=2_000)
        await backup.back_up(database_url, file, lambda *_: None)
        await store.writer.submit(decline(story, kept))
        for reader in ("ann", "ben"):
            await store.writer.submit(Forget(reader, 9_000))
        done = await restore.restore(database_url, file, lambda *_: None)
        assert done.kept == {"readers who were erased": 2}
        assert await own(store, story, "cem") == [kept], "its answer was lost with the rest"
        assert [row.id for row in await store.rows(hints)] == [kept.id]
        assert await count(store) == 1
        (made,) = (await store.now(story)).corrections
        assert made.credit is None


async def test_a_reader_whom_the_version_before_erased_is_found(store: Store) -> None:
    """It erases a reader without looking at hints."""
    story = await store.story()
    await sent(store, story)

    async def erased(connection: AsyncConnection) -> None:
        row = {"kind": "reader", "subject": "ann", "at": 5_000}
        await connection.execute(insert(erasures), [row, {**row, "subject": "zoe"}])

    await store.writer.run_in_transaction(erased)
    after = await sent(store, story, text="After it.", at=6_000)
    assert await Hints(store.database).forgotten() == [("ann", 5_000)]
    await store.writer.submit(Forget("ann", 5_000, until=5_000))
    assert await own(store, story) == [after]
    assert await Hints(store.database).forgotten() == []
    assert await count(store) == 1


async def test_the_log_of_hints_names_ids_and_no_words(store: Store) -> None:
    story = await store.story()
    followed = await sent(store, story, text="secret words", passage="in 1971")
    declined = await sent(store, story, text="other words", at=1_001)
    await store.writer.submit(accept(story, followed))
    await store.writer.submit(decline(story, declined, answer="an answer"))
    rows = await store.rows(decisions)
    assert [row.verb for row in rows] == ["correct", "reject"]
    for words in ("secret", "other words", "an answer", "1971"):
        assert words not in repr([tuple(row) for row in rows])
    assert (await LogCheck(store.database, LOG_KEYS).verify()).damages == []
