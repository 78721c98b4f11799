"""A writer that answers at once and keeps nothing: what acknowledging costs without storing.

It does all that the real one does but the database: it counts, numbers, answers and announces, a
tally at most once in a turn of the event loop.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from widget_server.model.events import CommentChanged, Event, TallyChanged
from widget_server.model.records import Comment, CommentState, Tally
from widget_server.store.writing.actions import Action, Post, React
from widget_server.store.writing.writer import Writer


class NullWriter:
    """In the place of `store.writer.Writer`; everything but reactions and posts goes to that one."""

    def __init__(
        self,
        writer: Writer,
        code: str,
        epoch: str,
        announce: Callable[[Sequence[Event], str], None],
    ) -> None:
        self._writer = writer
        self._code = code
        self._epoch = epoch
        self._announce = announce
        self._reactions: dict[str, str | None] = {}
        self._counts: dict[str, int] = {}
        self._version = 1_000_000
        self._seq = 0
        self._told = True

    async def run_in_transaction(self, transaction: Any) -> Any:
        """As the real one does."""
        return await self._writer.run_in_transaction(transaction)

    async def submit(self, action: Action) -> Any:
        """The answer, without a promise."""
        match action:
            case React():
                return self._react(action)
            case Post():
                return self._post(action)
            case _:
                return await self._writer.submit(action)

    def _react(self, action: React) -> Tally:
        before = self._reactions.get(action.reader)
        self._reactions[action.reader] = action.reaction
        for key, step in ((before, -1), (action.reaction, 1)):
            if key is not None:
                self._counts[key] = self._counts.get(key, 0) + step
        if self._told:
            self._told = False
            asyncio.get_running_loop().call_soon(self._tell)
        return Tally(self._version, dict(self._counts))

    def _tell(self) -> None:
        self._told = True
        self._version += 1
        tally = Tally(self._version, dict(self._counts))
        self._announce([TallyChanged(self._code, None, tally)], self._epoch)

    def _post(self, action: Post) -> Comment:
        self._seq += 1
        comment = Comment(
            id=action.id,
            parent=action.parent,
            thread=action.id,
            born=self._seq,
            seq=self._seq,
            state=CommentState.PUBLISHED,
            source=action.source,
            text=action.text,
            name=action.name,
            email=action.email,
            website=action.website,
            role=action.role,
            reader=action.reader,
            copy=None,
            lang=action.lang,
            created_at=action.at,
            edited_at=None,
            pinned=False,
            tally=Tally(0, dict.fromkeys(action.reactions, 0)),
        )
        self._announce([CommentChanged(self._code, self._seq, comment, self._seq)], self._epoch)
        return comment
