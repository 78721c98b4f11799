"""What became of a comment, in the words that its author is told, and which objections wait.

Pure functions over the log entries of one comment, in order. An objection (`appeal` on the wire) is about
one decision, which the collection `appealed` names by its id.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from widget_server.model.decisions import Decision

OutcomeState = Literal["removed", "held", "edit_rejected", "restored"]
AppealState = Literal["waiting", "upheld", "overturned"]
ReportState = Literal["waiting", "removed", "kept", "gone"]

REMOVALS = ("remove", "spam", "reject", "hold", "erase")
"""Verbs that take the words of a comment away."""
APPEALABLE = ("remove", "spam", "reject", "ban")
"""Verbs against which a reader may object. A held comment waits for a person anyway."""
BAN_VERBS = ("ban", "unban")
"""Decisions about the writer of a comment. They neither follow nor precede those about its words."""
APPEAL_DAYS_ALONE = 3
"""Days after which the person who decided may decide about the objection, if there is no other person."""
MAX_APPEAL = 1_000
"""Code points of an objection."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided about a comment, as its author sees it: no name and no free text of a moderator."""

    state: OutcomeState
    decision: str
    reason: str | None
    by: Literal["person", "rule"]
    at: int
    may_appeal: bool
    appeal: AppealState | None
    """State of the author's objection, if there is one."""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a reader's report, as that reader sees it."""

    comment: str
    category: str | None
    at: int
    state: ReportState


def standing(entries: Sequence[Decision]) -> list[Decision]:
    """Return the entries that are in effect: neither undone nor an undo."""
    undone = {one.undoes for one in entries}
    return [one for one in entries if one.verb != "undo" and one.id not in undone]


def upheld(entries: Sequence[Decision]) -> set[str]:
    """Return the ids of the decisions that another person has confirmed."""
    confirmed: set[str] = set()
    for one in standing(entries):
        if one.verb == "uphold":
            confirmed |= set(one.after.get("upholds", ()))
    return confirmed


def open_appeals(entries: Sequence[Decision], appealed: Collection[str]) -> list[str]:
    """Return the ids of the decisions whose objections wait, in order of the decisions."""
    in_effect = standing(entries)
    answered = upheld(entries)
    waiting: list[str] = []
    for number, one in enumerate(in_effect):
        if one.id not in appealed or one.id in answered:
            continue
        later = in_effect[number + 1 :]
        if not any(_ends(other, one) for other in later):
            waiting.append(one.id)
    return waiting


def _ends(later: Decision, decision: Decision) -> bool:
    """Return whether a later decision ended the effect of one that was objected to."""
    if decision.verb not in BAN_VERBS:
        return later.verb in ("restore", "erase")
    before = later.before.get("ban") if later.verb in BAN_VERBS else None
    return before is not None and before["id"] == decision.id


def is_about_edit(decision: Decision) -> bool:
    """Return whether a `reject` was about an edit: the comment itself stayed public."""
    waited = bool(decision.before.get("waiting")) and not decision.after.get("waiting", True)
    return decision.verb == "reject" and waited and "state" not in decision.after


def outcome_of(
    entries: Sequence[Decision], appealed: Collection[str], *, kept: bool
) -> Outcome | None:
    """Return what the author is told, or None if nothing against the comment is in effect.

    `kept`: whether the words can still be brought back, without which an objection has no effect.
    """
    about = [one for one in standing(entries) if one.verb in (*REMOVALS, "restore", "approve")]
    last = about[-1] if about else None
    if last is None or last.verb not in REMOVALS:
        return _overturned(entries, appealed)
    if is_about_edit(last):
        return _outcome(last, "edit_rejected")
    if last.verb == "hold":
        return _outcome(last, "held")
    may = kept and last.verb in APPEALABLE and last.id not in appealed
    return _outcome(last, "removed", may, _appeal_state(entries, appealed, last.id))


def ban_appeal(
    entries: Sequence[Decision], appealed: Collection[str], ban: str
) -> AppealState | None:
    """Return the state of the objection against a ban in effect, or None without an objection."""
    return _appeal_state(entries, appealed, ban)


def _appeal_state(
    entries: Sequence[Decision], appealed: Collection[str], decision: str
) -> AppealState | None:
    if decision not in appealed:
        return None
    return "upheld" if decision in upheld(entries) else "waiting"


def _overturned(entries: Sequence[Decision], appealed: Collection[str]) -> Outcome | None:
    """Return that an objection was right, if the last thing that happened was that it was granted."""
    by_id = {one.id: one for one in entries}
    removed: Decision | None = None
    result: Outcome | None = None
    for one in entries:
        undone = by_id.get(one.undoes or "")
        if one.verb in REMOVALS and not is_about_edit(one):
            removed, result = one, None
        elif one.verb == "restore" or (undone is not None and undone.verb in REMOVALS):
            over = undone if undone is not None else removed
            if over is not None and over.id in appealed:
                result = Outcome(
                    "restored", over.id, over.reason, _by(one), one.at, False, "overturned"
                )
            else:
                result = None
    return result


def _outcome(
    decision: Decision,
    state: OutcomeState,
    may_appeal: bool = False,
    appeal: AppealState | None = None,
) -> Outcome:
    return Outcome(
        state, decision.id, decision.reason, _by(decision), decision.at, may_appeal, appeal
    )


def _by(decision: Decision) -> Literal["person", "rule"]:
    return "person" if decision.actor_kind in ("account", "shell") else "rule"
