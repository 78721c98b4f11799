"""Read what a decision about a comment needs: its parents, its reports, the record of its writer."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, String, cast, func, literal, null, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.records import Comment
from widget_server.store.damaged_rows import json_of
from widget_server.store.mapping import tree_of
from widget_server.store.schema import (
    comments,
    decision_words,
    decisions,
    reports,
    rule_hits,
    rules,
    stories,
)
from widget_server.store.schema_people import accounts, api_keys


@dataclass(frozen=True, slots=True)
class Parent:
    """A comment above another one. `text` is empty if it was removed."""

    id: str
    name: str | None
    text: list[Any]
    at: int


@dataclass(frozen=True, slots=True)
class PastDecision:
    """What was decided about a comment before."""

    id: str
    verb: str
    by: str | None
    """Name of the account or key, else its id."""
    kind: str
    """Kind of the actor, as in `model.actors`."""
    at: int
    reason: str | None
    note: str | None


@dataclass(slots=True)
class Context:
    """What somebody needs to know before deciding about a comment."""

    title: str | None = None
    parents: list[Parent] = field(default_factory=list)
    """The thread's first comment and the comment that this one answers."""
    reports: list[tuple[str | None, int]] = field(default_factory=list)
    """Reason and time of each report, the oldest first."""
    writer: dict[str, int] = field(default_factory=dict)
    """Number of the writer's comments on the site by state."""
    decisions: list[PastDecision] = field(default_factory=list)
    """The oldest first."""
    held_by: list[tuple[str, str | None]] = field(default_factory=list)
    """Id and name of the rules that held it; no name: it was removed, or it is the learned filter."""

    def reports_by_reason(self) -> list[tuple[str | None, int]]:
        """Return each reason with the number of readers who gave it, the most frequent first."""
        return Counter(reason for reason, _ in self.reports).most_common()


async def read_context(connection: AsyncConnection, comment: Comment) -> Context:
    """Return what is known about a comment and its writer: one SQL statement."""
    found = Context()
    rows = (await connection.execute(_select_context(comment))).all()
    for row in sorted(rows, key=lambda one: one.at or 0):
        match row.kind:
            case "story":
                found.title = row.a
            case "parent":
                found.parents.append(Parent(row.a, row.b, _tree(row.c), row.at))
            case "report":
                found.reports.append((row.a, row.at))
            case "writer":
                found.writer[row.a] = row.n
            case "rule":
                found.held_by.append((row.id, row.a))
            case "decision":
                words: dict[str, Any] = json_of(row.c) if row.c else {}
                note = words.get("note")
                past = PastDecision(row.id, row.a, row.b, row.e, row.at, row.d, note)
                found.decisions.append(past)
    return found


def _select_context(comment: Comment) -> Any:
    above = {comment.parent, comment.thread} - {comment.id, None}

    def part(
        kind: str, key: Any, values: Sequence[Any], at: Any, n: Any, more: Any = None
    ) -> Select[Any]:
        a, b, c, d = (cast(value, String) for value in values)
        return select(
            literal(kind).label("kind"),
            cast(key, String).label("id"),
            a.label("a"),
            b.label("b"),
            c.label("c"),
            d.label("d"),
            cast(null() if more is None else more, String).label("e"),
            at.label("at"),
            n.label("n"),
        )

    none, zero = null(), literal(0)
    who = func.coalesce(accounts.c.name, api_keys.c.label, rules.c.name, decisions.c.actor)
    of_story = select(comments.c.story).where(comments.c.id == comment.id).scalar_subquery()
    return union_all(
        part("story", none, (stories.c.title, none, none, none), zero, zero).where(
            stories.c.id == of_story
        ),
        part(
            "parent",
            none,
            (comments.c.id, comments.c.name, comments.c.text, none),
            comments.c.created_at,
            zero,
        ).where(comments.c.id.in_(above)),
        part("report", none, (reports.c.reason, none, none, none), reports.c.at, zero).where(
            reports.c.comment == comment.id
        ),
        part("writer", none, (comments.c.state, none, none, none), zero, func.count())
        .where(comments.c.reader == comment.reader, comments.c.reader != "")
        .group_by(comments.c.state),
        part("rule", rule_hits.c.rule, (rules.c.name, none, none, none), rule_hits.c.at, zero)
        .select_from(rule_hits)
        .outerjoin(rules, rules.c.id == rule_hits.c.rule)
        .where((rule_hits.c.comment == comment.id) & rule_hits.c.acting),
        part(
            "decision",
            decisions.c.id,
            (decisions.c.verb, who, decision_words.c.words, decisions.c.reason),
            decisions.c.at,
            zero,
            decisions.c.actor_kind,
        )
        .select_from(decisions)
        .outerjoin(decision_words, decision_words.c.decision == decisions.c.id)
        .outerjoin(accounts, accounts.c.id == decisions.c.actor)
        .outerjoin(api_keys, api_keys.c.id == decisions.c.actor)
        .outerjoin(rules, rules.c.id == decisions.c.actor)
        .where(decisions.c.story == of_story, decisions.c.comment == comment.id),
    )


def _tree(stored: str) -> list[Any]:
    try:
        return tree_of(stored)
    except ValueError:
        return []
