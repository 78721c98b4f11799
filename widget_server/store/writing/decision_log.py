"""Append decisions to the log of a story, in the transaction of the change that they describe."""

from collections.abc import Callable, Mapping
from typing import Any

from widget_server.model.decisions import Decision
from widget_server.store.decision_mapping import to_decision
from widget_server.store.log_keys import STORY_ENTRY, new_salt, salted_hash
from widget_server.store.mapping import dump
from widget_server.store.rows import StoryRow
from widget_server.store.writing.actions import Decide, Undo
from widget_server.store.writing.unit_of_work import UnitOfWork


def append_story_decision(
    rows: UnitOfWork,
    story: StoryRow,
    action: Decide | Undo,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    words: Mapping[str, Any],
) -> Callable[[], Decision]:
    """Append an entry to the story's log, whose row is locked, and return a function that creates its record.

    `words` are free texts: they are stored beside the log, and the entry contains their salted hash.
    """
    by, text = action.by, dump(words) if words else "{}"
    salt = new_salt() if words else ""
    entry: dict[str, Any] = {
        "story": story["id"],
        "number": story["decisions"] + 1,
        "site": story["site"],
        "comment": action.comment,
        "id": action.id,
        "at": action.at,
        "actor_kind": by.kind,
        "actor": by.id,
        "via": by.via,
        "shell_user": by.shell_user,
        "verb": action.verb if isinstance(action, Decide) else "undo",
        "reason": action.reason if isinstance(action, Decide) else None,
        "batch": action.batch,
        "undoes": action.decision if isinstance(action, Undo) else None,
        "before": dump(before),
        "after": dump(after),
        "words": salted_hash(salt, text) if words else None,
    }
    rows.decisions.keys.sign(story["log_hash"], entry, STORY_ENTRY)
    story["decisions"], story["log_hash"] = entry["number"], entry["hash"]
    rows.changed_stories.add(story["id"])
    rows.decisions.log(entry)
    if words:
        rows.decisions.new_words.append(
            {"decision": action.id, "comment": action.comment, "salt": salt, "words": text}
        )
    # Of a batch, no caller reads the records.
    return lambda: to_decision({**entry, "code": story["code"], "stored_words": text})
