"""Rows for reading: counts of many stories over HTTP, and stories with many comments."""

import statistics
from collections.abc import Callable, Iterator
from functools import partial

from tests.bench.processes import process_pool
from tests.bench.results import Goal, Result

FEATURED, CORRECTIONS = 20, 5
"""Of each story in the row of feeds."""


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


def feeds(repeats: int, stories: int = 40, comments: int = 500) -> Result:
    """Measure oEmbed and the feeds: rendered for the first time, rendered before, and unchanged.

    Each sample is the 95th percentile of one round in milliseconds.
    """
    row = Result(f"oEmbed and feeds of stories with {comments:,} comments, 95th percentile", "ms")
    with process_pool() as pool:
        pair = pool.start_server()
        client, origin = pair.client, pair.server.call("origin")
        for repeat in range(repeats):
            codes = [
                pair.server.call("seed_comments", f"feed-{repeat}-{n}", comments)
                for n in range(stories)
            ]
            for code in codes:
                pair.server.call("feature_and_correct", code, FEATURED, CORRECTIONS)
            paths = {
                "oEmbed": [f"/oembed?url={origin}/s/{code}" for code in codes],
                "Atom": [f"/s/{code}/feed.atom" for code in codes],
                "JSON Feed": [f"/s/{code}/feed.json" for code in codes],
                "featured, Atom": [f"/s/{code}/featured.atom" for code in codes],
                "corrections, Atom": [f"/s/{code}/corrections.atom" for code in codes],
            }
            for name, addresses in paths.items():
                requests = [_request(address) for address in addresses]
                row.add_sample(f"{name}, first", _p95(client.call("time_each", requests)))
                row.add_sample(f"{name}, again", _p95(client.call("time_each", requests)))
                same = [
                    _request(address, f"If-None-Match: {client.call('etag', request)}\r\n")
                    for address, request in zip(addresses, requests, strict=True)
                ]
                row.add_sample(f"{name}, 304", _p95(client.call("time_each", same)))
    for name, times in row.samples.items():
        bound = 2 if name.endswith("304") else 10
        row.goals.append(Goal(name, times, bound, at_least=False, unit="ms"))
    return row


def _request(path: str, headers: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode()


def _p95(seconds: list[float]) -> float:
    return 1000 * statistics.quantiles(seconds, n=20)[-1]


def all_rows(repeats: int) -> Iterator[tuple[str, Callable[[], Result]]]:
    """Yield the name and the measurement of each row."""
    yield "counts", partial(counts, repeats)
    yield "large-story", partial(large_story, repeats)
    yield "feeds", partial(feeds, repeats)
