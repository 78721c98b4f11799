"""Commands that an operator runs beside running servers take effect on every open page."""

from pathlib import Path

import pytest

from tests.e2e.client import Client, RejectedError, eventually_accepted, eventually_rejected
from tests.e2e.publisher import Publisher
from tests.e2e.two_servers import Pair, all_in_sync
from tests.waiting import eventually


async def test_a_pending_comment_is_shown_only_to_its_author_until_it_is_approved(
    pair: Pair,
) -> None:
    publisher = pair.site("moderation=pre", "show_copy=off")
    story = publisher.story()
    code = story.code
    async with pair.readers(story, 3) as (author, there, here):
        comment = await author.comment(code, "Please wait.")
        assert comment["state"] == "pending"
        await all_in_sync(code, author, there, here)
        assert there.state(code).comments == {}
        async with Client(pair.other.url, after=author) as back:
            mine = (await back.subscribe(story.token))["mine"]["comments"]
            assert [(own["id"], own["state"]) for own in mine] == [(comment["id"], "pending")]
        assert comment["id"] in pair.cli("comment", "pending", publisher.site).split()
        pair.cli("comment", "approve", comment["id"])
        for client in (author, there, here):
            message = await client.wait_for("comment")
            assert message["comment"]["state"] == "published"
            assert message["comment"]["copy"] is None, (
                "this site does not show the copy of a comment"
            )
        await all_in_sync(code, author, there, here)
        await author.action("edit", code, comment=comment["id"], body="Changed.")
        await all_in_sync(code, author, there, here)
        assert there.state(code).comments[comment["id"]]["text"] == [["p", None, "Please wait."]]
        pair.cli("comment", "approve", comment["id"])
        await eventually(
            lambda: there.state(code).comments[comment["id"]]["text"] == [["p", None, "Changed."]],
            "the other reader gets the edit",
        )
        pair.cli("comment", "remove", comment["id"])
        await eventually(
            lambda: there.state(code).comments[comment["id"]]["state"] == "removed",
            "the comment is removed",
        )
        await all_in_sync(code, author, there, here)


