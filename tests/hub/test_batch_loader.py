"""What many readers left is asked for together, and never before they asked."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.waiting import eventually
from widget_server.hub.batch_loader import BatchLoader
from widget_server.model.errors import UnavailableError


class Database:
    """Answers when it is told to; says with each answer how many questions it has had."""

    def __init__(self) -> None:
        self.questions: list[tuple[str, tuple[str, ...]]] = []
        self.answering = asyncio.Event()
        self.failing = 0
        """So many of the first questions are not answered."""

    async def ask(self, code: str, readers: Sequence[str]) -> dict[str, bytes]:
        self.questions.append((code, tuple(readers)))
        number = len(self.questions)
        await self.answering.wait()
        if number <= self.failing:
            raise UnavailableError(retry_after=1)
        return dict.fromkeys(readers, b"%d" % number)


async def test_a_thousand_who_come_while_one_question_is_answered_are_one_question() -> None:
    database = Database()
    loader = BatchLoader(database.ask)
    first = asyncio.create_task(loader.load("a", ["r0"]))
    await eventually(lambda: database.questions, "the first question")
    others = [asyncio.create_task(loader.load("a", [f"r{number}"])) for number in range(1_000)]
    elsewhere = asyncio.create_task(loader.load("b", ["r0"]))
    await eventually(lambda: len(database.questions) == 2, "the question of the other story")
    others[7].cancel()
    database.answering.set()
    assert (await first)["r0"] == b"1"
    assert (await elsewhere)["r0"] == b"2"
    # Also for the reader of before: in the meantime it may have done something.
    answers = await asyncio.gather(*others, return_exceptions=True)
    assert isinstance(answers.pop(7), asyncio.CancelledError)
    assert {answer["r0"] for answer in answers if isinstance(answer, dict)} == {b"3"}
    assert len(answers) == 999
    assert [len(readers) for _, readers in database.questions] == [1, 1, 1_000]
    # Nothing is remembered: the next one asks anew.
    assert (await loader.load("a", ["r0"]))["r0"] == b"4"


async def test_a_question_that_failed_is_asked_again_for_those_who_came_later() -> None:
    database = Database()
    database.failing = 1
    loader = BatchLoader(database.ask)
    first = asyncio.create_task(loader.load("a", ["r0"]))
    await eventually(lambda: database.questions, "the first question")
    second = asyncio.create_task(loader.load("a", ["r1"]))
    await asyncio.sleep(0)
    database.answering.set()
    with pytest.raises(UnavailableError):
        await first
    assert await second == {"r1": b"2"}
