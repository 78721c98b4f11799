"""The rules of objections and bans, applied to the rows of one batch."""

from collections.abc import Callable, Mapping
from typing import Any

from widget_server.model.actors import REPORTS_RULE
from widget_server.model.bans import BanTerms
from widget_server.model.decisions import Decided, Decision, new_id
from widget_server.model.errors import (
    ErasedError,
    MalformedError,
    NotFoundError,
    NotPermittedError,
    StaleError,
)
from widget_server.model.outcomes import BAN_VERBS, REMOVALS, open_appeals, outcome_of, standing
from widget_server.store.decision_mapping import to_decision
from widget_server.store.rows import CommentRow, StoryRow
from widget_server.store.writing.actions import Appeal, Decide, Report, Undo
from widget_server.store.writing.decision_rules import TOMBSTONE, DecisionRules

ANOTHER_PERSON = (
    "Another person decides about an objection to your decision. If no other person has the right,"
    " you can decide three days after the objection."
)


class ReaderRules(DecisionRules):
    """Rules about the writers of comments: their objections, and their bans."""

    # Objections --------------------------------------------------------------------------------

    def appeal(self, action: Appeal) -> Callable[[], str]:
        """Store an objection and open a case. A second one to the same decision changes nothing."""
        row = self._rows.comments.get(action.comment)
        if row is None or row["story"] != action.story:
            raise NotFoundError
        entries = self._entries(row)
        appealed = self._rows.decisions.readers.appeals.get(row["id"], {})
        if action.decision is not None:
            chosen = action.decision
            if chosen not in {one.id for one in standing(entries) if one.verb == "ban"}:
                raise NotFoundError("There is no such ban any more.")
        else:
            chosen = self._appealable(action, row, entries, appealed)
        if chosen not in appealed:
            decisions = self._rows.decisions
            sealed = decisions.keys.seal({"text": action.text}) if action.text else None
            decisions.readers.add_appeal(
                {
                    "decision": chosen,
                    "comment": row["id"],
                    "reader": action.reader,
                    "at": action.at,
                    "sealed": sealed,
                }
            )
            decisions.open_case(self._story(row), row, "appeals", action.at)
        return lambda: chosen

    def _appealable(
        self,
        action: Appeal,
        row: CommentRow,
        entries: list[Decision],
        appealed: Mapping[str, Any],
    ) -> str:
        """Return the decision that an author may object to, or has objected to."""
        if row["reader"] != action.reader:
            raise NotFoundError
        kept = self._rows.decisions.kept.get(row["id"])
        is_kept = kept is not None and kept["why"] in TOMBSTONE
        outcome = outcome_of(entries, appealed, kept=is_kept)
        if outcome is None:
            raise NotFoundError("Nothing was decided against this comment.")
        if outcome.decision not in appealed and not outcome.may_appeal:
            if outcome.state == "removed":
                raise ErasedError("The text was erased, so an objection cannot bring it back.")
            raise NotPermittedError("There is nothing to object to: a moderator looks at this.")
        return outcome.decision

    def _entries(self, row: CommentRow) -> list[Decision]:
        code = self._story(row)["code"]
        return [
            to_decision({**entry, "code": code, "stored_words": None})
            for entry in self._rows.decisions.history(row["story"], row["id"])
        ]

    def _answer_appeals(
        self, row: CommentRow, action: Decide | Undo, ban: str | None = None
    ) -> dict[str, Any]:
        """Close the case if the decision answers all objections that wait. Return what the log says of it.

        `ban` is the id of the ban that the decision ends. Raises `NotPermittedError` for the person who made the
        decision that is objected to.
        """
        readers = self._rows.decisions.readers
        appealed = readers.appeals.get(row["id"])
        if not appealed:
            return {}
        entries = self._entries(row)
        waiting = open_appeals(entries, appealed)
        answered = [one for one in waiting if _answers(action, entries, one, ban)]
        if not answered:
            return {}
        said = self._require_other_person(row, action, entries, answered)
        if len(answered) == len(waiting):
            self._rows.decisions.close_cases(row["id"], action.at, action.id, ["appeals"])
        if isinstance(action, Decide) and action.verb == "uphold":
            said["upholds"] = answered
        return said

    def withdraw_appeals(self, row: CommentRow, at: int) -> None:
        """Drop the objections to removals of a comment whose author deletes it. One to a ban still waits."""
        readers = self._rows.decisions.readers
        appealed = readers.appeals.get(row["id"])
        if not appealed:
            return
        entries = self._entries(row)
        bans = {one.id for one in entries if one.verb in BAN_VERBS}
        waiting = open_appeals(entries, appealed)
        readers.withdraw(row["id"], [one for one in waiting if one not in bans])
        if not bans.intersection(waiting):
            self._rows.decisions.close_cases(row["id"], at, None, ["appeals"])

    def _require_other_person(
        self, row: CommentRow, action: Decide | Undo, entries: list[Decision], answered: list[str]
    ) -> dict[str, Any]:
        if isinstance(action, Decide) and action.verb == "erase":
            # The law may demand it at once, and the log names who did it.
            return {}
        readers, site = self._rows.decisions.readers, self._story(row)["site"]
        me = readers.person_of(action.by)
        for one in entries:
            if one.id in answered and readers.person(one.actor_kind, one.actor) == me:
                since = readers.appeals[row["id"]][one.id]["at"]
                if not readers.is_alone(site, me, since, action.at):
                    raise NotPermittedError(ANOTHER_PERSON)
                return {"same_person": True}
        return {}

    def _reopen(self, row: CommentRow, action: Undo) -> None:
        """Open the cases again that an undone decision closed. Objections have one if one of them waits now."""
        decisions = self._rows.decisions
        decisions.reopen_cases(row, action.decision)
        appealed = decisions.readers.appeals.get(row["id"])
        entries = (
            [one for one in self._entries(row) if one.id != action.decision] if appealed else []
        )
        if not appealed or not open_appeals(entries, appealed):
            # What was objected to has been lifted since.
            decisions.close_cases(row["id"], action.at, action.id, ["appeals"])
        elif "appeals" not in decisions.open_queues(row["id"]):
            # Another decision closed the case, when this one was still the answer.
            decisions.open_case(self._story(row), row, "appeals", action.at)

    def hide_reported(self, action: Report, row: CommentRow) -> None:
        """Hide a comment that readers of enough networks reported on one day, until a person has looked at it.

        Not what a person approved as it is or brought back, and nothing of the site's own people or signed by the site.
        """
        if action.trace is None or not action.hide_from:
            return
        networks = self._rows.decisions.readers.add_trace(row["id"], "report", action.trace)
        # It is not stored which reader was on which network: each reader who was muted since takes one away.
        networks -= self._rows.decisions.reporters.lost_on(row["id"], action.trace[1])
        exempt = row["role"] is not None or row["vouched"] or self._is_approved(row)
        if networks < action.hide_from or exempt:
            return
        hold = Decide(
            story=row["story"],
            comment=row["id"],
            verb="hold",
            by=REPORTS_RULE,
            id=new_id(),
            at=action.at,
            keep=action.keep,
            reason=action.category,
        )
        before = self._view(row)
        hashes = self._take_away(row, hold, "held")
        self._rows.decisions.open_case(self._story(row), row, "held", action.at)
        self._logged(hold, row, before, hashes)

    def _is_approved(self, row: CommentRow) -> bool:
        """Return whether a person has approved the comment as it is now, or undone that reports hid it.

        Its reports may still wait in their case: an undo settles none of them.
        """
        entries = self._entries(row)
        hidden = {one.id for one in entries if one.actor == REPORTS_RULE.id and one.verb == "hold"}
        in_effect = {one.id for one in standing(entries) if one.verb in ("approve", "restore")}
        return any(
            (one.id in in_effect or one.undoes in hidden)
            and one.actor_kind in ("account", "shell", "key")
            and one.after.get("revision") == row["revision"]
            for one in entries
        )

    # Bans --------------------------------------------------------------------------------------

    def _decide_ban(self, action: Decide) -> Callable[[], Decided]:
        """Ban the writer of a comment, or lift the ban."""
        row = self._comment(action.story, action.comment, action.by)
        story, terms = self._story(row), action.ban
        if terms is None:
            raise MalformedError
        readers = self._rows.decisions.readers
        old = readers.find_ban(story["site"], terms.subjects, action.at)
        before = None if old is None else ban_terms(old)
        if action.verb == "unban":
            if old is None:
                return self._unchanged(story, row["id"])
            said = self._answer_appeals(row, action, old["decision"])
            readers.put_ban({**old, "until": action.at})
            return self._append(action, story, {"ban": before}, {"ban": None, **said}, {})
        if row["role"] is not None:
            raise NotPermittedError("This is a comment of the site's own people.")
        if before is not None and _same_terms(before, terms):
            return self._unchanged(story, row["id"])
        said = {} if old is None else self._answer_appeals(row, action, old["decision"])
        new = self._new_ban(action, story, terms, old)
        if old is not None:
            readers.put_ban({**old, "until": action.at})
        readers.put_ban(new)
        return self._append(action, story, {"ban": before}, {"ban": ban_terms(new), **said}, {})

    def _new_ban(
        self, action: Decide, story: StoryRow, terms: BanTerms, old: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        return {
            "decision": action.id,
            "site": story["site"],
            "subject": old["subject"] if old is not None else terms.subjects[0],
            "kind": terms.kind,
            "mode": terms.mode,
            "comment": action.comment,
            "reason": action.reason,
            "by_person": action.by.kind in ("account", "shell"),
            "at": action.at,
            "until": terms.until,
            "day": terms.day,
        }

    def _undo_of_ban(
        self, action: Undo, row: CommentRow, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> Callable[[], Decided]:
        """Let what was before a ban or its lifting be again.

        Raises `StaleError` after a later decision about the same writer, also one at another comment.
        """
        story, readers = self._story(row), self._rows.decisions.readers
        was, became = before.get("ban"), after.get("ban")
        found = readers.bans.get((became or was or {}).get("id", ""))
        if found is None:
            raise ErasedError(
                "The ban has been over for a day, and who it was about is not stored any more."
                " Ban the writer again."
            )
        current = readers.find_ban(found["site"], (found["subject"],), action.at)
        if current is not None and current is not found:
            raise _later_ban(current["decision"])
        if became is not None and found["until"] != became["until"]:
            raise _later_ban(None)
        said = self._answer_appeals(row, action)
        now = None if current is None else ban_terms(current)
        if became is not None:
            readers.drop_ban(found)
        if was is not None:
            readers.put_ban({**found, **_columns(was)})
        self._reopen(row, action)
        return self._append(action, story, {"ban": now}, {"ban": was, **said}, {})


def _later_ban(decision: str | None) -> StaleError:
    """Return the error for an undo after a later decision about the same writer, at another comment."""
    error = StaleError(
        "The ban was lifted or replaced since, by a decision about another comment of the same"
        " writer. Undo that one first."
        if decision is None
        else f"There is a later ban of the same writer, {decision}. Undo or lift that one first."
    )
    error.later = decision
    return error


def ban_terms(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the log says of a ban: nothing about who it is."""
    names = ("kind", "mode", "until", "at", "reason", "by_person", "comment")
    return {"id": row["decision"]} | {name: row[name] for name in names}


def _columns(terms: Mapping[str, Any]) -> dict[str, Any]:
    return {("decision" if name == "id" else name): value for name, value in terms.items()}


def _same_terms(terms: Mapping[str, Any], wanted: BanTerms) -> bool:
    return (terms["kind"], terms["mode"], terms["until"]) == (
        wanted.kind,
        wanted.mode,
        wanted.until,
    )


def _answers(
    action: Decide | Undo, entries: list[Decision], appealed: str, ban: str | None
) -> bool:
    """Return whether a decision, which ends this ban, answers the objection to the decision with this id."""
    if isinstance(action, Undo):
        return action.decision == appealed
    verb = next(one.verb for one in entries if one.id == appealed)
    if action.verb == "uphold":
        return True
    if action.verb in ("restore", "erase"):
        return verb in REMOVALS
    # A reader and the network of the same comment may both be banned.
    return action.verb in BAN_VERBS and appealed == ban
