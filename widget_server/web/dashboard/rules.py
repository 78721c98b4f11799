"""Rules about comments: list, add, change, try on the past, turn on and off, remove."""

from typing import Any, cast

from starlette.responses import Response

from widget_server.model.errors import NotFoundError, ProblemError
from widget_server.model.rules import RULE_KINDS, RuleKind, RuleMode, RuleSpec
from widget_server.operations.moderation import rules
from widget_server.operations.moderation.rules import ListedRule
from widget_server.operations.moderation.try_rule import TriedRule
from widget_server.web.dashboard.page import Page, site_page

BADGES = {"on": "good", "shadow": "info", "off": ""}
"""Colours of the modes."""
EXCERPT = 160
"""Characters of a comment in a list."""
NEW = RuleSpec("", "words")


@site_page("read_rules")
async def show(page: Page) -> Response:
    """Handle `GET …/rules`: the list, with the rule that was made last opened."""
    found = await rules.list_rules(page.services, page.actor, page.site)
    return await _page(page, found, found[-1] if found else None)


@site_page("rules")
async def show_new(page: Page) -> Response:
    """Handle `GET …/rules/new`. `kind` is what the rule looks at."""
    kind = page.request.query_params.get("kind", "words")
    if kind not in RULE_KINDS:
        raise NotFoundError
    found = await rules.list_rules(page.services, page.actor, page.site)
    return await _page(page, found, None, RuleSpec("", kind))


@site_page("read_rules")
async def show_rule(page: Page) -> Response:
    """Handle `GET …/rules/{rule}`."""
    found = await rules.list_rules(page.services, page.actor, page.site)
    return await _page(page, found, _chosen(page, found))


@site_page("rules")
async def add(page: Page) -> Response:
    """Handle `POST …/rules`: the rule starts in shadow."""
    spec = _spec(page)
    try:
        rule = await rules.add_rule(page.services, page.actor, page.site, spec)
    except ProblemError as error:
        page.fail(error)
        found = await rules.list_rules(page.services, page.actor, page.site)
        return await _page(page, found, None, spec)
    return page.redirect(page.path(f"rules/{rule.id}"), "rule_added")


@site_page("rules")
async def save(page: Page) -> Response:
    """Handle `POST …/rules/{rule}`: a rule that says something else is in shadow again."""
    found = await rules.list_rules(page.services, page.actor, page.site)
    chosen, spec = _chosen(page, found), _spec(page)
    mode: RuleMode | None = "on" if page.form.get("then") == "on" else None
    try:
        after = await rules.change_rule(
            page.services, page.actor, page.site, chosen.rule.id, spec, mode
        )
    except ProblemError as error:
        page.fail(error)
        return await _page(page, found, chosen, spec)
    done = "rule_in_shadow" if after.mode == "shadow" != chosen.rule.mode else "saved"
    return page.redirect(page.path(f"rules/{chosen.rule.id}"), done)


@site_page("rules")
async def set_mode(page: Page) -> Response:
    """Handle `POST …/rules/{rule}/mode`."""
    mode = cast(RuleMode, page.form.get("mode"))
    rule = page.request.path_params["rule"]
    await rules.set_mode(page.services, page.actor, page.site, rule, mode)
    return page.redirect(page.path(f"rules/{rule}"), f"rule_{mode}")


@site_page("rules")
async def remove(page: Page) -> Response:
    """Handle `POST …/rules/{rule}/remove`."""
    rule = page.request.path_params["rule"]
    await rules.remove_rule(page.services, page.actor, page.site, rule)
    return page.redirect(page.path("rules"), "rule_removed")


@site_page("rules")
async def try_typed(page: Page) -> Response:
    """Handle `POST …/rules/try`: what the rule as it is typed would have held. Nothing is stored."""
    spec = _spec(page)
    tried = None
    try:
        tried = await rules.try_spec(page.services, page.actor, page.site, spec)
    except ProblemError as error:
        page.fail(error)
    if page.is_fragment:
        # htmx keeps the old result if the status is an error.
        return page.render("rules/_trial.html", 200, tried=tried, **_trial_words(tried))
    found = await rules.list_rules(page.services, page.actor, page.site)
    named = [one for one in found if one.rule.id == page.form.get("rule")]
    return await _page(page, found, named[0] if named else None, spec, tried)


def _chosen(page: Page, found: list[ListedRule]) -> ListedRule:
    """Return the rule that the path names. Raises `NotFoundError`."""
    for one in found:
        if one.rule.id == page.request.path_params["rule"]:
            return one
    raise NotFoundError


def _spec(page: Page) -> RuleSpec:
    form = page.form
    if form.get("kind") not in RULE_KINDS:
        raise NotFoundError
    copy = form.get("copy")
    then = form.get("action", "hold")
    return RuleSpec(
        name=form.get("name"),
        kind=cast(RuleKind, form.get("kind")),
        action="block" if then == "block" else "hold",
        story=form.get("story") or None,
        copy=int(copy) if copy.isdecimal() and len(copy) < 16 else None,
        languages=tuple(form.get("languages").replace(",", " ").split()),
        words=tuple(form.get("words").splitlines()),
        leet="leet" in form,
        limit=_number(form.get("limit")),
        least=_number(form.get("least")),
        guideline=form.get("guideline") or None,
        ask=then == "ask",
    )


def _number(text: str) -> int:
    """Return what was typed; -1, which no rule accepts, for a text that is no number."""
    if not text:
        return 0
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 9 else -1


async def _page(
    page: Page,
    found: list[ListedRule],
    chosen: ListedRule | None,
    typed: RuleSpec | None = None,
    tried: TriedRule | None = None,
) -> Response:
    spec = typed or (chosen.rule.spec if chosen is not None else NEW)
    hits = []
    if chosen is not None:
        rule = chosen.rule.id
        hits = await rules.last_hits(page.services, page.actor, page.site, rule)
    return page.render(
        "rules/rules.html",
        found=found,
        chosen=chosen,
        spec=spec,
        is_new=chosen is None and (typed is not None),
        kinds=RULE_KINDS,
        badges=BADGES,
        hits=[(hit, _excerpt(hit.source)) for hit in hits],
        tried=tried,
        **_trial_words(tried),
    )


def _trial_words(tried: TriedRule | None) -> dict[str, Any]:
    """Return the trial's samples as parts of text, each with whether it is what the rule found."""
    if tried is None:
        return {"samples": [], "shares": (0, 0)}
    trial = tried.trial
    samples = [(one.comment, marked(one.comment.text, one.hit.spans)) for one in trial.samples]
    whole = max(1, trial.caught)
    shares = (100 * trial.removed / whole, 100 * (trial.removed + trial.approved) / whole)
    return {"samples": samples, "shares": shares}


def marked(text: str, spans: tuple[tuple[int, int], ...]) -> list[tuple[str, bool]]:
    """Return a part of the text around the first span, in pieces; True for those of a span."""
    first = max(0, spans[0][0] - EXCERPT // 2) if spans else 0
    last = min(len(text), first + EXCERPT)
    pieces, at = [("…", False)] if first else [], first
    for place in spans:
        start, end = max(place[0], at), min(place[1], last)
        if start < end:
            pieces += [(text[at:start], False), (text[start:end], True)]
            at = end
    pieces.append((text[at:last] + ("…" if last < len(text) else ""), False))
    return [piece for piece in pieces if piece[0]]


def _excerpt(text: str) -> str:
    return text[:EXCERPT] + ("…" if len(text) > EXCERPT else "")
