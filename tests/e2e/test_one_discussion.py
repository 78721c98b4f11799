"""Two server processes behave as one: what is done on one copy shows on every other."""

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.e2e.client import Client, RefusedError
from tests.e2e.publisher import Publisher
from tests.e2e.two_servers import Pair, agree
from tests.loopback import http_client
from tests.waiting import eventually


async def test_a_reaction_put_changed_and_taken_back_shows_on_every_copy(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    async with pair.readers(story, 4) as readers:
        for client in readers:
            await client.react(story.code, "happy")
        await agree(story.code, *readers)
        assert readers[1].state(story.code).tally["counts"]["happy"] == 4
        await readers[0].react(story.code, "sad")
        await readers[3].react(story.code, None)
        await agree(story.code, *readers)
        for client in readers:
            assert client.state(story.code).tally["counts"] == {
                "surprised": 0, "thinking": 0, "happy": 2, "sad": 1, "fired_up": 0,
            }  # fmt: skip


async def test_comments_from_both_servers_arrive_everywhere_in_one_order(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    async with pair.readers(story, 4) as readers:
        posts = [
            client.comment(story.code, f"{index} of {client.origin}")
            for index in range(10)
            for client in readers
        ]
        await asyncio.gather(*posts)
        await agree(story.code, *readers)
        for client in readers:
            frames = [frame for frame in client.frames if frame["type"] == "comment"]
            assert [frame["position"]["seq"] for frame in frames] == list(range(1, 41))
            assert client.state(story.code).count == 40


async def test_each_verb_on_a_comment_is_followed_by_every_reader(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    code = story.code
    async with pair.readers(story) as (here, there):
        top = await here.comment(code, "First.")
        await agree(code, here, there)
        await here.action("edit", code, comment=top["id"], body="First, **edited**.")
        await agree(code, here, there)
        assert there.state(code).comments[top["id"]]["edited_at"] is not None
        reply = await there.comment(code, "A reply.", parent=top["id"])
        await agree(code, here, there)
        assert here.state(code).comments[reply["id"]]["thread"] == top["id"]
        await there.react(code, "thinking", comment=top["id"])
        await agree(code, here, there)
        assert here.state(code).comments[top["id"]]["tally"]["counts"]["thinking"] == 1
        await there.react(code, None, comment=top["id"])
        await agree(code, here, there)
        await there.action("report", code, comment=top["id"], reason="off topic")
        await here.action("delete", code, comment=top["id"])
        await agree(code, here, there)
        gone = there.state(code).comments[top["id"]]
        assert (gone["state"], gone["text"], gone["author"]["name"]) == ("removed", [], None)
        assert there.state(code).comments[reply["id"]]["state"] == "published"
        assert there.state(code).count == 1


async def test_a_removed_comment_leaves_the_other_copy_within_a_second(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    async with pair.readers(story) as (here, there):
        comment = await here.comment(story.code, "Soon gone.")
        await agree(story.code, here, there)
        await here.action("delete", story.code, comment=comment["id"])
        comments = there.state(story.code).comments
        await eventually(
            lambda: comments[comment["id"]]["state"] == "removed", "it is gone", timeout=1
        )


async def test_forgetting_takes_everything_of_a_reader_from_every_story_and_copy(
    pair: Pair, publisher: Publisher
) -> None:
    story, second = publisher.story(), publisher.story()
    async with pair.readers(story) as (here, there):
        await here.subscribe(second.token)
        await there.subscribe(second.token)
        comment = await here.comment(story.code, "Mine.", name="Ann")
        await here.react(story.code, "sad", comment=comment["id"])
        await here.react(second.code, "happy")
        await there.react(second.code, "happy")
        await here.action("forget", story.code)
        for code in (story.code, second.code):
            await agree(code, here, there)
        assert there.state(story.code).comments[comment["id"]]["author"]["name"] is None
        assert there.state(second.code).tally["counts"]["happy"] == 1
        again = await here.react(story.code, "happy")
        assert again["reader"], "anyone who comes back is someone new"


async def test_the_same_key_posts_once_even_when_both_servers_are_told_at_once(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    async with pair.readers(story) as (here, there):
        await here.react(story.code, "happy")
        await there.subscribe(story.token, reader=here.reader)
        for _ in range(10):
            key = str(uuid.uuid4())
            answers = await asyncio.gather(
                *(client.comment(story.code, "Once.", key=key) for client in (here, there) * 3)
            )
            assert len({answer["id"] for answer in answers}) == 1
        await agree(story.code, here, there)
        assert here.state(story.code).count == 10


async def test_an_action_over_http_is_the_same_action(pair: Pair, publisher: Publisher) -> None:
    story = publisher.story()
    async with pair.readers(story) as (here, there), http_client() as http:
        action = {"type": "comment", "story": story.code, "token": story.token, "ref": 7}
        body = {**action, "key": str(uuid.uuid4()), "body": "By post."}
        sent = [
            await http.post(
                f"{server.url}/v1/actions", json=body, headers={"Origin": "https://post.example"}
            )
            for server in pair.servers
        ]
        assert [answer.status_code for answer in sent] == [200, 200]
        first = sent[0].json()
        assert (first["type"], first["ref"]) == ("ok", 7)
        assert sent[1].json() == first, "sent again it is the same action of the same reader"
        await agree(story.code, here, there)
        assert there.state(story.code).count == 1
        body["reader"] = first["reader"]
        again = await http.post(
            f"{pair.other.url}/v1/actions", json=body, headers={"Origin": "https://post.example"}
        )
        assert again.json()["comment"]["id"] == first["comment"]["id"]
        # Who heard no answer may have become someone by another action meanwhile.
        unheard = {**action, "key": str(uuid.uuid4()), "body": "Unheard."}
        tap = {**action, "type": "react", "reaction": "happy"}
        said = []
        for words in (unheard, tap):
            answer = await http.post(
                f"{pair.one.url}/v1/actions", json=words, headers={"Origin": "https://post.example"}
            )
            said.append(answer.json())
        resent = {**unheard, "reader": said[1]["reader"]}
        answer = await http.post(
            f"{pair.other.url}/v1/actions", json=resent, headers={"Origin": "https://post.example"}
        )
        assert answer.json()["comment"]["id"] == said[0]["comment"]["id"]
        await agree(story.code, here, there)
        assert there.state(story.code).count == 2
        refused = await http.post(f"{pair.other.url}/v1/actions", json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "origin_not_allowed")


async def test_first_actions_that_come_to_both_servers_at_once_are_one_readers(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    async with pair.readers(story) as (here, there), http_client() as http:
        for _ in range(5):
            first, key = str(uuid.uuid4()), str(uuid.uuid4())
            before = here.state(story.code).count

            async def post(url: str, first: str = first, **action: Any) -> dict[str, Any]:
                sent = {"story": story.code, "token": story.token, "first": first, **action}
                headers = {"Origin": "https://post.example"}
                answer = await http.post(f"{url}/v1/actions", json=sent, headers=headers)
                assert answer.status_code == 200, answer.text
                content: dict[str, Any] = answer.json()
                return content

            said = await asyncio.gather(
                *(
                    post(server.url, **action)
                    for server in pair.servers * 2
                    for action in (
                        {"type": "react", "reaction": "sad"},
                        {"type": "comment", "key": key, "body": "Once."},
                    )
                )
            )
            assert len({answer["reader"] for answer in said}) == 1
            # The next action is another one, as none of the answers was heard.
            last = await post(pair.other.url, type="react", reaction="happy")
            assert last["reader"] == said[0]["reader"]
            await agree(story.code, here, there)
            assert here.state(story.code).count == before + 1
        counts = there.state(story.code).tally["counts"]
        assert (counts["happy"], counts["sad"]) == (5, 0)


async def test_a_socket_knows_a_first_reader_by_http_and_tells_the_time(
    pair: Pair, publisher: Publisher
) -> None:
    story, first = publisher.story(), str(uuid.uuid4())
    async with Client(pair.one.url) as here, Client(pair.other.url) as there:
        for client in (here, there):
            # What only describes, and does not fit, costs no one the discussion.
            await client.subscribe(
                story.token, lang="en_US", page="https://a.example/" + "a" * 2_100
            )
        said = [
            await client.action("react", story.code, reaction="sad", first=first)
            for client in (here, there)
        ]
        assert said[0]["reader"] == said[1]["reader"]
        assert said[1]["tally"]["counts"]["sad"] == 1
        now = (await here.ask({"type": "visible", "value": True}))["now"]
        told = datetime.fromisoformat(now)
        assert abs((datetime.now(UTC) - told).total_seconds()) < 10


async def test_presence_counts_readers_and_copies_of_both_servers(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    async with pair.readers(story, 3) as readers:
        for client in readers:
            await eventually(
                lambda client=client: (
                    client.state(story.code).presence == {"readers": 3, "copies": 3}
                ),
                "everyone is counted on every server",
            )


async def test_what_is_not_there_cannot_be_touched(pair: Pair, publisher: Publisher) -> None:
    story = publisher.story()
    async with pair.readers(story) as (here, there):
        comment = await here.comment(story.code, "Mine.")
        for kind, fields in (
            ("edit", {"comment": comment["id"], "body": "Yours?"}),
            ("delete", {"comment": comment["id"]}),
            ("report", {"comment": "nothing-here"}),
        ):
            with pytest.raises(RefusedError, match="not_found"):
                await there.action(kind, story.code, **fields)
        with pytest.raises(RefusedError, match="unknown_reaction"):
            await there.react(story.code, "meh")
        await agree(story.code, here, there)


async def test_fifty_stories_fit_on_a_socket_and_the_next_is_refused(
    pair: Pair, publisher: Publisher
) -> None:
    stories = [publisher.story() for _ in range(51)]
    async with Client(pair.one.url) as reader, Client(pair.other.url) as writer:
        for story in stories[:50]:
            await reader.subscribe(story.token)
        with pytest.raises(RefusedError, match="not_permitted"):
            await reader.subscribe(stories[50].token)
        await reader.subscribe(stories[0].token)  # again, in the place that it has
        for story in stories[0], stories[49]:
            await writer.subscribe(story.token)
            await writer.comment(story.code, "To the first and to the last.")
            await agree(story.code, reader, writer)
        await reader.action("unsubscribe", stories[0].code)
        await reader.subscribe(stories[50].token)
