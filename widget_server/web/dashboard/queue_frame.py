"""The frame of the queue's pages: queues with their counts, filters, addresses, and what the script says."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from widget_server.model.decisions import QUEUES, REASONS, TAG_VERBS
from widget_server.model.queue import AGES, CaseFilter
from widget_server.model.queue_keys import keys_of
from widget_server.model.rules import FLOOD
from widget_server.operations.moderation import batches
from widget_server.operations.moderation.cases import unseen_queues
from widget_server.operations.moderation.queue import CaseCursor, QueuePage
from widget_server.operations.moderation.raids import raids_on
from widget_server.operations.moderation.tags import tags_of_site
from widget_server.web.dashboard.decisions import told_now
from widget_server.web.dashboard.page import Page
from widget_server.web.dashboard.queue_counts import up_to

FILTERS = ("watch", "story", "copy", "lang", "reason", "tag", "age")


async def frame_of(page: Page, found: QueuePage) -> dict[str, Any]:
    """Return what the frame of the queue's pages needs: queues, filters, addresses."""
    choices = found.facts.choices
    reports = page.may("read_reports")
    unseen = unseen_queues(page.actor, page.site)
    names: list[str] = ["mine"] if page.may("hand_over") else []
    names += [one for one in ("reported", *QUEUES) if one not in unseen]
    names += ["corrections"] if page.may("correct") else []
    names += ["new", "all"]
    options = {
        name: [
            (value, f"{word} ({page.t.number(number)})")
            for value, word, number in choices.get(name, [])
        ]
        for name in ("story", "copy", "lang")
    }
    if reports:
        reasons = [*REASONS, FLOOD]
        options["reason"] = [(one, page.t(f"reason_{one}")) for one in reasons]
    tags = await tags_of_site(page.services, page.actor, page.site)
    options["tag"] = [(one, one) for one in tags]
    options["age"] = [(one, page.t(f"age_{one}")) for one in AGES]
    lists = found.facts.watch_lists
    options["watch"] = [(one.id, one.name) for one in lists]
    values = dict.fromkeys(FILTERS, "") | values_of(found.chosen)
    return {
        "found": found,
        "queues": list(dict.fromkeys(names)),
        "watch_lists": lists,
        "site_tags": tags,
        "keys": keys_of(page.person.account.keys),
        "number_of": lambda one: number_of(page, found, one),
        "choices": [(name, options[name]) for name in FILTERS if options.get(name)],
        "values": values,
        "chips": [
            (name, values[name], dict(options.get(name, ())).get(values[name], values[name]))
            for name in FILTERS
            if values[name]
        ],
        "address": _addresses(page, found.chosen),
        "may_search": batches.may_order(page.actor, page.site) and page.may("read_log"),
        "raids_now": await raids_on(page.services, page.site),
    } | told_now(page)


def says_of(page: Page) -> dict[str, str]:
    """Return the texts that the script shows."""
    names = ("yours_for", "given_back", "seconds", "undo", "undone", "offline", "taken", "wrong")
    found = {name: page.t(f"queue_{name}") for name in names if name != "undo"}
    for name in TAG_VERBS:
        found |= {f"did_{name}": page.t(f"did_{name}"), f"word_{name}": page.t(f"log_{name}")}
    return found | {"undo": page.t("undo"), "signed_out": page.t("queue_signed_out")}


def number_of(page: Page, found: QueuePage, name: str) -> str:
    """Return how many cases wait in a queue, as people read it."""
    if name == "new":
        return up_to(found.facts.new)
    if name == "mine":
        return page.t.number(found.facts.mine)
    if name == "corrections":
        return page.t.number(found.facts.hints)
    if name == "all":
        return page.t.number(sum(number for number, _ in found.counts.values()))
    return page.t.number(found.counts.get(name, (0, 0))[0])


def values_of(chosen: CaseFilter) -> dict[str, str]:
    """Return the parameters that name a filter in an address."""
    found = {name: getattr(chosen, name) for name in ("queue", *FILTERS)}
    return {name: str(value) for name, value in found.items() if value is not None}


def base_of(page: Page, chosen: CaseFilter) -> str:
    """Return the address of the first card of a filter."""
    return f"{page.path('queue')}?{urlencode(values_of(chosen))}"


def _addresses(page: Page, chosen: CaseFilter) -> Callable[..., str]:
    """Return what returns the address of a filter in the view of now, with some changes."""
    path = page.path("queue")
    now = values_of(chosen) | {"view": page.request.query_params.get("view", "")}

    def address(**changes: str | None) -> str:
        # None leaves a parameter out.
        values: dict[str, str | None] = {**now, **changes}
        return f"{path}?{urlencode({k: v for k, v in values.items() if v})}"

    return address


def place_of(cursor: CaseCursor) -> str:
    """Return a place in a queue as an address names it."""
    return ".".join(map(str, cursor))
