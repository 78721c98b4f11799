"""The numbers that a story's page shows of removed comments, against what its log says, for random decisions."""

import random
from typing import Any

import pytest

from tests.store.store_harness import Store, decide, undo
from tests.store.test_appeals import AT, MONA, NICK, with_people
from widget_server.model.errors import ProblemError
from widget_server.model.outcomes import outcome_of
from widget_server.model.records import CommentState, Story
from widget_server.store.queries.bans import Bans
from widget_server.store.queries.statements import DecidedCounts, Statements
from widget_server.store.schema import comments, decisions
from widget_server.store.schema_readers import appeals
from widget_server.store.writing.actions import Appeal, Delete, Edit

VERBS = ("remove", "remove", "spam", "reject", "hold", "restore", "approve", "pin", "uphold")
REASONS = ("spam", "attack", "hate", None)


async def expected(store: Store, story: Story) -> DecidedCounts:
    """Count comment by comment, by the log alone and by the rules by which authors are told."""
    removed: dict[str, int] = {}
    restored = published = 0
    for row in await store.rows(comments, comments.c.story == story.id):
        entries, appealed = await Bans(store.database).log_of(row.id)
        told = outcome_of(entries, appealed, kept=False)
        published += row.state == CommentState.PUBLISHED
        if row.state == CommentState.PUBLISHED and appealed:
            restored += 1
        if row.state == CommentState.REMOVED and told is not None and told.state == "removed":
            reason = next(one.reason for one in entries if one.id == told.decision) or ""
            removed[reason] = removed.get(reason, 0) + 1
    return DecidedCounts(published + sum(removed.values()), removed, restored)


@pytest.mark.parametrize("seed", range(6))
async def test_the_numbers_of_a_story_equal_its_log_after_random_decisions(
    store: Store, seed: int
) -> None:
    chance = random.Random(seed)
    await with_people(store, MONA, NICK)
    story = await store.story()
    ids = [(await store.post(story, f"r{number}", "words")).id for number in range(10)]
    for _ in range(120):
        number = chance.randrange(len(ids))
        id_, reader = ids[number], f"r{number}"
        by = chance.choice((MONA, NICK))
        made = await store.rows(decisions, decisions.c.comment == id_)
        action: Any
        match chance.randrange(12):
            case 0 | 1:
                action = Appeal(story.id, id_, reader, None, AT)
            case 2 if chance.random() < 0.2:
                action = Delete(story.id, id_, reader, 10**9, AT)
            case 6:
                words: list[Any] = [["p", None, "other"]]
                action = Edit(story.id, id_, reader, "other", words, 10**9, True, AT)
            case 3 | 4 | 5 if made:
                entry = chance.choice(made)
                action = undo(story, id_, entry.id, AT, by=by)
            case _:
                verb = chance.choice(VERBS) if chance.random() < 0.97 else "erase"
                reason = chance.choice(REASONS)
                action = decide(story, id_, verb, AT, by=by, reason=reason)
        try:
            await store.writer.submit(action)
        except ProblemError:
            continue
        found = await Statements(store.database).of_story(story.code)
        assert found == await expected(store, story), action
    assert await store.rows(decisions)
    assert await store.rows(appeals)
