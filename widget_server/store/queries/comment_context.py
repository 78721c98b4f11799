"""Read what decisions about comments need: parents, reports, the records of writers and reporters."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from widget_server.model.decisions import TAG_VERBS, changed_tags
from widget_server.model.queue import (
    Context,
    Parent,
    PastDecision,
    Reporters,
    ReportGiven,
    SealedText,
)
from widget_server.model.records import Comment, CommentState
from widget_server.model.report_mutes import report_id
from widget_server.store.damaged_rows import json_of
from widget_server.store.mapping import tree_of
from widget_server.store.schema import (
    IS_OPEN,
    cases,
    comments,
    decision_words,
    decisions,
    reports,
    rule_hits,
    rules,
    stories,
)
from widget_server.store.schema_people import accounts, api_keys
from widget_server.store.schema_readers import reported_texts

__all__ = ["Context", "Parent", "PastDecision", "read_contexts"]


async def read_contexts(
    connection: AsyncConnection, about: Sequence[Comment]
) -> dict[str, Context]:
    """Return what is known about each comment and its writer, by the comment's id: one SQL statement."""
    found = {comment.id: Context() for comment in about}
    if not found:
        return found
    of_reader: dict[str, list[Context]] = {}
    above: dict[str, list[Context]] = {}
    for comment in about:
        context = found[comment.id]
        if comment.reader:
            of_reader.setdefault(comment.reader, []).append(context)
        for one in {comment.parent, comment.thread} - {comment.id, None}:
            above.setdefault(str(one), []).append(context)
    lists = {"ids": list(found), "above": list(above), "readers": list(of_reader)}
    given = {name: ids for name, ids in lists.items() if ids}
    statement = _select_contexts(above="above" in given, readers="readers" in given)
    rows = (await connection.execute(statement, given)).all()
    for row in sorted(rows, key=lambda one: one.at or 0):
        if row.kind == "parent":
            for context in above[row.id]:
                context.parents.append(Parent(row.id, row.b, _tree(row.c), row.at))
        elif row.kind == "writer":
            for context in of_reader[row.id]:
                context.writer[row.a] = row.n
                context.writer_since = min(row.at, context.writer_since or row.at)
        else:
            _add(found[row.id], row)
    return found


def _add(context: Context, row: Any) -> None:
    match row.kind:
        case "story":
            context.title = row.a
        case "report":
            context.reports.append(
                ReportGiven(row.b, row.a, row.at, report_id(row.id, row.c), muted=bool(row.n))
            )
        case "reported":
            context.reported.append(SealedText(row.n, row.at, row.a))
        case "reporters":
            was, right = context.reporters, row.a == CommentState.REMOVED
            context.reporters = Reporters(
                was.right + right * row.n, was.wrong + (not right) * row.n
            )
        case "rule":
            context.held_by.append((row.b, row.a))
        case "decision":
            words: dict[str, Any] = json_of(row.c) if row.c else {}
            tags = changed_tags(*map(json_of, row.g.split("\n"))) if row.g else ()
            note = words.get("note")
            past = PastDecision(row.e, row.a, row.b, row.f, row.at, row.d, note, tags)
            context.decisions.append(past)


@cache
def _select_contexts(*, above: bool, readers: bool) -> Any:
    """Return the query with the lists `ids`, `above` and `readers` as parameters, or without the last ones.

    It is built once: that takes longer than the database needs for it.
    """
    none, zero = null(), literal(0)
    ids: Any = bindparam("ids", expanding=True)

    def part(kind: str, key: Any, values: Sequence[Any], at: Any, n: Any) -> Select[Any]:
        named = [*values, *(none for _ in range(7 - len(values)))]
        columns: list[Any] = [
            literal(kind).label("kind"),
            cast(key, String).label("id"),
            *(
                cast(value, String).label(name)
                for name, value in zip("abcdefg", named, strict=True)
            ),
            cast(at, BigInteger).label("at"),
            cast(n, BigInteger).label("n"),
        ]
        return select(*columns)

    who = func.coalesce(accounts.c.name, api_keys.c.label, rules.c.name, decisions.c.actor)
    earlier = reports.alias("earlier")
    other = comments.alias("other")
    still_open = select(cases.c.comment).where(
        cases.c.comment == other.c.id, cases.c.queue == "reported", IS_OPEN
    )
    parts = [
        part("story", comments.c.id, (stories.c.title,), zero, zero)
        .join_from(comments, stories, stories.c.id == comments.c.story)
        .where(comments.c.id.in_(ids)),
        part(
            "report",
            reports.c.comment,
            (reports.c.reason, reports.c.category, reports.c.reader),
            reports.c.at,
            case((reports.c.muted_by.is_not(None), 1), else_=0),
        ).where(reports.c.comment.in_(ids)),
        part(
            "reported",
            reported_texts.c.comment,
            (reported_texts.c.sealed,),
            reported_texts.c.at,
            reported_texts.c.revision,
        ).where(reported_texts.c.comment.in_(ids)),
        part("reporters", reports.c.comment, (other.c.state,), zero, func.count())
        .join_from(reports, earlier, earlier.c.reader == reports.c.reader)
        .join(other, other.c.id == earlier.c.comment)
        .where(
            reports.c.comment.in_(ids),
            earlier.c.comment != reports.c.comment,
            reports.c.muted_by.is_(None),
            earlier.c.muted_by.is_(None),
            or_(
                other.c.state == CommentState.REMOVED.value,
                and_(other.c.state == CommentState.PUBLISHED.value, ~still_open.exists()),
            ),
        )
        .group_by(reports.c.comment, other.c.state),
        part("rule", rule_hits.c.comment, (rules.c.name, rule_hits.c.rule), rule_hits.c.at, zero)
        .select_from(rule_hits)
        .outerjoin(rules, rules.c.id == rule_hits.c.rule)
        .where(rule_hits.c.comment.in_(ids), rule_hits.c.acting),
        part(
            "decision",
            decisions.c.comment,
            (
                decisions.c.verb,
                who,
                decision_words.c.words,
                decisions.c.reason,
                decisions.c.id,
                decisions.c.actor_kind,
                # What a tag changed, on two lines.
                case(
                    (
                        decisions.c.verb.in_((*TAG_VERBS, "undo")),
                        decisions.c.before + "\n" + decisions.c.after,
                    )
                ),
            ),
            decisions.c.at,
            zero,
        )
        # By story and comment, because there is an index for these.
        .join_from(
            comments,
            decisions,
            (decisions.c.story == comments.c.story) & (decisions.c.comment == comments.c.id),
        )
        .outerjoin(decision_words, decision_words.c.decision == decisions.c.id)
        .outerjoin(accounts, accounts.c.id == decisions.c.actor)
        .outerjoin(api_keys, api_keys.c.id == decisions.c.actor)
        .outerjoin(rules, rules.c.id == decisions.c.actor)
        .where(comments.c.id.in_(ids)),
    ]
    if above:
        names = (none, comments.c.name, comments.c.text)
        parts.append(
            part("parent", comments.c.id, names, comments.c.created_at, zero).where(
                comments.c.id.in_(bindparam("above", expanding=True))
            )
        )
    if readers:
        first = func.min(comments.c.created_at)
        parts.append(
            part("writer", comments.c.reader, (comments.c.state,), first, func.count())
            .where(comments.c.reader.in_(bindparam("readers", expanding=True)))
            .group_by(comments.c.reader, comments.c.state)
        )
    return union_all(*parts)


def _tree(stored: str) -> list[Any]:
    try:
        return tree_of(stored)
    except ValueError:
        return []
