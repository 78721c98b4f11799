"""A server closes a story at its date, and open pages of both servers see it."""

import json
from datetime import datetime, timedelta

from tests.e2e.publisher import Publisher
from tests.e2e.two_servers import Pair, all_in_sync


async def test_a_story_closes_by_itself_on_all_open_pages(pair: Pair, publisher: Publisher) -> None:
    story = publisher.story()
    async with pair.readers(story) as readers:
        await readers[0].react(story.code, "happy")
        later = datetime.now() + timedelta(seconds=1)  # noqa: DTZ005
        told = pair.cli("story", "close", story.code, "--at", later.isoformat())
        assert "will close at" in told
        for reader in readers:
            await reader.wait_for("story", timeout=30, closed=True)
        await all_in_sync(story.code, *readers)
    works = json.loads(pair.cli("jobs", "list", "--json"))
    assert story.code not in {work["subject"] for work in works}
