"""Settings of a site and of a story: change, preview, versions, take back, and what open pages see."""

import json
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.e2e.replay import Replay
from tests.operations.operations_harness import OPERATOR, PAGE, Server
from tests.waiting import eventually
from widget_server.model.actors import Actor
from widget_server.model.corrections import MAX_SHOWN_BYTES
from widget_server.model.errors import (
    MalformedError,
    NotFoundError,
    NotPermittedError,
    SettingsChangedError,
    UnknownReactionError,
)
from widget_server.model.hints import MAX_OWN, Hint
from widget_server.model.limits import (
    MAX_COMMENTS_BYTES,
    MAX_HIDDEN_BYTES,
    MAX_OWN_BYTES,
    MAX_OWN_HINTS_BYTES,
    MAX_RESPONSE_BYTES,
    MAX_SETTINGS_BYTES,
)
from widget_server.model.translations import MAX_TRANSLATIONS_BYTES
from widget_server.operations.moderation import log
from widget_server.operations.owners import settings, sites
from widget_server.operations.owners.preview_settings import ReactionEffect, preview_change
from widget_server.operations.owners.settings import change_settings, read_settings, take_back
from widget_server.operations.readers import authorize, react
from widget_server.protocol import serializers
from widget_server.store.queries.decisions import LogFilter
from widget_server.store.queries.local_copies import MAX_SENT
from widget_server.store.schema import sites as site_table, stories

SQUARE = '<svg viewBox="0 0 12 12"><path fill="#f00" d="M0 0h6v6z"/></svg>'
EVERYTHING: dict[str, Any] = {
    "prompt": "How does this story make you feel?",
    "prompt.es": "¿Cómo te hace sentir?",
    "reactions": [
        {"key": "happy"},
        {
            "key": "angry",
            "label": "Angry",
            "emoji": "😠",
            "labels": {"es": "Enfado"},
            "svg": SQUARE,
        },
    ],
    "guidelines_text": "Be **kind**. [Why](https://paper.example/why)",
    "guidelines_text.es": "Sé *amable*.",
    "comment_licence": "CC-BY-4.0",
    "calls_to_action": "https://paper.example/lend Lend a book",
    "calls_to_action.es": "Presta un libro",
}


async def stored(server: Server, story: str | None = None) -> str | None:
    """Return the JSON in the database: of the site, or of a story."""

    async def run(connection: AsyncConnection) -> str | None:
        query: Any = select(site_table.c.settings).where(site_table.c.slug == "paper")
        if story is not None:
            query = select(stories.c.settings).where(stories.c.code == story)
        text: str | None = (await connection.execute(query)).scalar_one()
        return text

    return await server.services.writer.run_in_transaction(run)


async def snapshot(server: Server, code: str) -> dict[str, Any]:
    """Return a story's snapshot as pages receive it."""
    found: dict[str, Any] = json.loads(await server.services.hub.public_snapshot(code, None))
    return found


async def test_everything_that_is_set_travels_to_open_pages_and_into_new_snapshots(
    server: Server,
) -> None:
    grant = await server.grant()
    code = grant.story.code
    page = await server.subscribe(code)
    await eventually(lambda: page.of_type("snapshot"), "the page is subscribed")
    await change_settings(server.services, OPERATOR, "paper", EVERYTHING)
    await eventually(lambda: page.of_type("story"), "the page follows")
    sent = page.of_type("story")[-1]["settings"]
    assert sent["prompts"] == {"es": "¿Cómo te hace sentir?"}
    assert sent["guidelines_texts"] == {"es": [["p", None, "Sé ", ["em", None, "amable"], "."]]}
    assert sent["guidelines_text"][0][2:4] == ["Be ", ["strong", None, "kind"]][:2]
    assert sent["comment_licence"] == "CC-BY-4.0"
    assert sent["calls_to_action"] == [
        {
            "url": "https://paper.example/lend",
            "label": "Lend a book",
            "labels": {"es": "Presta un libro"},
        }
    ]
    happy, angry = sent["reactions"]
    assert happy["key"] == "happy"
    assert angry == {
        "key": "angry",
        "label": "Angry",
        "emoji": "😠",
        "labels": {"es": "Enfado"},
        "face": ["M0 0h12v12z", "", "#ff0000"],
    }
    replay = Replay.of(page.of_type("snapshot")[0])
    for message in page.messages[1:]:
        replay.apply(message)
    now = await snapshot(server, code)
    assert replay.settings == now["settings"]
    assert replay.seq == now["position"]["seq"] == grant.story.seq + 1


