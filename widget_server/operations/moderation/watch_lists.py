"""Watch-lists: named sets of stories and comments, chosen or made by rule, whose cases are a queue of their own."""

import re
from dataclasses import replace
from urllib.parse import urlsplit

from widget_server.auth.permissions import require
from widget_server.model.actors import Actor, name_of
from widget_server.model.decisions import decided_by, decision_id
from widget_server.model.errors import MalformedError, NotFoundError, TextRejectedError
from widget_server.model.identifiers import STORY_CODE
from widget_server.model.queue import CaseFilter, StorySet, WatchList
from widget_server.operations.made_before import made_before
from widget_server.operations.moderation.tags import known_tag, require_own_people
from widget_server.operations.services import Services
from widget_server.store.queries.story_sets import delete_watch_list, insert_watch_list
from widget_server.store.writing.site_log import logged

MAX_NAME = 60
MAX_CODES = 100
NEWER_THAN = range(1, 24 * 31)
"""Hours."""
TOP = range(1, 101)
HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[0-9]{1,5})?")
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}")


async def list_watch_lists(services: Services, by: Actor, site: str) -> list[WatchList]:
    """Return the site's watch-lists by name. Raises `NotPermittedError`."""
    require(by, "read", site)
    return await services.watch_lists.of_site(site)


async def add_watch_list(
    services: Services, by: Actor, site: str, name: str, terms: StorySet
) -> WatchList:
    """Add a watch-list, and log it. Raises `NotPermittedError`, `MalformedError`, `TextRejectedError`,
    `NotFoundError` for a story that the site has not.
    """
    require(by, "watch", site)
    name, terms = _checked_name(name), await _checked(services, site, terms)
    made = await made_before(services, by, "watch")
    if made:
        return await _stored(services, site, made["watch"].targets[0])
    new = WatchList(
        decision_id(by, "watch-list"),
        site,
        name,
        terms,
        name_of(by),
        services.now_ms(),
    )
    logs = decided_by(
        by, "watch", new.created_at, targets=(new.id,), after={"watch_list": name, **_logged(terms)}
    )
    await services.writer.run_in_transaction(logged(insert_watch_list(new), site, logs))
    return new


async def remove_watch_list(services: Services, by: Actor, site: str, name: str) -> None:
    """Remove a watch-list by its id, and log it. Its cases stay. Raises `NotPermittedError`, `NotFoundError`."""
    require(by, "watch", site)
    found = await _stored(services, site, name)
    logs = decided_by(
        by,
        "watch",
        services.now_ms(),
        targets=(found.id,),
        before={"watch_list": found.name, **_logged(found.terms)},
        after={"watch_list": None},
    )
    await services.writer.run_in_transaction(logged(delete_watch_list(site, name), site, logs))


async def with_stories(services: Services, by: Actor, site: str, chosen: CaseFilter) -> CaseFilter:
    """Return the filter with what its watch-list says. Raises `NotFoundError` for one that there is not.

    Raises `NotPermittedError` for a local moderator who asks for a tag.
    """
    if chosen.watch is not None and chosen.stories is None:
        chosen = replace(chosen, stories=(await _stored(services, site, chosen.watch)).terms)
    if chosen.tag is not None or (chosen.stories is not None and chosen.stories.tag is not None):
        require_own_people(by)
    return chosen


async def _stored(services: Services, site: str, name: str) -> WatchList:
    found = await services.watch_lists.find(site, name)
    if found is None:
        raise NotFoundError("There is no watch-list with this id.")
    return found


def _checked_name(name: str) -> str:
    cleaned = " ".join(name.split())
    if not 1 <= len(cleaned) <= MAX_NAME or not cleaned.isprintable():
        raise TextRejectedError.in_field("name", "Write a name of 1 to 60 characters.")
    return cleaned


async def _checked(services: Services, site: str, terms: StorySet) -> StorySet:
    if terms == StorySet():
        raise MalformedError(
            "Say which stories: choose some, or give an age, a number, a language, a page or a tag."
        )
    if len(terms.codes) > MAX_CODES:
        raise MalformedError(f"A watch-list has at most {MAX_CODES} chosen stories.")
    if terms.newer_than is not None and terms.newer_than not in NEWER_THAN:
        raise MalformedError("Give an age of 1 to 743 hours.")
    if terms.top is not None and terms.top not in TOP:
        raise MalformedError("Give a number of stories from 1 to 100.")
    if terms.lang is not None and not LANGUAGE.fullmatch(terms.lang):
        raise MalformedError("Give a language as a tag, such as en or pt-BR.")
    for code in terms.codes:
        story = await services.discussions.story(code) if STORY_CODE.fullmatch(code) else None
        if story is None or story.site != site:
            raise NotFoundError("There is no story with this code on this site.")
    origin = None if terms.origin is None else _origin(terms.origin)
    tag = None if terms.tag is None else await known_tag(services, site, terms.tag.strip())
    return replace(terms, codes=tuple(dict.fromkeys(terms.codes)), origin=origin, tag=tag)


def _origin(address: str) -> str:
    """Return the origin of a page's address. Raises `MalformedError`."""
    try:
        parts = urlsplit(address if "://" in address else f"https://{address}")
    except ValueError:
        parts = urlsplit("")
    host = parts.netloc.lower()
    if not HOST.fullmatch(host) or parts.scheme not in {"http", "https"}:
        raise MalformedError(
            "Give the address of a page that carries stories, such as https://news.example."
        )
    return f"{parts.scheme}://{host}"


def _logged(terms: StorySet) -> dict[str, object]:
    """Return what the log says of the terms: no empty ones."""
    found = {name: getattr(terms, name) for name in StorySet.__slots__}
    return {
        name: list(value) if name == "codes" else value for name, value in found.items() if value
    }
