"""What an operator does on the command line beside running servers reaches every open page."""

from pathlib import Path

import pytest

from tests.e2e.client import Client, RefusedError
from tests.e2e.publisher import Publisher
from tests.e2e.two_servers import Pair, agree
from tests.waiting import eventually


async def test_a_comment_that_waits_is_shown_to_its_author_alone_until_it_is_approved(
    pair: Pair,
) -> None:
    publisher = pair.site("moderation=pre", "show_copy=off")
    story = publisher.story()
    code = story.code
    async with pair.readers(story, 3) as (author, there, here):
        comment = await author.comment(code, "Please wait.")
        assert comment["state"] == "pending"
        await agree(code, author, there, here)
        assert there.state(code).comments == {}
        async with Client(pair.other.url, after=author) as back:
            mine = (await back.subscribe(story.token))["mine"]["comments"]
            assert [(own["id"], own["state"]) for own in mine] == [(comment["id"], "pending")]
        assert comment["id"] in pair.cli("comment", "pending", publisher.site).split()
        pair.cli("comment", "approve", comment["id"])
        for client in (author, there, here):
            frame = await client.saw("comment")
            assert frame["comment"]["state"] == "published"
            assert frame["comment"]["copy"] is None, "this site does not show where one wrote"
        await agree(code, author, there, here)
        await author.action("edit", code, comment=comment["id"], body="Changed.")
        await agree(code, author, there, here)
        assert there.state(code).comments[comment["id"]]["text"] == [["p", None, "Please wait."]]
        pair.cli("comment", "approve", comment["id"])
        await eventually(
            lambda: there.state(code).comments[comment["id"]]["text"] == [["p", None, "Changed."]],
            "the edit is shown",
        )
        pair.cli("comment", "remove", comment["id"])
        await eventually(
            lambda: there.state(code).comments[comment["id"]]["state"] == "removed", "it is gone"
        )
        await agree(code, author, there, here)


async def test_closing_reopening_and_a_notice_are_seen_on_every_open_page(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    code = story.code
    async with pair.readers(story) as (here, there):
        comment = await here.comment(code, "Before.")
        pair.cli("story", "close", code)
        for client in (here, there):
            await eventually(lambda c=client: c.state(code).story["closed"], "it is closed")
        for action in (
            there.comment(code, "Too late."),
            there.react(code, "sad"),
            here.action("edit", code, comment=comment["id"], body="Too late."),
        ):
            with pytest.raises(RefusedError, match="story_closed"):
                await action
        await agree(code, here, there)
        pair.cli("story", "notice", code, "We are reading along.")
        await there.saw("story", notice="We are reading along.")
        pair.cli("story", "open", code)
        await here.saw("story", closed=False, notice="We are reading along.")
        await there.saw("story", closed=False, notice="We are reading along.")
        await here.comment(code, "After.")
        await agree(code, here, there)
        pair.cli("comment", "pin", comment["id"])
        await eventually(
            lambda: there.state(code).comments[comment["id"]]["pinned"], "it is pinned"
        )
        await agree(code, here, there)


async def test_new_rules_of_a_site_reach_pages_that_are_open(pair: Pair) -> None:
    publisher = pair.site()
    story = publisher.story()
    async with pair.readers(story) as (here, there):
        await here.comment(story.code, "Under the old rules.")
        pair.cli("site", "set", publisher.site, "prompt=Well?", "reactions=happy,sad")
        for client in (here, there):
            await eventually(
                lambda c=client: c.state(story.code).settings["prompt"] == "Well?", "rules came"
            )
        await agree(story.code, here, there)

        async def refused() -> bool:
            try:
                await there.react(story.code, "fired_up")
            except RefusedError as rejection:
                return rejection.code == "unknown_reaction"
            return False

        await eventually(refused, "the reaction is no longer offered", pause=0.1)
        await there.react(story.code, "happy")
        await agree(story.code, here, there)


async def test_a_withdrawn_token_reads_on_and_does_nothing_more(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story(jti="copy-of-a-thief")
    async with pair.readers(story) as (here, there):
        await here.react(story.code, "happy")
        pair.cli("site", "revoke", publisher.site, "copy-of-a-thief")

        async def refused() -> bool:
            try:
                await there.react(story.code, "sad")
            except RefusedError as rejection:
                return rejection.code == "token_revoked"
            return False

        await eventually(refused, "the token is known to be withdrawn", pause=0.1)
        async with Client(pair.one.url) as late:
            snapshot = await late.subscribe(story.token)
            assert (snapshot["can"], snapshot["read_only"]) == (["read"], "token_revoked")


async def test_tokens_of_a_retired_key_are_refused_and_those_of_the_new_key_are_not(
    pair: Pair,
) -> None:
    publisher = pair.site()
    story = publisher.story()
    async with pair.readers(story) as (here, _):
        pair.cli("site", "rotate-key", publisher.site)
        await here.react(story.code, "happy")
        pair.cli("site", "retire-keys", publisher.site)

        async def refused() -> bool:
            try:
                await here.react(story.code, "sad")
            except RefusedError as rejection:
                return rejection.code == "token_invalid"
            return False

        await eventually(refused, "the key is known to be retired", pause=0.1)
        renewed = Publisher(publisher.site, publisher.secret, generation=2)
        async with Client(pair.other.url) as client:
            await client.subscribe(renewed.token(story.key))
            await client.react(story.code, "happy")


async def test_a_restored_backup_is_what_every_open_page_shows(pair: Pair, tmp_path: Path) -> None:
    story = pair.site().story()
    code = story.code
    async with pair.readers(story) as (here, there):
        kept = await here.comment(code, "Before the backup.")
        await there.react(code, "happy")
        await agree(code, here, there)
        pair.cli("backup", str(tmp_path / "backup"))
        lost = await there.comment(code, "After the backup.")
        await here.react(code, "sad")
        await here.react(code, None)
        await agree(code, here, there)
        epoch = here.state(code).epoch
        pair.cli("restore", str(tmp_path / "backup"))
        for client in (here, there):
            await eventually(
                lambda c=client: c.state(code).epoch != epoch, "a page takes a fresh snapshot"
            )
            assert set(client.state(code).comments) == {kept["id"]}
            assert lost["id"] not in client.state(code).comments

        async def posted() -> bool:
            try:
                await there.comment(code, "After the restore.")
            except RefusedError as rejection:
                return rejection.code != "unavailable"
            return True

        await eventually(posted, "comments are taken again", pause=0.3)
        await here.react(code, "thinking")
        await agree(code, here, there)
        assert here.state(code).count == 2


async def test_after_a_restore_a_page_by_the_bare_code_may_what_it_might_before(
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
        async with Client(pair.other.url) as gone:
            await gone.subscribe(code=later.code)
            pair.cli("restore", str(tmp_path / "backup"))
            assert await gone.closed() == 4408, "a token may make the story known again: come back"
        for client in (here, page):
            await eventually(
                lambda c=client: c.state(story.code).epoch != before,
                "a page takes a fresh snapshot",
            )

        async def posted() -> bool:
            try:
                await here.comment(story.code, "After the restore.")
            except RefusedError as rejection:
                return rejection.code != "unavailable"
            return True

        await eventually(posted, "comments are taken again", pause=0.3)
        # It was shut out, and reads on.
        await agree(story.code, here, page)
        assert [one for one in page.frames if one["type"] == "snapshot"][-1]["can"] == ["read"]
