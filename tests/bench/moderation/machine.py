"""How fast this machine is, beside the one on which the goals in milliseconds were set.

`work` is fixed, and of the kind that the server does: it creates rows, writes them as JSON, signs them
and stores them in SQLite, in memory. Nothing of the server is in it, so a change of the server does not
change it.
"""

import hashlib
import hmac
import json
import sqlite3
import statistics
import time
from collections.abc import Sequence
from contextlib import closing

REFERENCE_S = 0.043
"""CPU seconds of `work` on the machine of the goals: from figures 12 and 13, of the same code, on two machines."""
ROWS = 8_000
REPEATS = 7
_READ = "SELECT comment, hash FROM entries ORDER BY hash"


def seconds_of_work() -> list[float]:
    """Return the CPU seconds of `work`, several times: a shared machine changes from minute to minute."""
    found = []
    for _ in range(REPEATS):
        begun = time.process_time()
        work()
        found.append(time.process_time() - begun)
    return found


def times_slower(seconds: Sequence[float]) -> float:
    """Return how many times as long as the machine of the goals one with these seconds needs; at least 1."""
    return max(1.0, statistics.median(seconds) / REFERENCE_S)


def work() -> str:
    """Create, sign and store rows. Return the last signature."""
    before, stored = "", []
    for number in range(ROWS):
        row = {"number": number, "comment": f"c{number:x}", "verb": "remove", "before": before}
        before = hmac.digest(b"key", json.dumps(row).encode(), hashlib.sha256).hex()
        stored.append((number, row["comment"], row["verb"], before))
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE entries (number INTEGER PRIMARY KEY, comment, verb, hash)")
        database.executemany("INSERT INTO entries VALUES (?, ?, ?, ?)", stored)
        found: dict[str, str] = dict(database.execute(_READ))
    return found[f"c{ROWS - 1:x}"]
