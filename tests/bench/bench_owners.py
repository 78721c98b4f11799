"""Row for owners: lists, numbers and pages of a site with 1,000 stories, 500 copies, 100,000 comments."""

import gc
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench.owner_site import DAY_MS, SITE, Size, fill
from tests.bench.postgres import fresh_database
from tests.bench.results import Goal, Result
from tests.bench.rpc import run_loop
from tests.dashboard.desk import sign_up
from widget_server.app import Components
from widget_server.config import load
from widget_server.model.actors import Actor, shell
from widget_server.operations.moderation import discussion
from widget_server.operations.moderation.log_pages import LogFilter, show_log
from widget_server.operations.moderation.queue import show_queue
from widget_server.operations.owners import (
    atlas,
    copies,
    links,
    numbers,
    settings_form,
    stories,
    token_form,
    tokens,
)
from widget_server.operations.owners.home import show_home
from widget_server.operations.services import Services
from widget_server.store import migrate

SECRET = "a secret of the benchmark that is long enough"
OWNER = Actor("account", "ana", "dashboard", SITE, "owner")
GOAL_MS = 100
NOT_FIRST = {"numbers, 90 days"}
"""What no page reads for its first answer: no goal."""

Operation = Callable[[], Awaitable[Any]]


def operations(services: Services, codes: list[str], now: int) -> dict[str, Operation]:
    """Return what a page of the dashboard reads, by name."""
    month = numbers.Span(now - 30 * DAY_MS, now, "day", "Europe/Lisbon")
    fortnight = numbers.Span(now - 14 * DAY_MS, now, "day", "Europe/Lisbon")
    quarter = numbers.Span(now - 90 * DAY_MS, now, "day", "Europe/Lisbon")
    week = numbers.Span(now - 7 * DAY_MS, now, "hour", "Europe/Lisbon")
    found: dict[str, Operation] = {}
    for order in stories.STORY_ORDERS:
        found[f"stories by {order}"] = partial(
            stories.list_stories, services, OWNER, SITE, order=order
        )
    words = stories.StoryFilter("777", closed=False)
    found["stories by words"] = partial(stories.list_stories, services, OWNER, SITE, words)
    spoken = stories.StoryFilter(lang="fr", author="Author 7")
    found["stories by language"] = partial(stories.list_stories, services, OWNER, SITE, spoken)
    found["choices of stories"] = partial(stories.story_choices, services, OWNER, SITE)
    found["one story"] = partial(stories.show_story, services, OWNER, SITE, codes[7])
    for copy_order in copies.COPY_ORDERS:
        found[f"copies by {copy_order}"] = partial(
            copies.list_copies, services, OWNER, SITE, order=copy_order
        )
    of_words = copies.CopyFilter("copy77.", status="live")
    found["copies by words"] = partial(copies.list_copies, services, OWNER, SITE, of_words)
    found["tokens"] = partial(tokens.list_tokens, services, OWNER, SITE)
    live = tokens.TokenFilter(status="live")
    found["live tokens"] = partial(tokens.list_tokens, services, OWNER, SITE, live)
    found["keys"] = partial(tokens.list_keys, services, OWNER, SITE)
    found["what would stop"] = partial(tokens.what_would_stop, services, OWNER, SITE)
    found["numbers, 14 days"] = partial(numbers.over_time, services, OWNER, SITE, fortnight)
    found["numbers, 30 days"] = partial(numbers.over_time, services, OWNER, SITE, month)
    found["numbers, 90 days"] = partial(numbers.over_time, services, OWNER, SITE, quarter)
    found["numbers, 7 days by hour"] = partial(numbers.over_time, services, OWNER, SITE, week)
    found["numbers of one story"] = partial(
        numbers.over_time, services, OWNER, SITE, quarter, story=codes[0]
    )
    found["numbers by copy, 30 days"] = partial(numbers.by_copy, services, OWNER, SITE, month)
    found["numbers by language, 30 days"] = partial(
        numbers.by_language, services, OWNER, SITE, month
    )
    found["home"] = partial(show_home, services, OWNER, SITE)
    for view in discussion.DISCUSSION_VIEWS:
        found[f"discussion, {view}"] = partial(_discussion, services, codes[0], view)
    found["queue"] = partial(show_queue, services, OWNER, SITE)
    found["log"] = partial(show_log, services, OWNER, SITE, LogFilter())
    found["log of one story"] = partial(show_log, services, OWNER, SITE, LogFilter(story=codes[0]))
    found["matrix, 30 days"] = partial(numbers.matrix, services, OWNER, SITE, month)
    found["page of copies"] = partial(
        atlas.show_atlas,
        services,
        OWNER,
        SITE,
        copies.CopyFilter(),
        order="readers",
        since=now - 7 * DAY_MS,
    )
    found["page of copies by words"] = partial(
        atlas.show_atlas, services, OWNER, SITE, of_words, order="comments", since=0
    )
    found["stories to choose"] = partial(token_form.offered_stories, services, OWNER, SITE)
    found["widget of the newest story"] = partial(
        settings_form.preview_widget, services, OWNER, SITE, None
    )
    found["when people write, 14 days"] = partial(
        numbers.when_people_write, services, OWNER, SITE, fortnight
    )
    return found