async def test_a_comment_keeps_the_licence_under_which_it_was_written(server: Server) -> None:
    await server.set(("comment_licence", "CC-BY-4.0"))
    grant = await server.grant()
    comment = await server.post(grant, server.actor(grant))
    await server.set(("comment_licence", ""))
    assert comment.licence == "CC-BY-4.0"
    other = await server.grant(server.publisher.story())
    assert (await server.post(other, server.actor(other))).licence is None
    (thread,) = (await snapshot(server, grant.story.code))["comments"]["threads"]
    assert thread["license"] == "CC-BY-4.0"
    (thread,) = (await snapshot(server, other.story.code))["comments"]["threads"]
    assert "license" not in thread


async def test_a_hidden_reaction_is_counted_and_can_be_taken_back_but_not_chosen(
    server: Server,
) -> None:
    grant = await server.grant()
    actor = server.actor(grant)
    await react.react(server.services, grant, actor, "sad", None)
    await server.set(("reactions", "happy,thinking"))
    story = await server.services.discussions.story(grant.story.code)
    assert story is not None
    assert story.tally.counts["sad"] == 1
    now = await authorize.refresh(server.services, grant)
    with pytest.raises(UnknownReactionError):
        await react.react(server.services, now, server.actor(now), "sad", None)
    tally = await react.react(server.services, now, actor, None, None)
    assert tally.counts["sad"] == 0


async def test_a_change_on_another_version_is_refused_and_names_what_to_do(server: Server) -> None:
    before = await read_settings(server.services, OPERATOR, "paper")
    changed = await change_settings(
        server.services, OPERATOR, "paper", {"name": "required"}, expected=before.version
    )
    assert changed.keys == ("name",)
    with pytest.raises(SettingsChangedError, match="Load them again"):
        await change_settings(
            server.services, OPERATOR, "paper", {"name": "off"}, expected=before.version
        )
    now = await read_settings(server.services, OPERATOR, "paper")
    assert (now.version, now.settings.name) == (changed.version, "required")


async def test_what_is_taken_back_is_equal_to_the_byte(server: Server) -> None:
    await change_settings(server.services, OPERATOR, "paper", EVERYTHING)
    before = await stored(server)
    changed = await change_settings(
        server.services, OPERATOR, "paper", {"reactions": "sad,happy", "prompt.es": ""}
    )
    assert changed.before == before
    assert await stored(server) == changed.after != before
    assert changed.decision is not None
    taken = await take_back(
        server.services, OPERATOR, "paper", changed.decision, expected=changed.version
    )
    assert await stored(server) == before
    again = await take_back(server.services, OPERATOR, "paper", changed.decision)
    assert again.decision is None
    assert taken.decision is not None
    with pytest.raises(NotPermittedError):
        await take_back(server.services, OPERATOR, "paper", taken.decision)
    with pytest.raises(NotFoundError):
        await take_back(server.services, OPERATOR, "paper", "unknown")


async def test_only_what_a_decision_changed_is_taken_back(server: Server) -> None:
    first = await change_settings(
        server.services, OPERATOR, "paper", {"name": "required", "website": "optional"}
    )
    await change_settings(server.services, OPERATOR, "paper", {"email": "optional"})
    assert first.decision is not None
    taken = await take_back(server.services, OPERATOR, "paper", first.decision)
    assert (taken.settings.name, taken.settings.website) == ("optional", "off")
    assert taken.settings.email == "optional"
    found = await log.read_log(server.services, OPERATOR, "paper", LogFilter())
    assert [(one.verb, one.undoes) for one in found if one.id == taken.decision] == [
        ("undo", first.decision)
    ]


async def test_a_change_that_was_changed_again_is_not_taken_back(server: Server) -> None:
    first = await change_settings(server.services, OPERATOR, "paper", {"name": "required"})
    second = await change_settings(server.services, OPERATOR, "paper", {"name": "off"})
    assert first.decision is not None
    assert second.decision is not None
    with pytest.raises(SettingsChangedError, match="changed again"):
        await take_back(server.services, OPERATOR, "paper", first.decision)
    await take_back(server.services, OPERATOR, "paper", second.decision)
    taken = await take_back(server.services, OPERATOR, "paper", first.decision)
    assert taken.settings.name == "optional"


