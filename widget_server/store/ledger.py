"""What each deed does to a story: the rules, applied in order to the rows of one batch.

The stories' rows are locked first, so that `seq` is handed out in commit order without a gap.
Answers and events are drawn from the rows after the whole batch is applied.
"""

from collections.abc import Callable

from widget_server.model.errors import EditWindowOver, NotFound, Refused, StoryClosed
from widget_server.model.events import Event
from widget_server.model.records import CommentState
from widget_server.store.deeds import (
    Answer,
    Change,
    Deed,
    Delete,
    Edit,
    Forget,
    Moderate,
    Post,
    React,
    Report,
)
from widget_server.store.journal import Journal
from widget_server.store.rows import dump
from widget_server.store.workset import Row, Workset


class Ledger:
    """The rules of one batch. Use once: load the rows, `apply` each deed, flush the rows."""

    def __init__(self, rows: Workset) -> None:
        self._rows = rows
        self._journal = Journal(rows)

    def events(self) -> list[Event]:
        """What changed for everyone, once the whole batch is applied."""
        return self._journal.events()

    # Applying ----------------------------------------------------------------------------------

    def apply(self, deed: Deed) -> Callable[[], Answer] | Refused:
        """Change the working set; the answer is drawn after the whole batch is applied."""
        try:
            match deed:
                case React():
                    return self._react(deed)
                case Post():
                    return self._post(deed)
                case Edit():
                    return self._edit(deed)
                case Delete():
                    return self._delete(deed)
                case Report():
                    return self._report(deed)
                case Forget():
                    return self._forget(deed)
                case Moderate():
                    return self._moderate(deed)
                case Change():
                    return self._change(deed)
        except Refused as refusal:
            return refusal

    def _react(self, deed: React) -> Callable[[], Answer]:
        self._open_story(deed.story)
        target = deed.comment or ""
        if target:
            self._published(deed.story, target)
        before = self._rows.reactions.get((deed.story, target, deed.reader))
        if before != deed.reaction:
            self._journal.count(deed.story, target, before, deed.reaction)
            row: Row | None = None
            if deed.reaction is None:
                del self._rows.reactions[deed.story, target, deed.reader]
            else:
                self._rows.reactions[deed.story, target, deed.reader] = deed.reaction
                row = {
                    "story": deed.story,
                    "target": target,
                    "reader": deed.reader,
                    "reaction": deed.reaction,
                    "copy": deed.copy,
                    "at": deed.at,
                }
            self._rows.set_reactions[deed.story, target, deed.reader] = row
        return lambda: self._rows.tally(deed.story, target)

    def _post(self, deed: Post) -> Callable[[], Answer]:
        known = self._rows.by_key.get((deed.story, deed.reader, deed.key))
        if known is None and deed.once is not None:
            known = self._rows.by_key.pop((deed.story, deed.once, deed.key), None)
            if known is not None:
                # Nobody else knows the key: whoever says it again may edit what was said.
                self._rows.by_key[deed.story, deed.reader, deed.key] = known
                self._rows.comments[known]["reader"] = deed.reader
                self._rows.changed_comments.add(known)
        if known is not None:
            return lambda: self._rows.comment(known)
        self._open_story(deed.story)
        thread = deed.id
        if deed.parent is not None:
            thread = self._published(deed.story, deed.parent)["thread"]
        self._rows.comments[deed.id] = {
            "id": deed.id,
            "story": deed.story,
            "parent": deed.parent,
            "thread": thread,
            "born": 0,
            "seq": 0,
            "state": CommentState.PENDING.value,
            "source": deed.source,
            "text": dump(deed.text),
            "waiting_source": None,
            "waiting_text": None,
            "name": deed.name,
            "vouched": deed.vouched,
            "email": deed.email,
            "website": deed.website,
            "role": deed.role,
            "reader": deed.reader,
            "copy": deed.copy,
            "lang": deed.lang,
            "created_at": deed.at,
            "edited_at": None,
            "pinned": False,
            "client_key": deed.key,
            "version": 0,
            "counts": dump(dict.fromkeys(deed.reactions, 0)),
            "score": 0,
        }
        self._rows.by_key[deed.story, deed.reader, deed.key] = deed.id
        self._rows.new_comments.append(deed.id)
        if not deed.pending:
            self._journal.publish(deed.id)
        return lambda: self._rows.comment(deed.id)

    def _edit(self, deed: Edit) -> Callable[[], Answer]:
        row = self._own(deed.story, deed.comment, deed.reader, deed.at - deed.window)
        self._open_story(deed.story)
        if row["state"] == CommentState.PUBLISHED and deed.moderated:
            row |= {"waiting_source": deed.source, "waiting_text": dump(deed.text)}
            self._rows.changed_comments.add(deed.comment)
        else:
            row |= {"source": deed.source, "text": dump(deed.text), "edited_at": deed.at}
            row |= {"waiting_source": None, "waiting_text": None}
            self._journal.changed(deed.comment)
        return lambda: self._rows.comment(deed.comment)

    def _delete(self, deed: Delete) -> Callable[[], Answer]:
        self._own(deed.story, deed.comment, deed.reader, deed.at - deed.window)
        self._journal.remove(deed.comment)
        return lambda: self._rows.comment(deed.comment)

    def _report(self, deed: Report) -> Callable[[], Answer]:
        self._published(deed.story, deed.comment)
        row = {
            "comment": deed.comment,
            "reader": deed.reader,
            "reason": deed.reason,
            "at": deed.at,
        }
        self._rows.new_reports.setdefault((deed.comment, deed.reader), row)
        return lambda: None

    def _forget(self, deed: Forget) -> Callable[[], Answer]:
        things = 0
        for story, target, reader in [key for key in self._rows.reactions if key[2] == deed.reader]:
            self._journal.count(
                story, target, self._rows.reactions.pop((story, target, reader)), None
            )
            self._rows.set_reactions[story, target, reader] = None
            things += 1
        own = [row for row in self._rows.comments.values() if row["reader"] == deed.reader]
        if deed.until is not None:
            own = [row for row in own if row["created_at"] <= deed.until]
        # Not before the newest of it, whatever the clocks of several machines say.
        at = max([deed.at, *(row["created_at"] for row in own)])
        for row in own:
            if row["state"] != CommentState.REMOVED:
                self._journal.remove(row["id"])
                things += 1
            del self._rows.by_key[row["story"], row["reader"], row["client_key"]]
            # The tombstone belongs to nobody; its own id keeps its key unlike any other.
            row |= {"reader": "", "client_key": row["id"], "copy": None, "lang": None}
            self._rows.changed_comments.add(row["id"])
        self._rows.forgotten[deed.reader] = (at if deed.until is None else deed.until), deed.until
        return lambda: things

    def _moderate(self, deed: Moderate) -> Callable[[], Answer]:
        row = self._there(deed.story, deed.comment, damaged=deed.verb == "remove")
        match deed.verb:
            case "approve" if row["state"] == CommentState.PENDING:
                self._journal.publish(deed.comment)
            case "approve" if row["waiting_source"] is not None:
                row |= {"source": row["waiting_source"], "text": row["waiting_text"]}
                row |= {"waiting_source": None, "waiting_text": None, "edited_at": deed.at}
                self._journal.changed(deed.comment)
            case "remove":
                self._journal.remove(deed.comment)
            case "pin" | "unpin" if row["pinned"] != (deed.verb == "pin"):
                row["pinned"] = deed.verb == "pin"
                self._journal.changed(deed.comment)
        return lambda: self._rows.comment(deed.comment)

    def _change(self, deed: Change) -> Callable[[], Answer]:
        story = self._story(deed.story)
        late = deed.iat is not None and deed.iat <= story["attributed"]
        if not late:
            if deed.iat is not None:
                story["attributed"] = deed.iat
                self._rows.changed_stories.add(deed.story)
            if any(story[column] != value for column, value in deed.columns.items()):
                story |= deed.columns
                self._journal.story_changed(deed.story)
        return lambda: self._rows.story(deed.story)

    # Rules that several deeds share --------------------------------------------------------------

    def _story(self, story: int) -> Row:
        if story not in self._rows.stories:
            raise NotFound
        return self._rows.stories[story]

    def _open_story(self, story: int) -> None:
        if self._story(story)["closed"]:
            raise StoryClosed

    def _there(self, story: int, comment: str, *, damaged: bool = False) -> Row:
        """The row; one that cannot be shown is not there, except where it is to be removed."""
        row = self._rows.comments.get(comment)
        if row is None or row["story"] != story or row["state"] == CommentState.REMOVED:
            raise NotFound
        if comment in self._rows.damaged and not damaged:
            raise NotFound
        return row

    def _published(self, story: int, comment: str) -> Row:
        row = self._there(story, comment)
        if row["state"] != CommentState.PUBLISHED:
            raise NotFound
        return row

    def _own(self, story: int, comment: str, reader: str, earliest: int) -> Row:
        row = self._there(story, comment)
        if row["reader"] != reader:
            raise NotFound
        if row["created_at"] < earliest:
            raise EditWindowOver
        return row
