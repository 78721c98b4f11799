"""Rows for reading: counts of many stories over HTTP, and stories with many comments."""

import statistics
from collections.abc import Callable, Iterator
from functools import partial

from tests.bench.processes import process_pool
from tests.bench.results import Goal, Result


def counts(repeats: int, stories: int = 1_000) -> Result:
    """Compare the counts of a thousand stories with `/healthz`, an almost empty response."""
    row = Result(f"GET /v1/counts for {stories:,} stories, warm", "requests/s")
    with process_pool() as pool:
        pair = pool.start_server()
        codes = pair.server.call("seed_stories", stories)
        query = "&".join(f"story={code}" for code in codes)
        paths = {"GET /healthz": "/healthz", "GET /v1/counts": f"/v1/counts?{query}"}
        for repeat in range(repeats + 1):
            for name, path in paths.items():
                request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
                answers, seconds = pair.client.call("fetch", request, 1.0)
                if repeat:
                    row.add_sample(name, answers / seconds)
    pairs = zip(row.samples["GET /healthz"], row.samples["GET /v1/counts"], strict=True)
    ratios = [health / counted for health, counted in pairs]
    row.goals.append(Goal("cost, to GET /healthz", ratios, 10, at_least=False))
    return row


def large_story(repeats: int, sizes: tuple[int, int] = (100, 100_000)) -> Result:
    """Compare snapshot and pages of a story with many comments with those of one with few."""
    row = Result(f"a story with {sizes[1]:,} comments, read uncached", "ms")
    with process_pool() as pool:
        server = pool.start_server().server
        codes = [server.call("seed_comments", f"size-{size}", size) for size in sizes]
        server.call("time_reads", codes, 1)
        for kind, (few, many) in server.call("time_reads", codes, max(10, repeats)).items():
            for size, times in zip(sizes, (few, many), strict=True):
                row.samples[f"{kind}, {size:,}"] = [1000 * statistics.median(times)]
            ratios = [large / small for small, large in zip(few, many, strict=True)]
            row.goals.append(
                Goal(f"{kind}, {sizes[1]:,} to {sizes[0]}", ratios, 1.2, at_least=False)
            )
    return row


def all_rows(repeats: int) -> Iterator[tuple[str, Callable[[], Result]]]:
    """Yield the name and the measurement of each row."""
    yield "counts", partial(counts, repeats)
    yield "large-story", partial(large_story, repeats)