async def test_a_change_without_effect_moves_no_story(server: Server) -> None:
    grant = await server.grant()
    await server.set(("name", "optional"))
    story = await server.services.discussions.story(grant.story.code)
    assert story is not None
    assert story.seq == grant.story.seq


async def test_all_stories_of_a_large_site_are_moved_once(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "BATCH", 2)
    grants = [await server.grant(server.publisher.story()) for _ in range(5)]
    await server.set(("prompt", "New?"))
    for grant in grants:
        story = await server.services.discussions.story(grant.story.code)
        assert story is not None
        assert story.seq == grant.story.seq + 1


async def test_a_preview_says_what_changes_for_whom_and_stores_nothing(server: Server) -> None:
    first, second = [await server.grant(server.publisher.story()) for _ in range(2)]
    await react.react(server.services, first, server.actor(first), "sad", None)
    await change_settings(
        server.services, OPERATOR, "paper", {"prompt": "Own?"}, story=second.story.code
    )
    page = await server.subscribe(first.story.code)
    await eventually(lambda: page.of_type("snapshot"), "the page is subscribed")
    before = await stored(server)
    preview = await preview_change(
        server.services,
        OPERATOR,
        "paper",
        {"prompt": "New?", "reactions": "happy:Joyful:😊,wow:Wow:🤩"},
    )
    assert await stored(server) == before
    prompt, _ = preview.fields
    assert (prompt.key, prompt.after, prompt.not_for) == ("prompt", "New?", (second.story.code,))
    assert ReactionEffect("sad", "hidden", "Sad", "Sad", 1) in preview.reactions
    assert ReactionEffect("happy", "renamed", "Happy", "Joyful", 0) in preview.reactions
    assert ReactionEffect("wow", "added", None, "Wow", 0) in preview.reactions
    assert (preview.stories, preview.open_stories, preview.readers) == (2, 1, 1)
    assert preview.version == (await read_settings(server.services, OPERATOR, "paper")).version
    only = await preview_change(server.services, OPERATOR, "paper", {"prompt": "New?"})
    assert (only.stories, only.reactions) == (1, ())


async def test_texts_that_would_fill_a_snapshot_are_rejected(server: Server) -> None:
    """A snapshot has 256 KiB for comments, the reader's own, settings, corrections and translations."""
    languages = ("ar", "de", "en", "es", "fr", "ja", "pl")
    long = {f"guidelines_text.{language}": "*😀* " * 248 for language in languages}
    with pytest.raises(MalformedError, match=r"at most 40960\. Shorten"):
        await change_settings(server.services, OPERATOR, "paper", long)
    usual = {f"guidelines_text.{language}": "\u3042" * 1000 for language in languages}
    await change_settings(server.services, OPERATOR, "paper", usual)
    own_reactions = 24 * 1024
    hint = Hint("h" * 12, 1, "a", "a", "a", "accepted", "a", "d" * 16, 1)
    around_its_words = len(json.dumps(serializers.hint(hint), separators=(",", ":"))) + 1
    own_hints = MAX_OWN_HINTS_BYTES + MAX_OWN * around_its_words
    own = MAX_OWN_BYTES + own_reactions + own_hints
    rest = MAX_RESPONSE_BYTES - MAX_COMMENTS_BYTES - own
    texts = MAX_SETTINGS_BYTES + MAX_SHOWN_BYTES + MAX_TRANSLATIONS_BYTES
    assert rest >= texts + MAX_HIDDEN_BYTES
    assert MAX_SENT * len('"aaaaaaaaaaaa",') <= MAX_HIDDEN_BYTES


# Stories ------------------------------------------------------------------------------------------


