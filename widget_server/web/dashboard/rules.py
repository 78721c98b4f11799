"""Rules about comments: list, add, change, try on the past, turn on and off, remove."""

from dataclasses import replace
from typing import Any, cast

from starlette.responses import Response

from widget_server.content.imported_list import SHOWN_PROBLEMS, ListRejectedError
from widget_server.model.errors import MalformedError, NotFoundError, ProblemError
from widget_server.model.rules import MAX_RULE_NAME, RULE_KINDS, RuleKind, RuleMode, RuleSpec
from widget_server.operations.moderation import rules
from widget_server.operations.moderation.import_words import with_list
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
    """Handle `GET …/rules/{rule}`. `except` is a comment whose wording is typed into the exceptions."""
    found = await rules.list_rules(page.services, page.actor, page.site)
    chosen = _chosen(page, found)
    comment = page.request.query_params.get("except", "")
    if not comment or not page.may("rules"):
        return await _page(page, found, chosen)
    spec = await _with_exception(page, chosen.rule.spec, comment)
    tried = await rules.try_spec(page.services, page.actor, page.site, spec)
    return await _page(page, found, chosen, spec, tried)


@site_page("rules")
async def add(page: Page) -> Response:
    """Handle `POST …/rules`: the rule starts in shadow."""
    spec = _typed(page)
    try:
        spec, left_out = await _read_lists(page, spec)
        rule = await rules.add_rule(page.services, page.actor, page.site, spec)
    except ProblemError as error:
        _fail(page, error)
        found = await rules.list_rules(page.services, page.actor, page.site)
        return await _page(page, found, None, spec)
    done = "rule_added_part" if left_out else "rule_added"
    return page.redirect(page.path(f"rules/{rule.id}"), done)


@site_page("rules")
async def save(page: Page) -> Response:
    """Handle `POST …/rules/{rule}`: a rule that says something else is in shadow again."""
    found = await rules.list_rules(page.services, page.actor, page.site)
    chosen, spec = _chosen(page, found), _typed(page)
    mode: RuleMode | None = "on" if page.form.get("then") == "on" else None
    try:
        spec, left_out = await _read_lists(page, spec)
        after = await rules.change_rule(
            page.services, page.actor, page.site, chosen.rule.id, spec, mode
        )
    except ProblemError as error:
        _fail(page, error)
        return await _page(page, found, chosen, spec)
    done = "rule_in_shadow" if after.mode == "shadow" != chosen.rule.mode else "saved"
    done = "words_left_out" if left_out else done
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
    """Handle `POST …/rules/try`: what the rule as it is typed would have held. Nothing is stored.

    `except` is a comment whose wording is added to the typed exceptions.
    """
    spec = _typed(page)
    tried, is_new = None, not page.form.get("rule")
    if page.is_fragment and _is_empty(page, spec):
        return page.render("rules/_trial.html", 200, spec=spec, is_new=is_new, **_trial_words(None))
    try:
        spec, _ = await _read_lists(page, spec)
        if page.form.get("except"):
            spec = await _with_exception(page, spec, page.form.get("except"))
        tried = await rules.try_spec(page.services, page.actor, page.site, spec)
    except ProblemError as error:
        _fail(page, error)
    if page.is_fragment:
        # htmx keeps the old result if the status is an error.
        return page.render(
            "rules/_trial.html", 200, spec=spec, is_new=is_new, **_trial_words(tried)
        )
    found = await rules.list_rules(page.services, page.actor, page.site)
    named = [one for one in found if one.rule.id == page.form.get("rule")]
    return await _page(page, found, named[0] if named else None, spec, tried)


def _chosen(page: Page, found: list[ListedRule]) -> ListedRule:
    """Return the rule that the path names. Raises `NotFoundError`."""
    for one in found:
        if one.rule.id == page.request.path_params["rule"]:
            return one
    raise NotFoundError


async def _read_lists(page: Page, spec: RuleSpec) -> tuple[RuleSpec, dict[str, int]]:
    """Return the typed rule with the entries of its list and of an uploaded file, and what is left out.

    A list may be CSV. Raises `ListRejectedError`, which names every wrong line.
    """
    left_out: dict[str, int] = {}
    if spec.kind != "words":
        return _named(page, spec), left_out
    read = replace(spec, words=())
    for text in (page.form.raw("words"), page.form.raw("file")):
        if text.strip():
            read, elsewhere = await with_list(read, text)
            left_out |= elsewhere
    return _named(page, read), left_out


def _is_empty(page: Page, spec: RuleSpec) -> bool:
    """Return whether nothing is typed yet that a rule of this kind needs."""
    if spec.kind == "words":
        return not page.form.get("words") and not page.form.get("file")
    return spec.kind == "length" and not (spec.limit or spec.least)


def _named(page: Page, spec: RuleSpec) -> RuleSpec:
    """Return the rule with a name: the one that was typed, its first words, or what it looks at."""
    words = ", ".join(spec.words[:3])
    return replace(spec, name=spec.name or words[:MAX_RULE_NAME] or page.t(f"kind_{spec.kind}"))


async def _with_exception(page: Page, spec: RuleSpec, comment: str) -> RuleSpec:
    """Return the rule with the wording of a comment among its exceptions, or as it is with an error noted."""
    try:
        return await rules.excepted(page.services, page.actor, page.site, spec, comment)
    except ProblemError as error:
        page.fail(MalformedError.in_field("exceptions", error.detail))
        return spec


def _fail(page: Page, error: ProblemError) -> None:
    """Note an error for the template; one about lines of a list in the page's language."""
    if not isinstance(error, ListRejectedError):
        page.fail(error)
        return
    shown = error.problems[:SHOWN_PROBLEMS]
    lines = [page.t("line_says", line=line, says=page.t.error(says)) for line, says in shown]
    if len(error.problems) > len(shown):
        lines.append(page.t("and_more", n=len(error.problems) - len(shown)))
    page.errors["words"] = " ".join(lines)


def _typed(page: Page) -> RuleSpec:
    """Return the rule as the form has it. Its list is not read yet."""
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
        exceptions=tuple(form.get("exceptions").splitlines()),
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
        excepted=bool(page.form.get("except") or page.request.query_params.get("except")),
        kinds=RULE_KINDS,
        badges=BADGES,
        hits=[(hit, _excerpt(hit.source)) for hit in hits],
        **_trial_words(tried),
    )


def _trial_words(tried: TriedRule | None) -> dict[str, Any]:
    """Return the trial's samples as parts of text, each with whether it is what the rule found."""
    if tried is None:
        return {"tried": None, "samples": [], "shares": (0, 0)}
    trial = tried.trial
    samples = [
        (one.comment, marked(one.comment.text, one.hit.spans), one.hit.beside, one.hit.spans)
        for one in trial.samples
    ]
    whole = max(1, trial.caught)
    shares = (100 * trial.removed / whole, 100 * (trial.removed + trial.approved) / whole)
    return {"tried": tried, "samples": samples, "shares": shares}


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
