"""What an entry of the log says: what was done to what, with names instead of ids, and links."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlsplit

from widget_server.model.decisions import Decision
from widget_server.operations.moderation.log_pages import NamedEntry
from widget_server.operations.owners.home import Latest
from widget_server.web.dashboard.entry_words import comment_of, word_of
from widget_server.web.dashboard.page import Page


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a sentence. `path` is the page that it leads to, or empty text."""

    text: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What was done, to what, and on which story, in words."""

    what: str
    about: Part | None = None
    facts: tuple[Part, ...] = ()


def say(page: Page, entry: NamedEntry) -> Said:
    """Return what an entry of the log says."""
    one = entry.decision
    if not one.story:
        return _say_of_site(page, entry)
    comment = None
    if one.targets:
        text = comment_of(page.t, entry.writer, entry.words)
        comment = Part(text, page.path(f"comments/{one.targets[0]}"))
    story = Part(entry.title or page.t("a_story"), page.path(f"stories/{one.story}"))
    return _say_of_story(page, _verb_of(one), entry.answered, comment, story)


def say_latest(page: Page, one: Latest) -> Said:
    """Return what one of the last decisions says, for the first page."""
    comment = None
    if one.comment:
        text = comment_of(page.t, one.writer, one.words)
        comment = Part(text, page.path(f"comments/{one.comment}"))
    story = Part(one.title, page.path(f"stories/{one.code}"))
    return _say_of_story(page, one.verb, one.answered, comment, story)


def _path(page: Page, place: str, verb: str) -> str:
    """Return the path of a page, or empty text if the person may not open it."""
    return page.path(place) if page.may(verb) else ""


def _verb_of(one: Decision) -> str:
    """Return the verb, or for a change of the closing date alone, `closing`."""
    is_date = one.verb == "close" and "closes_at" in one.after and "closed" not in one.after
    return "closing" if is_date else one.verb


def _say_of_story(
    page: Page, verb: str, answered: str | None, comment: Part | None, story: Part
) -> Said:
    if verb == "undo" and answered:
        what = page.t("undone_x", what=word_of(page.t, answered))
        return Said(what, None, (story,) if comment is None else (comment, story))
    if comment is None:
        return Said(word_of(page.t, verb), Part(f"“{story.text}”", story.path))
    return Said(word_of(page.t, verb), comment, (story,))


def _say_of_site(page: Page, entry: NamedEntry) -> Said:
    undone = entry.answered if entry.decision.verb == "undo" else None
    if undone is None:
        return _say_change(page, entry, entry.decision.verb)
    # It is about what the entry that it undoes is about.
    said = _say_change(page, entry, undone)
    return replace(said, what=page.t("undone_x", what=word_of(page.t, undone)))


def _say_change(page: Page, entry: NamedEntry, verb: str) -> Said:
    """Return what the verb did to the targets of an entry of the site's log."""
    one = entry.decision
    after: Mapping[str, Any] = one.after
    first = one.targets[0] if one.targets else ""
    name = entry.targets.get(first)
    match verb:
        case "settings" | "undo":
            return _say_settings(page, entry)
        case "role":
            role = after.get("role")
            if role and "role" not in one.before:
                return Said(page.t("log_joined"), None, (Part(page.t(f"role_{role}")),))
            word = word_of(page.t, "role" if role else "role_gone")
            facts = (Part(page.t(f"role_{role}")),) if role else ()
            return Said(
                word, Part(name or page.t("a_person"), _path(page, "people", "read_people")), facts
            )
        case "key":
            word = word_of(page.t, "key_ended" if after.get("ended") else "key")
            label = name or str(after.get("label") or page.t("a_key"))
            return Said(word, Part(f"“{label}”", _path(page, "people#keys", "read_people")))
        case "invite":
            role = after.get("role")
            about = (
                Part(page.t(f"role_{role}"), _path(page, "people", "read_people")) if role else None
            )
            return Said(word_of(page.t, "invite" if after.get("open") else "invite_back"), about)
        case "token" | "revoke":
            return _say_token(page, entry, verb, first, name)
        case "shut_out" | "readmit":
            return _say_origin(page, entry)
    return Said(word_of(page.t, verb), Part(name) if name else None)


def _say_settings(page: Page, entry: NamedEntry) -> Said:
    one = entry.decision
    story = one.targets[0] if one.targets else ""
    names = [_setting(page, key) for key in (*one.after, *one.before)]
    facts = (Part(", ".join(dict.fromkeys(names))),) if names else ()
    verb = "story_settings" if story and one.verb == "settings" else one.verb
    what = word_of(page.t, verb)
    if not story:
        return Said(what, None, facts)
    title = entry.targets.get(story) or page.t("a_story")
    return Said(
        what, Part(f"“{title}”", _path(page, f"stories/{story}/settings", "read_settings")), facts
    )


def _setting(page: Page, key: str) -> str:
    return page.t(f"set_{key}") if page.t.knows(f"set_{key}") else key.replace("_", " ")


def _say_token(page: Page, entry: NamedEntry, verb: str, jti: str, label: str | None) -> Said:
    about = Part(
        f"“{label}”" if label else page.t("a_token"),
        _path(page, f"tokens?q={quote(jti, safe='')}", "read_tokens"),
    )
    story = entry.stories.get(jti)
    return Said(word_of(page.t, verb), about, (Part(story),) if story is not None else ())


def _say_origin(page: Page, entry: NamedEntry) -> Said:
    origin = next((one for one in entry.decision.targets if "://" in one), "")
    host = urlsplit(origin).netloc
    stories = [entry.targets[one] for one in entry.decision.targets[-1:] if one in entry.targets]
    where = Part(stories[0] if stories else page.t("all_stories"))
    about = Part(host, _path(page, f"copies?q={host}", "read_copies")) if host else None
    return Said(word_of(page.t, entry.decision.verb), about, (where,))