async def test_a_story_overrides_its_site_until_it_is_cleared(server: Server) -> None:
    one, other = [await server.grant(server.publisher.story()) for _ in range(2)]
    code = one.story.code
    page = await server.subscribe(code)
    await eventually(lambda: page.of_type("snapshot"), "the page is subscribed")
    await change_settings(
        server.services, OPERATOR, "paper", {"prompt.es": "¿?", "guidelines_text": "Site."}
    )
    changes = {"prompt": "Own?", "moderation": "pre", "guidelines_text.es": "Propio."}
    changed = await change_settings(server.services, OPERATOR, "paper", changes, story=code)
    assert changed.before == "{}"
    assert await stored(server, code) == changed.after
    await eventually(lambda: len(page.of_type("story")) == 2, "the page follows")
    sent = page.of_type("story")[-1]["settings"]
    assert sent == (await snapshot(server, code))["settings"]
    assert (sent["prompt"], sent["moderation"]) == ("Own?", "pre")
    # The site's translations belong to the site's question.
    assert "prompts" not in sent
    assert sent["guidelines_texts"] == {"es": [["p", None, "Propio."]]}
    assert (await snapshot(server, other.story.code))["settings"]["moderation"] == "post"
    # A socket that is open since before the change follows too.
    now = await authorize.refresh(server.services, one)
    comment = await server.post(now, server.actor(now))
    assert comment.state == "pending"
    cleared = await change_settings(
        server.services,
        OPERATOR,
        "paper",
        {"prompt": None, "moderation": None, "guidelines_text": None},
        story=code,
    )
    assert await stored(server, code) is None
    assert cleared.after == "{}"
    assert (await snapshot(server, code))["settings"]["prompts"] == {"es": "¿?"}
    assert cleared.decision is not None
    again = await take_back(server.services, OPERATOR, "paper", cleared.decision)
    assert await stored(server, code) == again.after == changed.after


async def test_a_story_narrows_republishing_and_never_widens_it(server: Server) -> None:
    grant = await server.grant()
    code = grant.story.code
    bare = await authorize.authorize(server.services, token=None, code=code, origin=PAGE)
    assert "comment" in bare.permissions
    await change_settings(
        server.services, OPERATOR, "paper", {"open_republishing": "off"}, story=code
    )
    assert (await authorize.refresh(server.services, bare)).permissions == ("read",)
    with pytest.raises(MalformedError, match="only narrow"):
        await change_settings(
            server.services, OPERATOR, "paper", {"open_republishing": "on"}, story=code
        )


async def test_a_story_cannot_override_what_holds_for_the_site(server: Server) -> None:
    grant = await server.grant()
    for key in ("reactions", "accent", "open_reading", "rate_limit_react", "nothing"):
        with pytest.raises(MalformedError, match="cannot override"):
            await change_settings(
                server.services, OPERATOR, "paper", {key: "x"}, story=grant.story.code
            )
    with pytest.raises(NotFoundError):
        await change_settings(server.services, OPERATOR, "paper", {"prompt": "x"}, story="x" * 12)
    await sites.create_site(server.services, OPERATOR, "other", "Another paper")
    for call in (change_settings, preview_change):
        with pytest.raises(NotFoundError):
            await call(server.services, OPERATOR, "other", {"prompt": "x"}, story=grant.story.code)
    with pytest.raises(NotFoundError):
        await read_settings(server.services, OPERATOR, "other", grant.story.code)


@pytest.mark.parametrize("role", ["moderator", "auditor", "local"])
async def test_only_who_may_change_settings_changes_or_previews_them(
    server: Server, role: Any
) -> None:
    by = Actor("account", "a", "dashboard", "paper", role)
    grant = await server.grant()
    for story in (None, grant.story.code):
        for call in (change_settings, preview_change):
            with pytest.raises(NotPermittedError):
                await call(server.services, by, "paper", {"prompt": "x"}, story=story)
        changed = await change_settings(
            server.services, OPERATOR, "paper", {"prompt": "New?"}, story=story
        )
        assert changed.decision is not None
        with pytest.raises(NotPermittedError):
            await take_back(server.services, by, "paper", changed.decision)
    stranger = Actor("account", "a", "dashboard", "other", "owner")
    with pytest.raises(NotPermittedError):
        await read_settings(server.services, stranger, "paper")


async def test_a_story_with_damaged_settings_follows_its_site(server: Server) -> None:
    grant = await server.grant()
    code = grant.story.code

    async def damage(connection: AsyncConnection) -> None:
        own = stories.update().where(stories.c.code == code)
        await connection.execute(own.values(settings='{"moderation": 7}'))

    await server.services.writer.run_in_transaction(damage)
    await server.set(("prompt", "New?"))
    sent = (await snapshot(server, code))["settings"]
    assert (sent["prompt"], sent["moderation"]) == ("New?", "post")
    await change_settings(server.services, OPERATOR, "paper", {"name": "off"}, story=code)
    assert (await snapshot(server, code))["settings"]["name"] == "off"
