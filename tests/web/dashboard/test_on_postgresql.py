"""The pages about copies, tokens, settings and numbers on PostgreSQL."""

from pathlib import Path

from tests.operations.owner_harness import carry, feel, write
from tests.web.dashboard.desk import open_desk, text_of

PAGES = (
    "copies?order=reactions&q=example&lang=fr&status=live",
    "copies?new=1",
    "tokens?q=label&status=live",
    "tokens/keys?retire=1",
    "settings",
    "settings/history",
    "numbers",
    "numbers?view=copies",
    "numbers?view=languages",
    "numbers?view=talk",
    "numbers.csv",
    "copies.csv",
)


async def test_each_page_answers_on_postgresql(tmp_path: Path, migrated_postgres_url: str) -> None:
    async with open_desk(tmp_path, migrated_postgres_url) as desk:
        story = desk.server.publisher.story(label="A label", lang="fr")
        grant, copy = await carry(desk.server, story, "https://a.example")
        await feel(desk.server, grant)
        await write(desk.server, grant)
        for path in PAGES:
            await desk.get(path)
        assert "a.example /article" in text_of(await desk.get(PAGES[0]))
        assert (await desk.post("settings/moderation", moderation="pre")).status_code == 303
        assert "After approval" in text_of(await desk.get("settings/history"))
        await desk.post(f"copies/{copy}/revoke", shut_out="story")
        assert "Give back" in await desk.get("copies")
