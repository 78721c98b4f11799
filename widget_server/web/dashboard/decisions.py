"""Decide about a comment, undo, and answer: one page for one comment, and the forms of all pages."""

import uuid
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from starlette.responses import JSONResponse, Response

from widget_server.auth.permissions import require
from widget_server.model.actors import name_of
from widget_server.model.decisions import (
    COMMENT_VERBS,
    QUEUES,
    REASONS,
    TAG_VERBS,
    CommentVerb,
    Decided,
)
from widget_server.model.errors import (
    CaseClosedError,
    ErasedError,
    MalformedError,
    NotFoundError,
    NotPermittedError,
    ProblemError,
    StaleError,
)
from widget_server.model.records import CommentState
from widget_server.operations.moderation import bans, discussion, targets
from widget_server.operations.moderation.batches import undo_batch
from widget_server.operations.moderation.decide import decide, undo
from widget_server.operations.moderation.discussion import StaffComment
from widget_server.operations.moderation.hand_over import case_of, receivers, take_back_case
from widget_server.operations.moderation.new_comments import mark_seen, mark_unseen
from widget_server.operations.moderation.queue import decide_case
from widget_server.operations.moderation.tags import tags_of_site
from widget_server.operations.owners import take_back as changes
from widget_server.protocol.codes import status_of
from widget_server.web.dashboard.diff import words_changed
from widget_server.web.dashboard.messages import message_page
from widget_server.web.dashboard.narrowing import narrowing, offered
from widget_server.web.dashboard.page import Page, site_page
from widget_server.web.dashboard.queue_counts import answer_script

SEEN = "seen-"
"""Begins what “undo” names after a person has looked at a new comment; the comment's id follows."""
HANDED = "handed-"
"""Begins what “undo” names after a person has handed a case over; the number of the case follows."""
STEPS = (
    "remove",
    "reject",
    "spam",
    "hold",
    "erase",
    "tag",
    "answer",
    "ban",
    "mute",
    "hide",
    "hand_over",
)
"""What the page of a comment can ask for before it acts."""
ASKED_REASONS = tuple(REASONS)
TOGGLES = "tags"
"""The verb of a form whose buttons give tags and take them off: a button is called `tag` or `untag`."""


def here(page: Page) -> str:
    """Return the address of this page, for forms that lead back to it."""
    kept = [(k, v) for k, v in page.request.query_params.multi_items() if k not in _TOLD]
    path = page.request.url.path
    return path + (f"?{urlencode(kept)}" if kept else "")


_TOLD = frozenset({"did", "undo", "done", "on", "many", "left"})


def back_of(page: Page, default: str) -> str:
    """Return where a form leads: its field `back` if that is a page of this site, else `default`."""
    back = page.form.get("back") or page.request.query_params.get("back", "")
    own = back.startswith(page.path("")) and not urlsplit(back).netloc and back.isprintable()
    return back if own and ".." not in back and "\\" not in back else default


def told(page: Page, back: str, did: str, decision: str | None, comment: str = "") -> Response:
    """Return a redirect after a decision. The next page says `did_…` and offers Undo."""
    path, _, query = back.partition("?")
    said = {"did": did} | ({"undo": decision} if decision else {})
    said |= {"on": comment} if comment else {}
    anchor = f"#c-{comment}" if comment and "/stories/" in path else ""
    return page.redirect(f"{path}?{query}&{urlencode(said)}".replace("?&", "?") + anchor)


def verbs_of(page: Page, shown: StaffComment) -> list[CommentVerb]:
    """Return what the person may decide about a comment in its state, the usual first."""
    state, copy = shown.comment.state, shown.comment.copy
    found: list[str]
    own = page.actor.copies
    if own is not None:
        # Comments of other copies are shown to a local moderator, who decides nothing about them.
        found = [] if copy is None or copy.id not in own else ["hold"]
        found = [] if shown.held or state == CommentState.REMOVED else found
        if state == CommentState.PENDING and found:
            found = ["approve", "reject", "hold"]
        return [cast(CommentVerb, verb) for verb in found]
    if state == CommentState.PENDING:
        found = ["approve", "reject", "hold", "spam", "tag", "erase"]
    elif shown.held:
        found = ["approve", "remove", "spam", "tag", "erase"]
    elif state == CommentState.REMOVED:
        found = ["restore", "tag", "erase"] if shown.kept_until is not None else []
    else:
        found = ["approve"] if shown.reported else []
        found += ["remove", "unpin" if shown.comment.pinned else "pin"]
        found += ["feature" if shown.comment.featured_at is None else "unfeature"]
        found += ["hold", "spam", "tag", "erase"]
    return [cast(CommentVerb, verb) for verb in found if page.may(verb)]


