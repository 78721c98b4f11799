"""Writer without a database, to measure the cost of mode without storing.

It does everything else that the real writer does: it counts, assigns numbers, replies and publishes.
It publishes a tally at most once per iteration of the event loop.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from widget_server.model.events import CommentChanged, Event, TallyChanged
from widget_server.model.records import Comment, CommentState, Tally
from widget_server.store.writing.actions import Action, Post, React
from widget_server.store.writing.writer import Writer


class NullWriter:
    """Replacement of `Writer`; passes all actions but `React` and `Post` to the real writer."""

    def __init__(
        self,
        writer: Writer,
        code: str,
        epoch: str,
        publish: Callable[[Sequence[Event], str], None],
    ) -> None:
        self._writer = writer
        self._code = code
        self._epoch = epoch
        self._publish = publish
        self._reactions: dict[str, str | None] = {}
        self._counts: dict[str, int] = {}
        self._version = 1_000_000
        self._seq = 0
        self._publish_scheduled = False

    async def run_in_transaction(self, transaction: Any) -> Any:
        """Run the transaction with the real writer."""
        return await self._writer.run_in_transaction(transaction)

    async def submit(self, action: Action) -> Any:
        """Return the result of an action without storing it."""
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
        if not self._publish_scheduled:
            self._publish_scheduled = True
            asyncio.get_running_loop().call_soon(self._publish_tally)
        return Tally(self._version, dict(self._counts))

    def _publish_tally(self) -> None:
        self._publish_scheduled = False
        self._version += 1
        tally = Tally(self._version, dict(self._counts))
        self._publish([TallyChanged(self._code, None, tally)], self._epoch)

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
        self._publish(
            [CommentChanged(self._code, self._seq, comment, self._seq, "bench")], self._epoch
        )
        return comment
