"""What an entry of the log says: what was done to what, with names instead of ids, and links."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlsplit

from widget_server.model.decisions import Decision, changed_tags
from widget_server.operations.moderation.log_pages import NamedEntry
from widget_server.operations.owners.home import Latest
from widget_server.web.dashboard.entry_words import comment_of, word_of
from widget_server.web.dashboard.page import Page

_DECLINED = "hint_declined"
"""The word for a rejection of what a reader reported as an error."""


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
    if one.comment:
        text = comment_of(page.t, entry.writer, entry.words)
        comment = Part(text, page.path(f"comments/{one.comment}"))
    story = Part(entry.title or page.t("a_story"), page.path(f"stories/{one.story}"))
    said = _say_of_story(page, _verb_of(one), entry.answered, comment, story)
    more = (*_about_tag(one), *_about_writer(page, one), *_about_hint(page, one))
    return replace(said, facts=(*said.facts, *more))


def _about_tag(one: Decision) -> list[Part]:
    """Return the tags that were given or taken off, also by an undo."""
    return [Part(f"“{tag}”") for tag in changed_tags(one.before, one.after)]


def _about_writer(page: Page, one: Decision) -> list[Part]:
    """Return the terms of a ban, and whether the person who decided answered the objection alone."""
    facts = []
    ban: Mapping[str, Any] | None = one.after.get("ban") if one.verb == "ban" else None
    if ban is not None:
        until = ban["until"]
        facts = [Part(page.t(f"ban_{ban['mode']}"))]
        facts += [Part(page.t("ban_is_network"))] if ban["kind"] == "network" else []
        end = page.t("ban_good") if until is None else page.clock().whole(until)
        facts.append(Part(f"{page.t('ban_end')}: {end}"))
    if one.after.get("same_person"):
        facts.append(Part(page.t("same_person")))
    return facts


def _about_hint(page: Page, one: Decision) -> list[Part]:
    """Return whether a correction followed what a reader reported."""
    followed = one.verb == "correct" and one.after.get("hint")
    return [Part(page.t("log_hint_followed"))] if followed else []


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
    if comment is None:
        # A rejection that is about no comment declined what a reader reported as an error.
        verb = _DECLINED if verb == "reject" else verb
        answered = _DECLINED if answered == "reject" else answered
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
    say = _SAY.get(verb)
    if say is not None:
        return say(page, entry, verb)
    name = _first_name(entry)
    return Said(word_of(page.t, verb), Part(name) if name else None)


def _first(entry: NamedEntry) -> str:
    return entry.decision.targets[0] if entry.decision.targets else ""


def _first_name(entry: NamedEntry) -> str | None:
    return entry.targets.get(_first(entry))


def _say_role(page: Page, entry: NamedEntry, _verb: str) -> Said:
    one = entry.decision
    role = one.after.get("role")
    if role and "role" not in one.before:
        return Said(page.t("log_joined"), None, (Part(page.t(f"role_{role}")),))
    word = word_of(page.t, "role" if role else "role_gone")
    facts = (Part(page.t(f"role_{role}")),) if role else ()
    name = _first_name(entry) or page.t("a_person")
    return Said(word, Part(name, _path(page, "people", "read_people")), facts)


def _say_invite(page: Page, entry: NamedEntry, _verb: str) -> Said:
    after = entry.decision.after
    role = after.get("role")
    about = Part(page.t(f"role_{role}"), _path(page, "people", "read_people")) if role else None
    return Said(word_of(page.t, "invite" if after.get("open") else "invite_back"), about)


def _say_key(page: Page, entry: NamedEntry, _verb: str) -> Said:
    after = entry.decision.after
    word = word_of(page.t, "key_ended" if after.get("ended") else "key")
    label = _first_name(entry) or str(after.get("label") or page.t("a_key"))
    return Said(word, Part(f"“{label}”", _path(page, "people#keys", "read_people")))


def _say_capacity(page: Page, entry: NamedEntry, verb: str) -> Said:
    mode = str(entry.decision.after.get("mode", "open"))
    return Said(word_of(page.t, verb), None, (Part(page.t(f"opening_{mode}")),))


def _say_raid(page: Page, entry: NamedEntry, _verb: str) -> Said:
    after = entry.decision.after
    what = word_of(page.t, "raid" if after.get("on") else "raid_off")
    kind = page.t(f"raid_kind_{after.get('kind', 'site')}")
    return Said(what, Part(kind, _path(page, "raids", "read_rules")))


def _say_mute(page: Page, entry: NamedEntry, _verb: str) -> Said:
    """Return whether reports of a reader count: at which comment, and until when not."""
    one = entry.decision
    on = bool(one.after.get("on"))
    comment = one.after.get("comment") or one.before.get("comment")
    about = Part(page.t("comment"), page.path(f"comments/{comment}"))
    until = one.after.get("until")
    end = page.t("ban_good") if until is None else page.clock().whole(until)
    facts = (Part(f"{page.t('ban_end')}: {end}"),) if on else ()
    return Said(word_of(page.t, "mute" if on else "unmute"), about, facts)


def _say_watch(page: Page, entry: NamedEntry, verb: str) -> Said:
    one = entry.decision
    named = one.after.get("watch_list", one.before.get("watch_list"))
    return Said(word_of(page.t, verb), Part(f"“{named}”", page.path("queue/watch")))


def _say_text(page: Page, entry: NamedEntry, _verb: str) -> Said:
    word = word_of(page.t, "text_removed" if entry.decision.after.get("removed") else "text")
    named = _first_name(entry) or page.t("a_story")
    path = _path(page, f"stories/{_first(entry)}/text", "read")
    return Said(word, Part(f"“{named}”", path))


def _say_translation(page: Page, entry: NamedEntry, _verb: str) -> Said:
    after = entry.decision.after
    word = word_of(page.t, "translate_removed" if after.get("removed") else "translate")
    named = _first_name(entry) or page.t("a_story")
    path = _path(page, f"stories/{_first(entry)}/translations", "read")
    return Said(word, Part(f"“{named}”", path), (Part(str(after.get("language", ""))),))


def _say_settings(page: Page, entry: NamedEntry, _verb: str) -> Said:
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


def _say_token(page: Page, entry: NamedEntry, verb: str) -> Said:
    jti, label = _first(entry), _first_name(entry)
    about = Part(
        f"“{label}”" if label else page.t("a_token"),
        _path(page, f"tokens?q={quote(jti, safe='')}", "read_tokens"),
    )
    story = entry.stories.get(jti)
    return Said(word_of(page.t, verb), about, (Part(story),) if story is not None else ())


def _say_origin(page: Page, entry: NamedEntry, _verb: str) -> Said:
    origin = next((one for one in entry.decision.targets if "://" in one), "")
    host = urlsplit(origin).netloc
    stories = [entry.targets[one] for one in entry.decision.targets[-1:] if one in entry.targets]
    where = Part(stories[0] if stories else page.t("all_stories"))
    about = Part(host, _path(page, f"copies?q={host}", "read_copies")) if host else None
    return Said(word_of(page.t, entry.decision.verb), about, (where,))


def _say_on_copy(page: Page, entry: NamedEntry, verb: str) -> Said:
    """Return what was hidden on a copy or shown again, or whether its comments wait: the copy, and the comment."""
    one = entry.decision
    origin = next((target for target in one.targets if "://" in target), "")
    about = Part(urlsplit(origin).netloc or origin, page.path(f"stories/{_story_of(one)}"))
    comment = "" if verb == "approval" else _first(entry)
    facts = (Part(page.t("comment"), page.path(f"comments/{comment}")),) if comment else ()
    return Said(word_of(page.t, verb), about, facts)


def _story_of(one: Decision) -> str:
    return str(one.after.get("story") or one.before.get("story") or one.targets[-1])


_SAY: dict[str, Callable[[Page, NamedEntry, str], Said]] = {
    "settings": _say_settings,
    "undo": _say_settings,
    "capacity": _say_capacity,
    "role": _say_role,
    "key": _say_key,
    "invite": _say_invite,
    "token": _say_token,
    "revoke": _say_token,
    "agree": _say_token,
    "hide": _say_on_copy,
    "show": _say_on_copy,
    "approval": _say_on_copy,
    "raid": _say_raid,
    "mute": _say_mute,
    "watch": _say_watch,
    "shut_out": _say_origin,
    "readmit": _say_origin,
    "text": _say_text,
    "translate": _say_translation,
}
"""What says a verb of a site's log. The other verbs are a word and a name."""
