"""Decide the same about several comments that were ticked on a page. One undo takes all of it back."""

from typing import cast
from urllib.parse import urlencode

from starlette.responses import Response

from widget_server.auth.permissions import require
from widget_server.model.decisions import CommentVerb
from widget_server.model.errors import MalformedError
from widget_server.operations.moderation import targets as own_targets
from widget_server.operations.moderation.decide import BatchResult, decide_batch
from widget_server.web.dashboard.decisions import ASKED_REASONS, back_of
from widget_server.web.dashboard.page import Page, site_page

VERBS = ("approve", "remove", "spam", "hold")
REMOVED_VERBS = ("restore",)
"""What the page of removed comments offers."""
WITH_REASON = frozenset({"remove", "spam", "hold"})
MAX_TARGETS = 200


def offered(page: Page, verbs: tuple[str, ...] = VERBS) -> list[str]:
    """Return the verbs that the person may use on several comments."""
    return [verb for verb in verbs if page.may(verb)]


@site_page("read")
async def submit(page: Page) -> Response:
    """Handle `POST …/comments/decide`: fields `target` as `ID.REVISION`, `verb`, `reason`, `back`."""
    verb = page.form.get("verb")
    if verb not in VERBS + REMOVED_VERBS:
        raise MalformedError("Choose one of the buttons of the page.")
    require(page.actor, verb, page.site)
    targets = _targets(page.form.all("target"))
    back = back_of(page, page.path("stories"))
    if not targets:
        return _told(page, back, {"did": "none_ticked"})
    found = await own_targets.find(page.services, page.actor, verb, page.site, list(targets))
    reason = page.form.get("reason") if verb in WITH_REASON else ""
    result = await decide_batch(
        page.services,
        page.actor,
        cast(CommentVerb, verb),
        [(comment, revision) for comment, revision in targets.items() if comment in found],
        reason=reason if reason in ASKED_REASONS else None,
    )
    return _told(page, back, _said(verb, result, len(targets)))


def _said(verb: str, result: BatchResult, asked: int) -> dict[str, object]:
    """Return what the next page says: how many were decided, and how many were not."""
    made = sum(one.decision is not None for one in result.decided)
    left = asked - len(result.decided)
    said: dict[str, object] = {"did": f"many_{verb}" if made else "nothing", "many": made}
    if made:
        said["undo"] = result.batch
    return said | ({"left": left} if left else {})


def _told(page: Page, back: str, said: dict[str, object]) -> Response:
    path, _, query = back.partition("?")
    return page.redirect(f"{path}?{query}&{urlencode(said)}".replace("?&", "?"))


def _targets(ticked: list[str]) -> dict[str, int]:
    """Return the ticked comments with the revision that the page showed. Raises `MalformedError`."""
    found: dict[str, int] = {}
    for one in ticked:
        comment, _, revision = one.partition(".")
        if not comment.isalnum() or not revision.isdecimal() or len(revision) > 9:
            raise MalformedError("The form is damaged. Open the page again.")
        found[comment] = int(revision)
    if len(found) > MAX_TARGETS:
        raise MalformedError(f"Choose at most {MAX_TARGETS} comments at once.")
    return found
