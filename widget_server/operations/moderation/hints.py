"""What readers told the editors about errors in stories: list it, follow it with a correction, decline it."""

from collections.abc import Mapping
from dataclasses import replace

from widget_server.auth.permissions import require
from widget_server.content.text import check_characters
from widget_server.model.actors import Actor
from widget_server.model.corrections import Correction
from widget_server.model.decisions import decision_id
from widget_server.model.errors import NotFoundError, ProblemError, TextRejectedError
from widget_server.model.hints import MAX_ANSWER, Hint, HintCase
from widget_server.model.limits import MAX_PAGE
from widget_server.model.records import Story
from widget_server.operations.made_before import made_before
from widget_server.operations.moderation.decide import keep_ms
from widget_server.operations.owners.corrections import (
    TypedCorrection,
    checked_correction,
    correction_with_id,
)
from widget_server.operations.services import Services
from widget_server.store.queries.hints import HintCursor
from widget_server.store.writing.actions import Decide

__all__ = ["HintCase", "HintCursor"]

QUEUE = "corrections"
"""The queue whose cases are hints. They have no comment."""


def cursor_of(case: HintCase) -> HintCursor:
    """Return the cursor for the page that follows this case."""
    return case.hint.at, case.hint.id


async def count(services: Services, site: str) -> int:
    """Return the number of open hints of a site. The caller asks for the permission."""
    return await services.hints.count(site)


async def open_hints(
    services: Services,
    by: Actor,
    site: str,
    *,
    story: str | None = None,
    after: HintCursor | None = None,
    limit: int = MAX_PAGE,
) -> list[HintCase]:
    """Return a page of the open hints of a site, or of one of its stories (a code), the oldest first.

    `after` is the `cursor_of` the last one of the page before. Raises `NotPermittedError`.
    """
    require(by, "correct", site)
    return await services.hints.page(site, story, after, min(limit, MAX_PAGE))


async def show(services: Services, by: Actor, site: str, hint: str) -> HintCase:
    """Return an open hint. Raises `NotPermittedError`, `NotFoundError` also for an answered one."""
    require(by, "correct", site)
    found = await services.hints.open_one(site, hint)
    if found is None:
        raise NotFoundError("There is no open report with this id.")
    return found


async def accept(
    services: Services,
    by: Actor,
    site: str,
    hint: str,
    kind: str,
    text: str,
    *,
    texts: Mapping[str, str] | None = None,
    passage: str | None = None,
    credit: bool = True,
    answer: str | None = None,
) -> tuple[Correction, Story]:
    """Publish the correction that follows a hint, and mark the hint as followed. Return it, and the story.

    `text` and `texts` are those of a correction. `passage`: None for that of the hint, "" for none. `credit`:
    whether the correction thanks the reader by name, if the reader left one. `answer` is for the reader alone.
    It is undone by the correction's id. Raises `NotFoundError`, `NotPermittedError`, `StaleError` (answered
    meanwhile), `TooLargeError`, and `TextRejectedError` with the wrong field.
    """
    story, known = await _find(services, by, site, hint)
    own = known.passage if passage is None else passage
    checked = checked_correction(TypedCorrection(text, kind, texts or {}, own or ""))
    answer = _answer(answer)
    subject = f"correct {hint}"
    made = await made_before(services, by, subject)
    if made:
        return correction_with_id(story, made[subject].id), story
    action = replace(
        await _decision(services, by, story, hint, answer, subject), verb="correct", thanks=credit
    )
    new = replace(checked, id=action.id, at=action.at)
    decided = await services.writer.submit(replace(action, correction=new))
    services.cache.put(decided.story)
    return correction_with_id(decided.story, action.id), decided.story


async def decline(
    services: Services, by: Actor, site: str, hint: str, *, answer: str | None = None
) -> str:
    """Answer a hint without a correction. Return the id of the decision, by which it is undone.

    Without `answer` the reader is told a standard sentence. Raises `NotFoundError`, `NotPermittedError`,
    `StaleError` (answered meanwhile), and `TextRejectedError` with the wrong field.
    """
    story, _ = await _find(services, by, site, hint)
    answer = _answer(answer)
    subject = f"reject {hint}"
    made = await made_before(services, by, subject)
    if made:
        return made[subject].id
    action = await _decision(services, by, story, hint, answer, subject)
    decided = await services.writer.submit(action)
    services.cache.put(decided.story)
    return action.id


async def _find(services: Services, by: Actor, site: str, hint: str) -> tuple[Story, Hint]:
    require(by, "correct", site)
    found = await services.hints.place(hint)
    story = None if found is None else await services.discussions.story(found[0])
    if found is None or story is None or story.site != site:
        raise NotFoundError("There is no such report. Its reader may have erased it.")
    return story, found[1]


async def _decision(
    services: Services, by: Actor, story: Story, hint: str, answer: str | None, subject: str
) -> Decide:
    return Decide(
        story=story.id,
        comment="",
        verb="reject",
        by=by,
        id=decision_id(by, subject),
        at=services.now_ms(),
        keep=await keep_ms(services, story),
        hint=hint,
        answer=answer,
    )


def _answer(words: str | None) -> str | None:
    """Return the words for the reader, or None. Raises `TextRejectedError` with the field."""
    said = (words or "").strip()
    if len(said) > MAX_ANSWER:
        raise TextRejectedError.in_field("answer", f"Use at most {MAX_ANSWER:,} characters.")
    try:
        check_characters(said)
    except ProblemError as error:
        raise TextRejectedError.in_field("answer", error.detail) from None
    return said or None
