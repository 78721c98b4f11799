"""Rules of a site: list, add, change, turn on and off, remove.

Every rule starts in shadow: it counts what it would have held and holds nothing. It is tried on the last
comments whenever it is turned on.
"""

import asyncio
from dataclasses import dataclass, replace

from widget_server.auth import permissions
from widget_server.content.rules import Context, evaluate
from widget_server.content.wordings import wordings
from widget_server.model.actors import Actor
from widget_server.model.decisions import Decision, decided_by, new_id
from widget_server.model.errors import MalformedError, NotFoundError
from widget_server.model.rules import (
    RULE_MODES,
    HitComment,
    HitCounts,
    RuleMode,
    RuleSpec,
    StoredRule,
)
from widget_server.operations.made_before import made_before
from widget_server.operations.moderation import discussion, try_rule
from widget_server.operations.moderation.check_rule import checked
from widget_server.operations.moderation.try_rule import TriedRule
from widget_server.operations.rules_cache import compiled
from widget_server.operations.services import Services
from widget_server.store.writing.rules import delete_rule, insert_rule, replace_rule

MONTH_MS = 30 * 86_400_000
SHOWN_HITS = 50


@dataclass(frozen=True, slots=True)
class ListedRule:
    """A rule with its hits of the last 30 days."""

    rule: StoredRule
    hits: HitCounts


async def list_rules(services: Services, by: Actor, site: str) -> list[ListedRule]:
    """Return the site's rules, the oldest first: two SQL statements. Raises `NotPermittedError`."""
    permissions.require(by, "read_rules", site)
    found = await services.rules.stored.of_site(site)
    counts = await services.rules.stored.hit_counts(site, services.now_ms() - MONTH_MS)
    return [ListedRule(rule, counts.get(rule.id, HitCounts())) for rule in found]


async def find_rule(services: Services, by: Actor, site: str, rule: str) -> StoredRule:
    """Return a rule of the site. Raises `NotPermittedError` and `NotFoundError`."""
    permissions.require(by, "read_rules", site)
    return await _stored(services, site, rule, "There is no rule with this id.")


async def last_hits(services: Services, by: Actor, site: str, rule: str) -> list[HitComment]:
    """Return the last 50 comments that a rule hit, the newest first.

    Texts of pending and of removed comments are in it for roles that may read them. Raises
    `NotPermittedError`.
    """
    permissions.require(by, "read_rules", site)
    rows = await services.rules.stored.last_hits(site, rule, SHOWN_HITS)
    may_read = permissions.allowed(by, "read_kept_text", site)
    sees_pending = permissions.allowed(by, "read_reports", site)
    found = []
    for row in rows:
        words = services.log_keys.unseal(row.sealed) if row.sealed and may_read else None
        source = row.source if row.published or sees_pending else ""
        source = source or (str(words.get("source", "")) if words else "")
        outcome = try_rule.outcome_of(row.outcome)
        found.append(HitComment(row.comment, row.story, row.at, row.acting, outcome, source))
    return found


async def count_missed(services: Services, by: Actor, site: str, rule: str) -> int:
    """Return how many comments of the last 30 days people removed that the rule did not hit.

    Raises `NotPermittedError`.
    """
    permissions.require(by, "read_rules", site)
    return await services.rules.stored.missed(site, rule, services.now_ms() - MONTH_MS)


async def try_spec(
    services: Services, by: Actor, site: str, spec: RuleSpec, last: int = try_rule.LAST
) -> TriedRule:
    """Try a rule that is not stored on the last comments. Raises `NotPermittedError`, `MalformedError`."""
    permissions.require(by, "rules", site)
    return await try_rule.try_on_last_comments(services, by, site, await checked(spec), last)


async def add_rule(services: Services, by: Actor, site: str, spec: RuleSpec) -> StoredRule:
    """Add a rule in shadow. Raises `NotPermittedError`, `NotFoundError`, `MalformedError`."""
    permissions.require(by, "rules", site)
    spec = await checked(spec)
    made = await made_before(services, by, "rules")
    if made:
        gone = "This rule was made, and it was removed."
        return await _stored(services, site, made["rules"].targets[0], gone)
    now, who = services.now_ms(), _who(by)
    rule = StoredRule(new_id(), site, spec, "shadow", now, who, now, who)
    decision = decided_by(by, "rules", now, targets=(rule.id,), after=_logged(rule))
    await services.writer.run_in_transaction(insert_rule(rule, decision))
    await _read_again(services, site)
    return rule


async def change_rule(
    services: Services,
    by: Actor,
    site: str,
    rule: str,
    spec: RuleSpec,
    mode: RuleMode | None = None,
) -> StoredRule:
    """Store what a rule says now. Unless `mode` says otherwise, it is in shadow again.

    Only a new name and further exceptions, with which it holds less, leave the mode as it is. A changed rule
    that is to be on is tried before. Raises the errors of `add_rule`.
    """
    permissions.require(by, "rules", site)
    _check_mode(mode)
    before = await find_rule(services, by, site, rule)
    spec = await checked(spec)
    same = _only_renamed_or_milder(before.spec, spec)
    if mode is None:
        mode = before.mode if same or before.mode == "off" else "shadow"
    figures: dict[str, int] = {}
    if mode == "on" and (not same or before.mode != "on"):
        tried = await try_rule.try_on_last_comments(services, by, site, spec)
        figures = _figures(tried)
    return await _store(services, by, before, replace(before, spec=spec), mode, figures)


