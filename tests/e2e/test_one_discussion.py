"""Two server processes act as one: an action on one copy is shown on every other copy."""

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.e2e.client import Client, RejectedError
from tests.e2e.publisher import Publisher
from tests.e2e.two_servers import Pair, all_in_sync
from tests.loopback import http_client
from tests.waiting import eventually


async def test_setting_changing_and_removing_a_reaction_is_shown_on_every_copy(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    async with pair.readers(story, 4) as readers:
        for client in readers:
            await client.react(story.code, "happy")
        await all_in_sync(story.code, *readers)
        assert readers[1].state(story.code).tally["counts"]["happy"] == 4
        await readers[0].react(story.code, "sad")
        await readers[3].react(story.code, None)
        await all_in_sync(story.code, *readers)
        for client in readers:
            assert client.state(story.code).tally["counts"] == {
                "surprised": 0, "thinking": 0, "happy": 2, "sad": 1, "fired_up": 0,
            }  # fmt: skip


async def test_comments_from_both_servers_arrive_at_every_reader_in_one_order(
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
        await all_in_sync(story.code, *readers)
        for client in readers:
            messages = [message for message in client.messages if message["type"] == "comment"]
            assert [message["position"]["seq"] for message in messages] == list(range(1, 41))
            assert client.state(story.code).count == 40


async def test_every_action_on_a_comment_reaches_every_reader(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    code = story.code
    async with pair.readers(story) as (here, there):
        top = await here.comment(code, "First.")
        await all_in_sync(code, here, there)
        await here.action("edit", code, comment=top["id"], body="First, **edited**.")
        await all_in_sync(code, here, there)
        assert there.state(code).comments[top["id"]]["edited_at"] is not None
        reply = await there.comment(code, "A reply.", parent=top["id"])
        await all_in_sync(code, here, there)
        assert here.state(code).comments[reply["id"]]["thread"] == top["id"]
        await there.react(code, "thinking", comment=top["id"])
        await all_in_sync(code, here, there)
        await eventually(
            lambda: here.state(code).comments[top["id"]]["tally"]["counts"].get("thinking") == 1,
            "the reaction arrives with the next tally",
        )
        await there.react(code, None, comment=top["id"])
        await all_in_sync(code, here, there)
        await there.action("report", code, comment=top["id"], reason="off topic")
        await here.action("delete", code, comment=top["id"])
        await all_in_sync(code, here, there)
        removed = there.state(code).comments[top["id"]]
        assert (removed["state"], removed["text"], removed["author"]["name"]) == (
            "removed",
            [],
            None,
        )
        assert there.state(code).comments[reply["id"]]["state"] == "published"
        assert there.state(code).count == 1


async def test_a_removed_comment_disappears_from_other_copies_within_a_second(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    async with pair.readers(story) as (here, there):
        comment = await here.comment(story.code, "Soon gone.")
        await all_in_sync(story.code, here, there)
        await here.action("delete", story.code, comment=comment["id"])
        comments = there.state(story.code).comments
        await eventually(
            lambda: comments[comment["id"]]["state"] == "removed",
            "the comment is removed",
            timeout=1,
        )


async def test_forget_removes_all_data_of_a_reader_from_every_story_and_copy(
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
            await all_in_sync(code, here, there)
        assert there.state(story.code).comments[comment["id"]]["author"]["name"] is None
        assert there.state(second.code).tally["counts"]["happy"] == 1
        again = await here.react(story.code, "happy")
        assert again["reader"], "the server issues a new reader token"


async def test_one_idempotency_key_posts_one_comment_even_if_sent_to_both_servers_at_once(
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
        await all_in_sync(story.code, here, there)
        assert here.state(story.code).count == 10


async def test_an_action_over_http_has_the_same_effect_as_over_a_socket(
    pair: Pair, publisher: Publisher
) -> None:
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
        assert sent[1].json() == first, "a retry is the same action of the same reader"
        await all_in_sync(story.code, here, there)
        assert there.state(story.code).count == 1
        body["reader"] = first["reader"]
        again = await http.post(
            f"{pair.other.url}/v1/actions", json=body, headers={"Origin": "https://post.example"}
        )
        assert again.json()["comment"]["id"] == first["comment"]["id"]
        # A client may lose the reply to its first action, get a reader token from another action,
        # and then send the first action again with that token.
        unanswered = {**action, "key": str(uuid.uuid4()), "body": "Unanswered."}
        reaction = {**action, "type": "react", "reaction": "happy"}
        replies = []
        for message in (unanswered, reaction):
            answer = await http.post(
                f"{pair.one.url}/v1/actions",
                json=message,
                headers={"Origin": "https://post.example"},
            )
            replies.append(answer.json())
        resent = {**unanswered, "reader": replies[1]["reader"]}
        answer = await http.post(
            f"{pair.other.url}/v1/actions", json=resent, headers={"Origin": "https://post.example"}
        )
        assert answer.json()["comment"]["id"] == replies[0]["comment"]["id"]
        await all_in_sync(story.code, here, there)
        assert there.state(story.code).count == 2
        rejected = await http.post(f"{pair.other.url}/v1/actions", json=body)
        assert (rejected.status_code, rejected.json()["code"]) == (403, "origin_not_allowed")


async def test_first_actions_sent_to_both_servers_at_once_belong_to_one_reader(
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

            replies = await asyncio.gather(
                *(
                    post(server.url, **action)
                    for server in pair.servers * 2
                    for action in (
                        {"type": "react", "reaction": "sad"},
                        {"type": "comment", "key": key, "body": "Once."},
                    )
                )
            )
            assert len({reply["reader"] for reply in replies}) == 1
            # The client has received no reply, so its next action also carries `first`.
            last = await post(pair.other.url, type="react", reaction="happy")
            assert last["reader"] == replies[0]["reader"]
            await all_in_sync(story.code, here, there)
            assert here.state(story.code).count == before + 1
        counts = there.state(story.code).tally["counts"]
        assert (counts["happy"], counts["sad"]) == (5, 0)


async def test_first_identifies_a_reader_on_sockets_too_and_visible_returns_the_time(
    pair: Pair, publisher: Publisher
) -> None:
    story, first = publisher.story(), str(uuid.uuid4())
    async with Client(pair.one.url) as here, Client(pair.other.url) as there:
        for client in (here, there):
            # `lang` and `page` only describe. Invalid values must not fail the subscription.
            await client.subscribe(
                story.token, lang="en_US", page="https://a.example/" + "a" * 2_100
            )
        replies = [
            await client.action("react", story.code, reaction="sad", first=first)
            for client in (here, there)
        ]
        assert replies[0]["reader"] == replies[1]["reader"]
        assert replies[1]["tally"]["counts"]["sad"] == 1
        now = (await here.request({"type": "visible", "value": True}))["now"]
        server_time = datetime.fromisoformat(now)
        assert abs((datetime.now(UTC) - server_time).total_seconds()) < 10


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
                "every server counts all readers",
            )


async def test_actions_on_missing_or_foreign_comments_are_rejected(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    async with pair.readers(story) as (here, there):
        comment = await here.comment(story.code, "Mine.")
        for kind, fields in (
            ("edit", {"comment": comment["id"], "body": "Yours?"}),
            ("delete", {"comment": comment["id"]}),
            ("report", {"comment": "nothing-here"}),
        ):
            with pytest.raises(RejectedError, match="not_found"):
                await there.action(kind, story.code, **fields)
        with pytest.raises(RejectedError, match="unknown_reaction"):
            await there.react(story.code, "meh")
        await all_in_sync(story.code, here, there)


async def test_a_socket_has_at_most_fifty_stories(pair: Pair, publisher: Publisher) -> None:
    stories = [publisher.story() for _ in range(51)]
    async with Client(pair.one.url) as reader:
        for story in stories[:50]:
            await reader.subscribe(story.token)
        with pytest.raises(RejectedError, match="not_permitted"):
            await reader.subscribe(stories[50].token)
        await reader.subscribe(stories[0].token)  # subscribing again needs no further place
        # Connect the writer only now: the server closes sockets without a subscription after 10 s.
        async with Client(pair.other.url) as writer:
            for story in stories[0], stories[49]:
                await writer.subscribe(story.token)
                await writer.comment(story.code, "To the first and to the last.")
                await all_in_sync(story.code, reader, writer)
        await reader.action("unsubscribe", stories[0].code)
        await reader.subscribe(stories[50].token)