@site_page("read")
async def show(page: Page) -> Response:
    """Handle `GET …/comments/{comment}`: a comment, what is known about it, and every action."""
    return await comment_view(page)


@site_page("read")
async def submit(page: Page) -> Response:
    """Handle `POST …/comments/{comment}/decide`."""
    verb = page.form.get("verb")
    if verb == TOGGLES:
        verb = next((one for one in TAG_VERBS if page.form.get(one)), "")
    if verb not in COMMENT_VERBS or verb == "erase":
        raise MalformedError("Choose one of the buttons of the page.")
    require(page.actor, verb, page.site)
    if verb == "approve" and page.form.get("queue") == "new":
        return await _seen(page)
    return await _decide(page, verb)


async def _seen(page: Page) -> Response:
    """Note that the person has looked at a new comment; “undo” names it instead of a decision."""
    comment = page.request.path_params["comment"]
    await mark_seen(page.services, page.actor, page.site, comment)
    if page.wants_json:
        return await answer_script(page, {"decision": SEEN + comment})
    return told(page, back_of(page, page.path("queue")), "seen", SEEN + comment)


@site_page("erase")
async def erase(page: Page) -> Response:
    """Handle `POST …/comments/{comment}/erase`: at once and without undo."""
    return await _decide(page, "erase")


async def _decide(page: Page, verb: CommentVerb) -> Response:
    form = page.form
    comment = page.request.path_params["comment"]
    shown = await discussion.find_comment(page.services, page.actor, page.site, comment)
    queue = next((name for name in QUEUES if name == form.get("queue")), None)
    case = whole_number(form.get("case"))
    reason, note = form.get("reason") or None, form.get("note") or None
    tag = form.get(verb) if verb in TAG_VERBS else None
    revision = whole_number(form.get("revision"))
    step = "tag" if verb in TAG_VERBS else verb
    decided: Decided
    try:
        if case is not None:
            decided = await decide_case(
                page.services,
                page.actor,
                page.site,
                case,
                verb,
                reason=reason,
                note=note,
                revision=revision,
                tag=tag,
            )
        else:
            decided = await decide(
                page.services,
                page.actor,
                verb,
                comment,
                revision=revision,
                queue=queue,
                reason=reason,
                note=note,
                tag=tag,
            )
    except CaseClosedError as closed:
        return await closed_meanwhile(page, closed)
    except StaleError:
        if page.wants_json:
            return JSONResponse({"error": page.t("stale_card")}, 409)
        page.errors[""] = page.t("stale")
        return await comment_view(page, status=409, step=step)
    except NotPermittedError:
        raise
    except ProblemError as error:
        if page.wants_json:
            raise
        page.fail(error)
        return await comment_view(page, status=status_of(error), step=step)
    did = f"{verb}_edit" if queue == "edits" and verb in {"approve", "reject"} else verb
    if queue == "reported" and verb == "approve":
        did = "keep"
    entry = decided.decision
    kept = entry.id if entry is not None and verb != "erase" else None
    if page.wants_json:
        # At full speed by keys, what is new is counted only where it is shown to change.
        return await answer_script(page, {"decision": kept}, new=form.get("queue") == "new")
    back = back_of(page, page.path(f"stories/{shown.story}"))
    return told(page, back, did if entry is not None else "nothing", kept, comment)


async def closed_meanwhile(page: Page, closed: CaseClosedError) -> Response:
    """Return what another person has decided meanwhile."""
    said = page.t("closed_before")
    if closed.decided is not None:
        verb, name, at = closed.decided
        done, when = page.t(f"log_{verb}"), page.clock().ago(at)
        said = page.t("decided_before", name=name, verb=done, when=when)
    if page.wants_json:
        return await answer_script(page, {"error": said, "gone": True}, 409)
    back = back_of(page, page.path("queue"))
    return message_page(page.request, 409, "decided_before", said, back)


def whole_number(text: str) -> int | None:
    """Return a whole number of a form, or None."""
    return int(text) if text.isdecimal() and len(text) < 16 else None


