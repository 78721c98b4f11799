"""From the readers to the disk: acknowledged reactions and comments per second."""

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
_KEYS = ("happy", "sad", "thinking")


def reactions(code: str) -> list[list[bytes]]:
    """For each socket, taps that always change something."""
    taps = [
        masked(orjson.dumps({"type": "react", "ref": ref, "story": code, "reaction": key}))
        for ref, key in enumerate(_KEYS)
    ]
    return [taps] * SOCKETS


def comments(code: str, number: int = 200) -> list[list[bytes]]:
    """For each socket, comments of ordinary length; what is built holds for a whole run."""

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
    """SQLite, `synchronous=FULL`, against not storing and against a commit for each."""
    row = Result(f"durable reactions/s over {SOCKETS} sockets, SQLite FULL", "/s")
    with process_pool() as stage:
        kinds = {
            "ours": stage.house(),
            "not storing": stage.house(acknowledging="freely"),
            "one commit each": stage.house(acknowledging="singly"),
        }
        _measure(row, kinds, reactions, repeats)
    row.set_goal("ours", "not storing", 0.6, by_cpu=True)
    row.set_goal("ours", "one commit each", 5)
    return row


def reactions_on_postgres(url: str | None, repeats: int) -> Result:
    """PostgreSQL on this machine, against not storing."""
    row = Result(f"durable reactions/s over {SOCKETS} sockets, PostgreSQL", "/s")
    if url is None:
        row.missing["ours"] = "name a PostgreSQL with --postgres"
        return row
    with fresh_database(url) as own, process_pool() as stage:
        kinds = {
            "ours": stage.house(database_url=own),
            "not storing": stage.house(acknowledging="freely"),
        }
        _measure(row, kinds, reactions, repeats)
    row.set_goal("ours", "not storing", 0.45, by_cpu=True)
    return row


def comments_acknowledged(repeats: int) -> Result:
    """Markdown, checks, storing, announcing."""
    row = Result(f"comments/s over {SOCKETS} sockets, SQLite FULL", "/s")
    with process_pool() as stage:
        kinds = {"ours": stage.house(), "not storing": stage.house(acknowledging="freely")}
        _measure(row, kinds, comments, repeats)
    row.set_goal("ours", "not storing", 0.35, by_cpu=True)
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
            asked = requests(pair.code)
            before = pair.server.call("cpu")
            answers, seconds, all_answers = pair.client.call("drive", asked, SECONDS, WARM_S)
            spent = pair.server.call("cpu") - before
            if repeat:
                row.add_sample(name, answers / seconds)
                row.note_cpu(name, all_answers / spent)


def all_rows(repeats: int, postgres: str | None) -> Iterator[tuple[str, Callable[[], Result]]]:
    """Name and measurement of each row."""
    yield "reactions", partial(reactions_on_sqlite, repeats)
    yield "reactions-postgres", partial(reactions_on_postgres, postgres, repeats)
    yield "comments", partial(comments_acknowledged, repeats)
