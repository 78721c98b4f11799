"""Rows for writing: acknowledged reactions and comments per second."""

import secrets
import uuid
from collections.abc import Callable, Iterator
from functools import partial

import orjson

from tests.bench import fixtures
from tests.bench.client_sockets import masked
from tests.bench.postgres import fresh_database
from tests.bench.processes import ServerAndClient, process_pool, settle
from tests.bench.results import Result

SOCKETS = 200
SECONDS = 2.0
WARM_S = 0.5
"""Seconds before the measurement of a sample begins."""
_KEYS = ("happy", "sad", "thinking")


def reactions(code: str) -> list[list[bytes]]:
    """Return the requests of each socket: reactions that always change the counts."""
    requests = [
        masked(orjson.dumps({"type": "react", "ref": ref, "story": code, "reaction": key}))
        for ref, key in enumerate(_KEYS)
    ]
    return [requests] * SOCKETS


def comments(code: str, number: int = 200) -> list[list[bytes]]:
    """Return the requests of each socket: comments of usual length, enough for a whole run."""

    def one(ref: int) -> bytes:
        action = {
            "type": "comment",
            "ref": ref,
            "story": code,
            "key": str(uuid.UUID(int=secrets.randbits(128))),
        }
        return masked(orjson.dumps({**action, "body": fixtures.SOURCE, "name": "Marit"}))

    return [[one(ref) for ref in range(number)] for _ in range(SOCKETS)]


def reactions_on_sqlite(repeats: int) -> Result:
    """Compare SQLite (`synchronous=FULL`) with not storing and with one commit per action."""
    row = Result(f"durable reactions/s over {SOCKETS} sockets, SQLite FULL", "/s")
    with process_pool() as pool:
        kinds = {
            "this server": pool.start_server(),
            "not storing": pool.start_server(mode="no_storage"),
            "one commit each": pool.start_server(mode="single_commits"),
        }
        _measure(row, kinds, reactions, repeats)
    row.set_goal("this server", "not storing", 0.6, by_cpu=True)
    row.set_goal("this server", "one commit each", 5)
    return row


def reactions_on_postgres(url: str | None, repeats: int) -> Result:
    """Compare PostgreSQL on this machine with not storing."""
    row = Result(f"durable reactions/s over {SOCKETS} sockets, PostgreSQL", "/s")
    if url is None:
        row.missing["this server"] = "name a PostgreSQL with --postgres"
        return row
    with fresh_database(url) as database_url, process_pool() as pool:
        kinds = {
            "this server": pool.start_server(database_url=database_url),
            "not storing": pool.start_server(mode="no_storage"),
        }
        _measure(row, kinds, reactions, repeats)
    row.set_goal("this server", "not storing", 0.45, by_cpu=True)
    return row


def comments_acknowledged(repeats: int) -> Result:
    """Measure comments with Markdown, checks, commit and broadcast."""
    row = Result(f"comments/s over {SOCKETS} sockets, SQLite FULL", "/s")
    with process_pool() as pool:
        kinds = {
            "this server": pool.start_server(),
            "not storing": pool.start_server(mode="no_storage"),
        }
        _measure(row, kinds, comments, repeats)
    row.set_goal("this server", "not storing", 0.35, by_cpu=True)
    return row


def _measure(
    row: Result,
    kinds: dict[str, ServerAndClient],
    requests: Callable[[str], list[list[bytes]]],
    repeats: int,
) -> None:
    for pair in kinds.values():
        pair.open(SOCKETS)
    settle()
    for repeat in range(repeats + 1):
        for name, pair in kinds.items():
            messages = requests(pair.code)
            before = pair.server.call("cpu")
            replies, seconds, all_replies = pair.client.call("drive", messages, SECONDS, WARM_S)
            cpu = pair.server.call("cpu") - before
            if repeat:  # the first round warms up
                row.add_sample(name, replies / seconds)
                row.add_cpu_sample(name, all_replies / cpu)


def all_rows(repeats: int, postgres: str | None) -> Iterator[tuple[str, Callable[[], Result]]]:
    """Yield the name and the measurement of each row."""
    yield "reactions", partial(reactions_on_sqlite, repeats)
    yield "reactions-postgres", partial(reactions_on_postgres, postgres, repeats)
    yield "comments", partial(comments_acknowledged, repeats)