@site_page("undo")
async def submit_undo(page: Page) -> Response:
    """Handle `POST …/undo`: take back a decision or a batch."""
    name = page.form.get("decision")
    if name.startswith(SEEN):
        await mark_unseen(page.services, page.actor, page.site, name.removeprefix(SEEN))
        if page.wants_json:
            return await answer_script(page, {"decision": None})
        return told(page, back_of(page, page.path("queue")), "undo", None)
    if name.startswith(HANDED):
        case = whole_number(name.removeprefix(HANDED)) or 0
        await take_back_case(page.services, page.actor, page.site, case)
        return told(page, back_of(page, page.path("queue")), "take_back_case", None)
    if await page.services.batches.find(name) is not None:
        undoing = await undo_batch(page.services, page.actor, page.site, name)
        return page.redirect(page.path(f"queue/batches/{undoing.id}"))
    try:
        # A decision of another site is not found: whether it exists is not told.
        of_stories = await targets.is_about_stories(page.services, page.site, name)
        if not of_stories and await changes.is_mute(page.services, page.site, name):
            await changes.take_back(page.services, page.actor, page.site, name)
            return told(page, back_of(page, page.path("bans")), "undo", None)
        result = await undo(page.services, page.actor, name)
    except (StaleError, ErasedError, NotFoundError) as error:
        if page.wants_json:
            raise
        return message_page(page.request, status_of(error), "not_undone", error.detail)
    back = back_of(page, page.path("log"))
    if page.wants_json and not result.refused:
        return await answer_script(page, {"decision": None})
    if result.refused:
        said = next(iter(result.refused.values())).detail
        return message_page(page.request, 409, "part_undone", said)
    comments = [one.comment.id for one in result.decided if one.comment is not None]
    return told(page, back, "undo", None, comments[0] if len(comments) == 1 else "")


@site_page("answer")
async def submit_answer(page: Page) -> Response:
    """Handle `POST …/comments/{comment}/answer`: publish an answer under the person's own name."""
    comment = page.request.path_params["comment"]
    shown = await discussion.find_comment(page.services, page.actor, page.site, comment)
    form = page.form
    try:
        made = await discussion.answer(
            page.services,
            page.actor,
            page.site,
            comment,
            form.get("body"),
            form.get("key")[:64] or uuid.uuid4().hex,
        )
    except NotPermittedError:
        raise
    except ProblemError as error:
        error.field = "body"
        page.fail(error)
        return await comment_view(page, status=422, step="answer")
    back = back_of(page, page.path(f"stories/{shown.story}"))
    return told(page, back, "answer", None, made.id)


async def comment_view(page: Page, status: int = 0, step: str = "") -> Response:
    """Return the page of a comment, with the form of a step open."""
    comment = page.request.path_params["comment"]
    found = await discussion.comment_page(page.services, page.actor, page.site, comment)
    step = step or page.request.query_params.get("step", "")
    names = ("reason", "note", "body", "mode", "length", "whom")
    kept: dict[str, Any] = {name: page.form.get(name) for name in names}
    writer = found.shown.comment
    step = step if step in STEPS and page.may(step) else ""
    return page.render(
        "decisions/comment.html",
        status,
        one=found.shown,
        context=found.context,
        verbs=verbs_of(page, found.shown),
        step=step,
        offered=await offered(page, found.shown.story) if step == "hide" else [],
        receivers=await _receivers(page) if step == "hand_over" else [],
        case=await case_of(page.services, page.actor, page.site, comment, _named_case(page)),
        me=name_of(page.actor),
        may_hide=page.may("hide") and page.actor.copies is None,
        reasons=ASKED_REASONS,
        kept=kept,
        key=page.form.get("key") or uuid.uuid4().hex,
        site_tags=await tags_of_site(page.services, page.actor, page.site),
        back=back_of(page, page.path(f"stories/{found.shown.story}")),
        changes=changes_of(found.shown),
        ban=await bans.ban_of(page.services, page.actor, page.site, writer),
        may_ban=page.may("ban") and bool(writer.reader) and writer.role is None,
        may_ban_network=await bans.may_ban_networks(page.services, page.site),
        reported=found.reported,
        appeals=await bans.appeals_of(page.services, page.actor, page.site, comment),
        **await narrowing(page, found.shown.story, [found.shown]),
        **told_now(page),
    )


def _named_case(page: Page) -> int | None:
    """Return the case that a form or a card's link names: a comment may have several."""
    return whole_number(page.form.get("case") or page.request.query_params.get("case", ""))


async def _receivers(page: Page) -> list[tuple[str, str, str]]:
    """Return id, name and role of those to whom a case can be handed over."""
    found = await receivers(page.services, page.actor, page.site)
    return [(id_, name, page.t(f"role_{role}")) for id_, name, role in found]


def changes_of(shown: StaffComment) -> list[tuple[str, str]]:
    """Return the difference that an edit that waits would make; empty without one."""
    if shown.waiting is None:
        return []
    return list(words_changed(shown.comment.source, shown.waiting))


def told_now(page: Page) -> dict[str, Any]:
    """Return what a page says after a decision: `did` (a text) and `undo_id`."""
    query = page.request.query_params
    key = f"did_{query.get('did', '')}"
    did = page.t(key, n=_number(query.get("many", ""))) if page.t.knows(key) else ""
    if did and (left := _number(query.get("left", ""))):
        did = f"{did} {page.t('did_left', n=left)}"
    return {
        "did": did,
        "undo_id": query.get("undo", "") if page.may("undo") else "",
        "here_back": here(page),
        "verbs_of": lambda shown: verbs_of(page, shown),
    }


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 6 else 0
