"""Stories and comments for benchmarks, inserted in bulk."""

import dataclasses

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.auth.tokens import story_code
from widget_server.model.claims import Attribution
from widget_server.model.records import Comment, CommentState, Tally, Tree
from widget_server.operations.services import Services
from widget_server.store import schema
from widget_server.store.engine import Database
from widget_server.store.mapping import dump
from widget_server.store.queries.stories import insert_story

COUNTS = {"surprised": 12, "thinking": 3_405, "happy": 23_117, "sad": 801, "fired_up": 96}
TEXT: Tree = [
    ["p", None, "The ferry library is the ", ["em", None, "best"], " thing on this coast."],
    ["p", None, "Read ", ["a", {"href": "https://harbour.example/"}, "this"], " first."],
]
SOURCE = "The ferry library is the *best* thing on this coast.\n\nRead [this](https://harbour.example/) first."


def comment(seq: int) -> Comment:
    """Return a comment of usual length."""
    return Comment(
        id=f"c{seq:011d}",
        parent=None,
        thread=f"c{seq:011d}",
        born=seq,
        seq=seq,
        state=CommentState.PUBLISHED,
        source=SOURCE,
        text=TEXT,
        name="Marit",
        email=None,
        website=None,
        role=None,
        reader="0" * 32,
        copy=None,
        lang="en",
        created_at=1_700_000_000_000,
        edited_at=None,
        pinned=False,
        tally=Tally(0, dict.fromkeys(COUNTS, 0)),
    )


async def stories(services: Services, site: str, number: int) -> list[str]:
    """Insert `number` stories and return their codes."""
    codes = []
    for index in range(number):
        key = f"list-{index}"
        code = story_code(site, key)
        attribution = Attribution("https://harbour.example/list", f"Story {index}")
        await services.writer.run_in_transaction(
            insert_story(code, site, key, 1_700_000_000, attribution, COUNTS)
        )
        codes.append(code)
    return codes


async def comments(database: Database, story: int, number: int) -> None:
    """Insert `number` comments: four of five are top-level comments, the others replies."""
    columns = {column.name for column in schema.comments.columns}
    rows = []
    for seq in range(1, number + 1):
        one = dataclasses.replace(comment(seq), id=f"{story:x}c{seq:09d}")
        top = f"{story:x}c{seq - seq % 5:09d}" if seq % 5 and seq > 5 and seq % 5 == 1 else None
        row = {name: getattr(one, name) for name in columns if hasattr(one, name)}
        row |= {
            "story": story,
            "parent": top,
            "thread": top or one.id,
            "state": one.state.value,
            "text": dump(one.text),
            "copy": None,
            "client_key": f"key-{seq:09d}",
            "version": 0,
            "counts": dump(one.tally.counts),
            "score": 0,
            "waiting_source": None,
            "waiting_text": None,
        }
        rows.append({name: row[name] for name in columns})

    async def write(connection: AsyncConnection) -> None:
        for start in range(0, len(rows), 5_000):
            await connection.execute(insert(schema.comments), rows[start : start + 5_000])
        await connection.execute(
            update(schema.stories)
            .where(schema.stories.c.id == story)
            .values(seq=number, published=number)
        )

    await database.write(write)
