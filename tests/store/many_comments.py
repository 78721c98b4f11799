"""Write many comments into a story at once, as rows: acting them out one by one would take minutes."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.store.schema import comments, stories

AT = 1_700_000_000_000


def rows_of(story: int, number: int, replies: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    """Yield the rows of `number` comments: threads with so many replies, in turn."""
    made, thread = 0, 0
    while made < number:
        top = f"m{story}x{made:07d}"
        for place in range(1 + replies[thread % len(replies)]):
            made += 1
            yield _row(story, made, top, place)
        thread += 1


def _row(story: int, born: int, top: str, place: int) -> dict[str, Any]:
    name = top if place == 0 else f"m{story}x{born - 1:07d}"
    words = f"Comment {born} with some words that make a line of usual length."
    return {
        "id": name, "story": story, "thread": top, "parent": top if place else None, "born": born,
        "seq": born, "state": "published", "source": words, "text": json.dumps([["p", None, words]]),
        "name": f"Reader {born % 97}", "email": "hidden@reader.example", "reader": f"r{born % 997}",
        "created_at": AT + born, "changed_at": AT + born, "pinned": False, "client_key": name,
        "version": 0, "counts": "{}", "score": 0,
    }  # fmt: skip


async def write_comments(
    connection: AsyncConnection, story: int, number: int, replies: tuple[int, ...]
) -> None:
    """Write `number` comments, published one after the other."""
    rows = islice(rows_of(story, number, replies), number)
    while some := list(islice(rows, 1_000)):
        await connection.execute(insert(comments), some)
    counted = {"published": number, "seq": number, "changed_at": AT + number}
    await connection.execute(update(stories).where(stories.c.id == story).values(**counted))