async def test_closing_reopening_and_a_notice_reach_every_open_page(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    code = story.code
    async with pair.readers(story) as (here, there):
        comment = await here.comment(code, "Before.")
        pair.cli("story", "close", code)
        for client in (here, there):
            await eventually(lambda c=client: c.state(code).story["closed"], "the story is closed")
        for action in (
            there.comment(code, "Too late."),
            there.react(code, "sad"),
            here.action("edit", code, comment=comment["id"], body="Too late."),
        ):
            with pytest.raises(RejectedError, match="story_closed"):
                await action
        await all_in_sync(code, here, there)
        pair.cli("story", "notice", code, "We are reading along.")
        await there.wait_for("story", notice="We are reading along.")
        pair.cli("story", "open", code)
        await here.wait_for("story", closed=False, notice="We are reading along.")
        await there.wait_for("story", closed=False, notice="We are reading along.")
        await here.comment(code, "After.")
        await all_in_sync(code, here, there)
        pair.cli("comment", "pin", comment["id"])
        await eventually(
            lambda: there.state(code).comments[comment["id"]]["pinned"], "the comment is pinned"
        )
        await all_in_sync(code, here, there)


async def test_new_rules_of_a_site_reach_open_pages(pair: Pair) -> None:
    publisher = pair.site()
    story = publisher.story()
    async with pair.readers(story) as (here, there):
        await here.comment(story.code, "Under the old rules.")
        pair.cli("site", "set", publisher.site, "prompt=Well?", "reactions=happy,sad")
        for client in (here, there):
            await eventually(
                lambda c=client: c.state(story.code).settings["prompt"] == "Well?",
                "the page has the new rules",
            )
        await all_in_sync(story.code, here, there)
        await eventually_rejected(lambda: there.react(story.code, "fired_up"), "unknown_reaction")
        await there.react(story.code, "happy")
        await all_in_sync(story.code, here, there)


async def test_rules_of_one_story_reach_its_open_pages_within_two_seconds_and_no_others(
    pair: Pair,
) -> None:
    publisher = pair.site()
    story, other = publisher.story(), publisher.story()
    async with pair.readers(story) as (here, there), pair.readers(other) as (elsewhere, _):
        pair.cli("story", "set", story.code, "moderation=pre", "guidelines_text=Be *kind*.")
        for client in (here, there):
            message = await client.wait_for("story", timeout=2.0)
            assert message["settings"]["guidelines_text"] == [
                ["p", None, "Be ", ["em", None, "kind"], "."]
            ]
        await all_in_sync(story.code, here, there)

        async def waits() -> bool:
            return bool((await there.comment(story.code, "Please wait."))["state"] == "pending")

        assert await eventually(waits, "comments of an open page wait", 5.0)
        assert (await elsewhere.comment(other.code, "At once."))["state"] == "published"
        assert not [m for m in elsewhere.messages if m["type"] == "story"]
        pair.cli("story", "set", story.code, "--clear", "moderation", "--clear", "guidelines_text")
        await eventually(
            lambda: here.state(story.code).settings["moderation"] == "post", "the site's rule holds"
        )
        await all_in_sync(story.code, here, there)


async def test_a_page_with_a_revoked_token_can_only_read(pair: Pair, publisher: Publisher) -> None:
    story = publisher.story(jti="copy-of-a-thief")
    async with pair.readers(story) as (here, there):
        await here.react(story.code, "happy")
        pair.cli("site", "revoke", publisher.site, "copy-of-a-thief")
        await eventually_rejected(lambda: there.react(story.code, "sad"), "token_revoked")
        async with Client(pair.one.url) as late:
            snapshot = await late.subscribe(story.token)
            assert (snapshot["can"], snapshot["read_only"]) == (["read"], "token_revoked")


async def test_tokens_of_a_retired_key_are_rejected_and_tokens_of_the_new_key_are_accepted(
    pair: Pair,
) -> None:
    publisher = pair.site()
    story = publisher.story()
    async with pair.readers(story) as (here, _):
        pair.cli("site", "rotate-key", publisher.site)
        await here.react(story.code, "happy")
        pair.cli("site", "retire-keys", publisher.site)
        await eventually_rejected(lambda: here.react(story.code, "sad"), "token_invalid")
        renewed = Publisher(publisher.site, publisher.secret, generation=2)
        async with Client(pair.other.url) as client:
            await client.subscribe(renewed.token(story.key))
            await client.react(story.code, "happy")


async def test_every_open_page_shows_a_restored_backup(pair: Pair, tmp_path: Path) -> None:
    story = pair.site().story()
    code = story.code
    async with pair.readers(story) as (here, there):
        kept = await here.comment(code, "Before the backup.")
        await there.react(code, "happy")
        await all_in_sync(code, here, there)
        pair.cli("backup", str(tmp_path / "backup"))
        lost = await there.comment(code, "After the backup.")
        await here.react(code, "sad")
        await here.react(code, None)
        await all_in_sync(code, here, there)
        epoch = here.state(code).epoch
        pair.cli("restore", str(tmp_path / "backup"))
        for client in (here, there):
            await eventually(
                lambda c=client: c.state(code).epoch != epoch, "the page has a new snapshot"
            )
            assert set(client.state(code).comments) == {kept["id"]}
            assert lost["id"] not in client.state(code).comments

        await eventually_accepted(
            lambda: there.comment(code, "After the restore."), "comments are accepted", pause=0.3
        )
        await here.react(code, "thinking")
        await all_in_sync(code, here, there)
        assert here.state(code).count == 2


async def test_after_a_restore_a_page_without_a_token_keeps_its_permissions(
    pair: Pair, tmp_path: Path
) -> None:
    publisher = pair.site()
    story, later = publisher.story(), publisher.story()
    bad = "https://bad.example"
    async with pair.readers(story) as (here, _), Client(pair.one.url, bad) as page:
        await here.comment(story.code, "Kept.")
        pair.cli("backup", str(tmp_path / "backup"))
        await page.subscribe(code=story.code)
        before = page.state(story.code).epoch
        async with pair.readers(later):
            pass
        pair.cli("site", "shut-out", publisher.site, bad)
        async with Client(pair.other.url) as later_page:
            await later_page.subscribe(code=later.code)
            pair.cli("restore", str(tmp_path / "backup"))
            assert await later_page.wait_closed() == 4408, (
                "the page must connect again: its token may register the story"
            )
        for client in (here, page):
            await eventually(
                lambda c=client: c.state(story.code).epoch != before,
                "the page has a new snapshot",
            )

        await eventually_accepted(
            lambda: here.comment(story.code, "After the restore."),
            "comments are accepted",
            pause=0.3,
        )
        await all_in_sync(story.code, here, page)

        # A right that ends reaches open sockets within five seconds.
        def permissions() -> list[str]:
            found: list[str] = [one for one in page.messages if one["type"] == "snapshot"][-1][
                "can"
            ]
            return found

        await eventually(lambda: permissions() == ["read"], "the shut-out page can only read")
