"""Data of readers is in no log line and in no metric, even if an action fails with that data."""

import re
import uuid

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from tests.e2e.client import Client, RejectedError
from tests.e2e.harness import ServerProcess
from tests.e2e.publisher import Story
from tests.e2e.two_servers import Pair
from tests.loopback import http_client

LINE = re.compile(
    r"time=\S+Z level=(debug|info|warning|error|critical) logger=[\w.]+ event=\w+"
    r'( \w+=("[^"]*"|[^\s"]+))*'
)
NAME, EMAIL, WEBSITE = "Zwentibold", "quokka@wombat.example", "https://numbat.example/den"
BODY, EDITED, FATAL = "xylophagous marmalade", "vexing quagmires", "an action that kills"
ADDRESS, ORIGIN, PAGE = "2001:db8::c0ff:ee", "https://bandicoot.example", "/tapir"
REASON, BROWSER, NONSENSE = "obstreperous", "Okapi/7", "not json but gobbledygook"
HEADERS = {"X-Forwarded-For": ADDRESS, "User-Agent": BROWSER}


async def break_the_database(pair: Pair) -> None:
    """Install a trigger that rejects actions with `FATAL` and repeats the text in its error."""
    url = pair.one.env["DATABASE_URL"]
    if url.startswith("sqlite"):
        statements = [
            "CREATE TRIGGER kills BEFORE INSERT ON comments"
            f" WHEN NEW.source LIKE '%{FATAL}%' BEGIN SELECT RAISE(ABORT, '{FATAL}'); END"
        ]
    else:
        statements = [
            "CREATE FUNCTION kills() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF NEW.source LIKE '%{FATAL}%' THEN RAISE EXCEPTION 'no: %', NEW.source;"
            " END IF; RETURN NEW; END $$",
            "CREATE TRIGGER kills BEFORE INSERT ON comments FOR EACH ROW EXECUTE FUNCTION kills()",
        ]
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)
    await engine.dispose()


async def by_socket(server: ServerProcess, story: Story, identity: str) -> Client:
    """Send one of every client message over a socket; the server rejects some of them."""
    author = {"name": NAME, "email": EMAIL, "website": WEBSITE}
    async with Client(server.url, ORIGIN, headers=HEADERS) as reader:
        await reader.subscribe(story.token, page=ORIGIN + PAGE)
        comment = await reader.comment(story.code, BODY, **author)
        await reader.react(story.code, "happy", comment=comment["id"])
        await reader.action("edit", story.code, comment=comment["id"], body=EDITED)
        await reader.action("report", story.code, comment=comment["id"], reason=REASON)
        await reader.send(NONSENSE)
        with pytest.raises(RejectedError, match="token_invalid"):
            await reader.subscribe(story.token[:-4] + "AAAA")
        with pytest.raises(RejectedError, match="unavailable"):
            await reader.comment(story.code, f"{FATAL} {BODY}", **author)
    async with Client(server.url, ORIGIN, headers=HEADERS) as vouched:
        await vouched.subscribe(story.token, identity=identity)
        await vouched.comment(story.code, BODY)
    return reader


async def by_post(server: ServerProcess, story: Story) -> str:
    """Send the same over HTTP, request the pages, and return the metrics."""
    action = {"type": "comment", "story": story.code, "token": story.token, "name": NAME}
    statuses = []
    async with http_client(base_url=server.url, headers={**HEADERS, "Origin": ORIGIN}) as http:
        for body in (BODY, FATAL):
            answer = await http.post(
                "/v1/actions", json={**action, "key": str(uuid.uuid4()), "body": body}
            )
            statuses.append(answer.status_code)
        statuses.append((await http.post("/v1/actions", content=NONSENSE)).status_code)
        statuses.append((await http.get(f"/e/{story.token}")).status_code)
        statuses.append((await http.get(f"/s/{story.code}?page={PAGE}")).status_code)
        statuses.append((await http.get(f"/{BROWSER}")).status_code)
        assert statuses == [200, 503, 400, 200, 200, 404]
        return (await http.get("/metrics")).text


async def test_nothing_that_a_reader_sends_is_in_a_log_or_a_metric(pair: Pair) -> None:
    site = pair.site("email=optional", "website=optional")
    story = site.story()
    identity = site.identity("sub-of-a-reader", NAME)
    await break_the_database(pair)
    for server in pair.servers:
        identity = site.identity("sub-of-a-reader", NAME)
        reader = await by_socket(server, story, identity)
        metrics = await by_post(server, story)
        log = server.log()
        assert log.count("event=write_failed") >= 2, "the server logs each failed write"
        assert reader.reader is not None
        for secret in (
            *(NAME, EMAIL, WEBSITE, BODY, EDITED, FATAL, REASON, BROWSER, NONSENSE),
            *(ADDRESS, "127.0.0.1", ORIGIN, PAGE, story.key, story.token, reader.reader, identity),
            *(story.token.split(".")[3], "sub-of-a-reader"),
        ):
            assert secret.lower() not in log.lower(), secret
            assert secret.lower() not in metrics.lower(), secret
        assert story.code not in metrics
        assert [line for line in log.splitlines() if not LINE.fullmatch(line)] == []
