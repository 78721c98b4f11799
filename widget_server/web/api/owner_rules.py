"""Rules about comments, for programs."""

from dataclasses import replace
from typing import Any

from widget_server.model.rules import HitCounts, RuleSpec, StoredRule
from widget_server.operations.moderation import rules, try_rule
from widget_server.operations.moderation.import_words import with_list
from widget_server.protocol import (
    owner_answers,
    owner_answers_rules as answers,
    owner_requests_rules as requests,
)
from widget_server.protocol.serializers import rfc3339
from widget_server.web.api.owner_call import Answer, Call
from widget_server.web.api.owner_records import time_of


async def list_rules(call: Call) -> Answer:
    """Handle `GET …/rules`."""
    found = await rules.list_rules(call.services, call.actor, call.site)
    return Answer(answers.RuleList(rules=[_rule(one.rule, one.hits) for one in found]))


async def add_rule(call: Call) -> Answer:
    """Handle `POST …/rules`: the rule starts in shadow."""
    spec, left_out = await _with_list(call, _spec(call.body))
    rule = await rules.add_rule(call.services, call.actor, call.site, spec)
    return Answer(_rule(rule, left_out=left_out))


async def change_rule(call: Call) -> Answer:
    """Handle `PATCH …/rules/{rule}`."""
    body: requests.ChangeRule = call.body
    call.require("read_rules")
    before = await rules.find_rule(call.services, call.actor, call.site, call.path["rule"])
    sent = body.model_dump(exclude_unset=True, exclude=_NOT_FIELDS)
    changes: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in sent.items()
        if value is not None or name == "guideline"
    }
    spec = replace(before.spec, **changes)
    if body.add_words:
        spec = replace(spec, words=(*spec.words, *body.add_words))
    if body.except_comment is not None:
        spec = await rules.excepted(call.services, call.actor, call.site, spec, body.except_comment)
    spec, left_out = await _with_list(call, spec)
    rule = await rules.change_rule(call.services, call.actor, call.site, before.id, spec, body.mode)
    return Answer(_rule(rule, left_out=left_out))


async def remove_rule(call: Call) -> Answer:
    """Handle `DELETE …/rules/{rule}`."""
    await rules.remove_rule(call.services, call.actor, call.site, call.path["rule"])
    return Answer(owner_answers.Readmitted(changed=True))


async def list_hits(call: Call) -> Answer:
    """Handle `GET …/rules/{rule}/hits`."""
    await rules.find_rule(call.services, call.actor, call.site, call.path["rule"])
    found = await rules.last_hits(call.services, call.actor, call.site, call.path["rule"])
    hits = [
        answers.HitAnswer(
            comment=hit.comment,
            story=hit.story,
            at=rfc3339(hit.at),
            held=hit.acting,
            outcome=hit.outcome,
            text=hit.source or None,
        )
        for hit in found
    ]
    return Answer(answers.HitList(hits=hits))


async def try_on_past(call: Call) -> Answer:
    """Handle `POST …/rules:try`. Texts of readers are only in the first answer."""
    body: requests.TryRule = call.body
    spec, _ = await _with_list(call, _spec(body))
    tried = await rules.try_spec(call.services, call.actor, call.site, spec, body.last)
    return Answer(trial_answer(tried), once={"samples": []})


def trial_answer(tried: try_rule.TriedRule) -> answers.TrialAnswer:
    """Return the result of a trial."""
    trial = tried.trial
    return answers.TrialAnswer(
        tried=trial.tried,
        caught=trial.caught,
        approved=trial.approved,
        removed=trial.removed,
        open=trial.caught - trial.approved - trial.removed,
        since=time_of(tried.since),
        seconds=round(tried.seconds, 3),
        samples=[
            answers.SampleAnswer(
                comment=one.comment.id,
                outcome=one.comment.outcome,
                text=one.comment.text,
                spans=[answers.Span(start=start, end=end) for start, end in one.hit.spans],
                beside=list(one.hit.beside),
            )
            for one in trial.samples
        ],
    )


_NOT_FIELDS = {"mode", "add_words", "word_list", "except_comment"}


async def _with_list(call: Call, spec: RuleSpec) -> tuple[RuleSpec, dict[str, int]]:
    """Return the rule with the list that was sent as text, and what of it was left out."""
    call.require("rules")
    return (spec, {}) if call.body.word_list is None else await with_list(spec, call.body.word_list)


def _spec(body: requests.NewRule) -> RuleSpec:
    return RuleSpec(
        name=body.name,
        kind=body.kind,
        action=body.action,
        story=body.story,
        copy=body.copy_id,
        languages=tuple(body.languages),
        words=tuple(body.words),
        exceptions=tuple(body.exceptions),
        leet=body.leet,
        limit=body.limit,
        least=body.least,
        guideline=body.guideline,
        ask=body.ask,
    )


def _rule(
    rule: StoredRule, hits: HitCounts | None = None, left_out: dict[str, int] | None = None
) -> answers.RuleAnswer:
    spec = rule.spec
    counted = None
    if hits is not None:
        counted = answers.RuleHits(
            held=hits.acting,
            in_shadow=hits.shadow,
            approved=hits.approved,
            removed=hits.removed,
        )
    return answers.RuleAnswer(
        id=rule.id,
        name=spec.name,
        kind=spec.kind,
        action=spec.action,
        mode=rule.mode,
        story=spec.story,
        copy_id=spec.copy,
        languages=list(spec.languages),
        words=list(spec.words),
        exceptions=list(spec.exceptions),
        leet=spec.leet,
        limit=spec.limit,
        least=spec.least,
        guideline=spec.guideline,
        ask=spec.ask,
        created_at=rfc3339(rule.created_at),
        by=rule.by,
        mode_at=rfc3339(rule.mode_at),
        mode_by=rule.mode_by,
        blocked=rule.blocked,
        asked=rule.asked,
        edited=rule.edited,
        insisted=rule.insisted,
        hits=counted,
        left_out=left_out or {},
    )
