"""Corrections of stories: what editors say afterwards about a text, on every copy. No text is changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from widget_server.auth.permissions import require
from widget_server.content.text import check_characters
from widget_server.model.actors import Actor
from widget_server.model.corrections import (
    CORRECTION_KINDS,
    MAX_CREDIT,
    MAX_TEXT,
    MAX_TEXTS,
    Correction,
)
from widget_server.model.decisions import decision_id
from widget_server.model.errors import NotFoundError, ProblemError, TextRejectedError
from widget_server.model.identifiers import LANGUAGE_TAG
from widget_server.model.records import Story
from widget_server.operations.made_before import made_before
from widget_server.operations.moderation.decide import check_words, keep_ms
from widget_server.operations.services import Services
from widget_server.store.writing.actions import Decide

__all__ = ["CORRECTION_KINDS", "Correction"]

_field = TextRejectedError.in_field


@dataclass(frozen=True, slots=True)
class TypedCorrection:
    """A correction as it was sent."""

    text: str
    kind: str = "correction"
    texts: Mapping[str, str] = field(default_factory=dict)
    """By language (BCP 47)."""
    passage: str = ""
    credit: str = ""


async def correct(
    services: Services,
    by: Actor,
    code: str,
    typed: TypedCorrection,
    *,
    note: str | None = None,
) -> tuple[Correction, Story]:
    """Publish a correction on every copy of a story. Return it, and the story as it is now.

    Raises `NotFoundError`, `NotPermittedError`, `TooLargeError`, and `TextRejectedError` with the wrong
    field. It is withdrawn as other decisions are undone, by its id.
    """
    story = await _own_story(services, by, code)
    check_words(None, note)
    checked = checked_correction(typed)
    made = await made_before(services, by, "correct")
    if made:
        return correction_with_id(story, made["correct"].id), story
    name, at = decision_id(by, "correct"), services.now_ms()
    new = replace(checked, id=name, at=at)
    action = Decide(
        story=story.id,
        comment="",
        verb="correct",
        by=by,
        id=name,
        at=at,
        keep=await keep_ms(services, story),
        note=note,
        correction=new,
    )
    decided = await services.writer.submit(action)
    services.cache.put(decided.story)
    return new, decided.story


async def list_corrections(
    services: Services, by: Actor, site: str, code: str
) -> tuple[Correction, ...]:
    """Return all corrections of a story, the newest first, withdrawn ones included.

    Raises `NotPermittedError`, `NotFoundError`.
    """
    story = await services.discussions.story(code)
    require(by, "read", site)
    if story is None or story.site != site:
        raise NotFoundError("There is no story with this code.")
    return tuple(reversed(story.corrections))


async def list_of(services: Services, by: Actor, code: str) -> tuple[Correction, ...]:
    """Return `list_corrections` of a story of any site of the actor."""
    story = await services.discussions.story(code)
    if story is None:
        raise NotFoundError("There is no story with this code.")
    return await list_corrections(services, by, story.site, code)


async def _own_story(services: Services, by: Actor, code: str) -> Story:
    story = await services.discussions.story(code)
    if story is None:
        raise NotFoundError("There is no story with this code.")
    require(by, "correct", story.site)
    return story


def correction_with_id(story: Story, name: str) -> Correction:
    """Return the story's correction with this id. Raises `NotFoundError`."""
    for one in story.corrections:
        if one.id == name:
            return one
    raise NotFoundError


def checked_correction(typed: TypedCorrection) -> Correction:
    """Return the correction without id and time. Raises `TextRejectedError` with the wrong field."""
    if typed.kind not in CORRECTION_KINDS:
        raise _field("kind", f"The kind is one of {', '.join(CORRECTION_KINDS)}.")
    texts = {tag: _line("texts", words, MAX_TEXT) for tag, words in typed.texts.items()}
    texts = {tag: words for tag, words in texts.items() if words}
    for tag in texts:
        if not LANGUAGE_TAG.fullmatch(tag) or len(tag) > 35:
            raise _field("texts", "Name each language by its tag, such as de or pt-BR.")
    text = _line("text", typed.text, MAX_TEXT)
    if not text:
        raise _field("text", "Say in a sentence what was wrong and what is right.")
    if len(text) + sum(map(len, texts.values())) > MAX_TEXTS:
        raise _field("texts", f"All languages together have at most {MAX_TEXTS:,} characters.")
    return Correction(
        id="",
        at=0,
        kind=typed.kind,
        text=text,
        texts=texts,
        passage=_line("passage", typed.passage, MAX_TEXT) or None,
        credit=_line("credit", typed.credit, MAX_CREDIT) or None,
    )


def _line(name: str, words: str, most: int) -> str:
    line = " ".join(words.split())
    if len(line) > most:
        raise _field(name, f"Use at most {most:,} characters.")
    try:
        check_characters(line)
    except ProblemError as error:
        raise _field(name, error.detail) from None
    return line
