"""A correction is on every open copy within a second, and on a copy that is opened afterwards."""

from tests.e2e.publisher import Publisher
from tests.e2e.two_servers import Pair, all_in_sync
from tests.waiting import eventually

WITHIN_S = 1.0


async def test_a_correction_and_its_withdrawal_reach_three_origins_within_a_second(
    pair: Pair, publisher: Publisher
) -> None:
    story = publisher.story()
    code = story.code
    async with pair.readers(story, 3) as pages:
        before = pages[0].state(code).seq
        said = pair.cli("story", "correct", code, "It was 1961.", "--in", "de=Es war 1961.")
        name = said.split()[1]
        for page in pages:
            message = await page.wait_for("story", timeout=WITHIN_S)
            (one,) = message["corrections"]
            assert (one["id"], one["text"]) == (name, "It was 1961.")
            assert one["texts"] == {"de": "Es war 1961."}
            assert message["position"]["seq"] == before + 1
        await all_in_sync(code, *pages)
        async with pair.readers(story, 1) as (later,):
            assert [one["id"] for one in later.state(code).story["corrections"]] == [name]
        # A comment that follows comes after it, and takes nothing of it away.
        await pages[1].comment(code, "Thanks.")
        pair.cli("undo", name)
        for page in pages:
            await eventually(
                lambda page=page: page.state(code).story["corrections"][0].get("withdrawn_at"),
                "the page says that it is withdrawn",
                WITHIN_S,
            )
            assert page.state(code).story["corrections"][0]["text"] == ""
        await all_in_sync(code, *pages)
