"""Row `trials`: a rule tried on the last 10,000 comments of a site of a database, and what a comment costs.

Run with `python -m tests.bench.bench_trials`. A quarter of the comments was removed and is sealed; the rule is
a list of 10,000 entries. Seconds are of CPU of the process; SQLite.
"""

import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from tests.bench.bench_rules import COMMENTS, ENTRIES, LETTERS, SEED
from tests.bench.results import Goal, Result
from tests.operations.operations_harness import Server, open_server
from widget_server.model.actors import shell
from widget_server.model.rules import RuleSpec
from widget_server.operations.moderation import rules, try_rule
from widget_server.operations.owners import sites
from widget_server.store import migrate
from widget_server.store.schema import comments, kept_texts

OWNER = shell("bench")
DAY_MS = 86_400_000


def row() -> Result:
    """Measure the row."""
    return asyncio.run(_measure())


async def _measure() -> Result:
    result = Result("A rule tried on the last 10,000 comments", "s")
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{folder}/database.sqlite3"
        await migrate.upgrade(url)
        async with open_server(Path(folder), url) as server:
            await sites.create_site(server.services, OWNER, "paper", "A paper")
            rng = random.Random(SEED)
            await _fill(server, rng)
            words = {"".join(rng.choices(LETTERS, k=rng.randint(5, 12))) for _ in range(ENTRIES)}
            spec = RuleSpec("Long list", "words", words=tuple(sorted(words)))
            spent = []
            for _ in range(3):
                begun = time.process_time()
                tried = await try_rule.try_on_last_comments(server.services, OWNER, "paper", spec)
                spent.append(time.process_time() - begun)
                if tried.trial.tried != COMMENTS:
                    raise RuntimeError("The trial left comments out.")
            result.samples["tried"] = spent
            result.goals.append(Goal("tried on 10,000 comments", [min(spent)], 1, False, "s"))
            result.samples["a comment"] = await _cost(server, spec)
    return result


async def _fill(server: Server, rng: random.Random) -> None:
    """Store comments of a week; a quarter of them is removed and kept."""
    grant = await server.grant()
    first = await server.post(grant, server.actor(grant))
    usual = ["".join(rng.choices(LETTERS, k=rng.randint(2, 9))) for _ in range(3_000)]
    now, seal = server.services.now_ms(), server.services.log_keys.seal
    rows: list[dict[str, Any]] = []
    kept: list[dict[str, Any]] = []
    for number in range(COMMENTS - 1):
        text = " ".join(rng.choices(usual, k=rng.randint(20, 130)))
        removed = number % 4 == 0
        name = f"c{number:010d}"
        rows.append(
            {
                "id": name, "story": grant.story.id, "thread": name, "born": number + 2, "seq": 0,
                "state": "removed" if removed else "published",
                "source": "" if removed else text, "text": "[]", "reader": f"r{number % 3_000}",
                "created_at": now - (number * 7 * DAY_MS) // COMMENTS, "pinned": False,
                "client_key": name, "version": 0, "counts": "{}", "score": 0,
            }
        )  # fmt: skip
        if removed:
            words = {"source": text, "text": "[]", "state": "published"}
            kept.append(
                {
                    "comment": name, "decision": "d", "why": "removed",
                    "until": now + DAY_MS, "sealed": seal(words),
                }
            )  # fmt: skip

    async def store(connection: Any) -> None:
        await connection.execute(insert(comments), rows)
        await connection.execute(insert(kept_texts), kept)

    await server.services.writer.run_in_transaction(store)
    if not first.id:
        raise RuntimeError("The first comment has no id.")


async def _cost(server: Server, spec: RuleSpec) -> list[float]:
    """Return the CPU seconds of comments while the rule is in shadow, without the first."""
    await rules.add_rule(server.services, OWNER, "paper", spec)
    await server.set(("rate_limit_comment", "9999/60"))
    grant = await server.grant()
    spent = []
    for _ in range(30):
        begun = time.process_time()
        await server.post(grant, server.actor(grant), "An ordinary comment about the ferry. " * 10)
        spent.append(time.process_time() - begun)
    return spent[1:]


if __name__ == "__main__":
    for goal in (measured := row()).goals:
        print(f"{goal.says}: {goal.median:.3g} {goal.unit} (goal {goal.asks}, {goal.verdict})")  # noqa: T201
    for name, values in measured.samples.items():
        print(f"{name}: {statistics.median(values):.4f} s")  # noqa: T201