async def excepted(
    services: Services, by: Actor, site: str, spec: RuleSpec, comment: str
) -> RuleSpec:
    """Return the rule with the wordings of a comment as exceptions, in which it found its words. Store nothing.

    Raises `NotPermittedError`, `NotFoundError`, and `MalformedError` if the rule finds none in the comment or
    the comment's words are gone.
    """
    permissions.require(by, "rules", site)
    spec = await checked(spec)
    shown = await discussion.find_comment(services, by, site, comment)
    text = shown.comment.source
    found = await asyncio.to_thread(_places, spec, text)
    more = replace(
        spec, exceptions=tuple(dict.fromkeys((*spec.exceptions, *wordings(text, found))))
    )
    left = await asyncio.to_thread(_places, more, text)
    if not found or left:
        error = MalformedError("The rule finds no wording in this comment that can be excepted.")
        error.field = "exceptions"
        raise error
    return more


async def set_mode(
    services: Services, by: Actor, site: str, rule: str, mode: RuleMode
) -> tuple[StoredRule, TriedRule | None]:
    """Turn a rule on, into shadow, or off. Before it is turned on, it is tried on the last comments.

    Return the rule and that trial, whose figures are logged. Raises the errors of `add_rule`.
    """
    permissions.require(by, "rules", site)
    _check_mode(mode)
    before = await find_rule(services, by, site, rule)
    tried = None
    figures: dict[str, int] = {}
    if mode == "on" and before.mode != "on":
        tried = await try_rule.try_on_last_comments(services, by, site, before.spec)
        figures = _figures(tried)
    after = await _store(services, by, before, before, mode, figures)
    return after, tried


async def remove_rule(services: Services, by: Actor, site: str, rule: str) -> None:
    """Delete a rule. What it held stays where it is. Raises `NotPermittedError`, `NotFoundError`."""
    permissions.require(by, "rules", site)
    before = await find_rule(services, by, site, rule)
    decision = decided_by(
        by,
        "rules",
        services.now_ms(),
        targets=(rule,),
        before=_logged(before),
        after={"mode": None},
    )
    await services.writer.run_in_transaction(delete_rule(site, rule, decision))
    await _read_again(services, site)


async def _stored(services: Services, site: str, rule: str, gone: str) -> StoredRule:
    """Return a rule of the site. Raises `NotFoundError` with the sentence `gone`."""
    for found in await services.rules.stored.of_site(site):
        if found.id == rule:
            return found
    raise NotFoundError(gone)


def _only_renamed_or_milder(before: RuleSpec, after: RuleSpec) -> bool:
    """Return whether a rule says the same but for its name and further exceptions."""
    same = replace(after, name=before.name, exceptions=before.exceptions) == before
    return same and set(before.exceptions) <= set(after.exceptions)


def _places(spec: RuleSpec, text: str) -> tuple[tuple[int, int], ...]:
    """Return where a rule about words finds something in a text."""
    rule = compiled(
        StoredRule("", "", replace(spec, story=None, copy=None, languages=()), "on", 0, "", 0, "")
    )
    hits = evaluate(text, Context(""), (rule,)).hits if spec.kind == "words" else ()
    return hits[0].spans if hits else ()


def _check_mode(mode: str | None) -> None:
    if mode is not None and mode not in RULE_MODES:
        raise MalformedError(f"A rule is {', '.join(RULE_MODES)}.")


def _figures(tried: TriedRule) -> dict[str, int]:
    """Return what the log says of a trial."""
    trial = tried.trial
    return {"tried": trial.tried, "caught": trial.caught, "approved": trial.approved}


async def _store(
    services: Services,
    by: Actor,
    before: StoredRule,
    after: StoredRule,
    mode: RuleMode,
    figures: dict[str, int],
) -> StoredRule:
    if mode != before.mode:
        after = replace(after, mode=mode, mode_at=services.now_ms(), mode_by=_who(by))
    if after != before:
        decision = _decision(services, by, before, after, figures)
        await services.writer.run_in_transaction(replace_rule(after, decision))
        await _read_again(services, before.site)
    return after


def _decision(
    services: Services, by: Actor, before: StoredRule, after: StoredRule, figures: dict[str, int]
) -> Decision:
    was, now = _logged(before), _logged(after)
    changed = [name for name in now if was[name] != now[name]]
    for name in ("words", "exceptions"):
        # A list may have changed without its length.
        if getattr(before.spec, name) != getattr(after.spec, name) and name not in changed:
            changed.append(name)
    return decided_by(
        by,
        "rules",
        services.now_ms(),
        targets=(before.id,),
        before={name: was[name] for name in changed},
        after={name: now[name] for name in changed} | {"name": after.spec.name} | figures,
    )


def _logged(rule: StoredRule) -> dict[str, object]:
    """Return what the site's log says of a rule: of its lists only the length."""
    lists = {"words": len(rule.spec.words), "exceptions": len(rule.spec.exceptions)}
    spec = {**rule.spec.stored(), **lists}
    spec["languages"] = list(rule.spec.languages)
    own = {"name": rule.spec.name, "kind": rule.spec.kind, "action": rule.spec.action}
    return {**own, "mode": rule.mode, "story": rule.spec.story, "copy": rule.spec.copy, **spec}


def _who(by: Actor) -> str:
    return f"{by.kind}:{by.id}"[:120]


async def _read_again(services: Services, site: str) -> None:
    """Let this process use the changed rules at once; the others follow within two seconds."""
    await services.cache.site(site, max_age=0)