async def _discussion(
    services: Services, code: str, view: discussion.DiscussionView
) -> discussion.Discussion:
    found = await stories.find_story(services, OWNER, SITE, code)
    return await discussion.show_discussion(services, OWNER, found.record.story, view)


PAGES = (
    "home", "queue", "stories", "log", "copies", "tokens", "tokens/keys", "settings", "settings/history",
    "numbers", "people", "people/invite", "keys/new",
)  # fmt: skip
"""Pages of a site in the dashboard."""


async def pages(services: Services, code: str) -> dict[str, Operation]:
    """Return the requests of a signed-in owner for the pages of the dashboard, by name."""
    link = await links.invite_owner(services, shell("bench"))
    owner = await sign_up(services, link, "Bea", "bea@bench.example")
    of_story = (f"stories/{code}", f"stories/{code}/copies", f"stories/{code}/settings")

    def request(path: str) -> Operation:
        return partial(owner.get, f"/admin/sites/{SITE}/{path}")

    found = {f"page {path}": request(path) for path in PAGES}
    found |= {f"page {path.replace(code, 'CODE')}": request(path) for path in of_story}
    return found


def owner_lists(repeats: int, postgres: str | None = None, size: Size | None = None) -> Result:
    """Measure every operation; without a PostgreSQL, on SQLite."""
    size = size or Size()
    row = Result(
        f"owners' lists: {size.stories:,} stories, {size.copies:,} copies, {size.comments:,} comments",
        "ms",
    )
    with tempfile.TemporaryDirectory() as folder:
        if postgres is None:
            url = f"sqlite+aiosqlite:///{Path(folder) / 'widget.db'}"
            run_loop(_measure(row, Path(folder), url, repeats, size))
        else:
            with fresh_database(postgres) as url:
                run_loop(_measure(row, Path(folder), url, repeats, size))
    return row


async def _measure(row: Result, folder: Path, url: str, repeats: int, size: Size) -> None:
    await migrate.upgrade(url)
    config = load(
        data_dir=folder, database_url=url, redis_url="unix:///nowhere", secret_keys=SECRET
    )
    components = Components(config)
    async with components.running():
        services = components.services
        codes = await fill(components.database, size)
        # As a server's worker does: a collection of the whole heap takes 100 ms.
        gc.collect()
        gc.freeze()
        measured = operations(services, codes, services.now_ms())
        measured |= await pages(services, codes[0])
        for name, run in measured.items():
            await run()
            times, cpu = [], []
            for _ in range(max(20, repeats)):
                begin, begin_cpu = time.perf_counter(), time.process_time()
                await run()
                cpu.append(1000 * (time.process_time() - begin_cpu))
                times.append(1000 * (time.perf_counter() - begin))
            # The CPU time also holds for a machine that other programs use meanwhile.
            bound = None if name in NOT_FIRST else GOAL_MS
            for kind, values in ((name, times), (f"{name}, CPU", cpu)):
                p95 = statistics.quantiles(values, n=20)[-1]
                row.samples[f"{kind}, p50"] = [statistics.median(values)]
                row.samples[f"{kind}, p95"] = [p95]
                row.goals.append(Goal(f"{kind}, p95", [p95], bound, at_least=False, unit="ms"))


def all_rows(repeats: int, postgres: str | None) -> Iterator[tuple[str, Callable[[], Result]]]:
    """Yield the name and the measurement of each row."""
    yield "owner-lists", partial(owner_lists, repeats, postgres)
