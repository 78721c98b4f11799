"""Narrow and widen the comments of sites by how much waits for a person.

Every process looks; the one that stores a change first announces it.
"""

import asyncio
import logging
import random
from dataclasses import dataclass, replace

from widget_server.auth import permissions
from widget_server.model.actors import CAPACITY_RULE, Actor
from widget_server.model.capacity import Capacity, CapacityState, Load, next_state
from widget_server.model.decisions import decided_by
from widget_server.model.errors import UnavailableError
from widget_server.operations.owners.settings import announce_settings, site_of
from widget_server.operations.services import Services
from widget_server.store.queries.capacity import store_capacity

log = logging.getLogger(__name__)

LOOK_S = 2.0
"""Mean time between two looks."""


@dataclass(frozen=True, slots=True)
class SiteCapacity:
    """The limits of a site, what waits there, and what follows from it."""

    limits: Capacity | None
    load: Load
    state: CapacityState


async def show_capacity(services: Services, by: Actor, site: str) -> SiteCapacity:
    """Return the capacity of a site as it is now. Raises `NotPermittedError` and `NotFoundError`."""
    permissions.require(by, "read_settings", site)
    limits = (await site_of(services, site)).site.settings.capacity
    state = (await services.capacity.watched()).get(site, CapacityState())
    return SiteCapacity(limits, await services.queue.load(site), state)


async def watch_capacity(services: Services) -> None:
    """Look every few seconds until cancelled."""
    while True:
        # Jittered, so that processes that start together do not look together.
        await asyncio.sleep(LOOK_S * random.uniform(0.5, 1.5))  # noqa: S311
        try:
            await adjust_sites(services)
        except (UnavailableError, TimeoutError) as error:
            log.warning("event=capacity_check_failed reason=%s", type(error).__name__)


async def adjust_sites(services: Services) -> int:
    """Store and announce the state of each site whose load asks for another. Return their number."""
    changed = 0
    for site, state in (await services.capacity.watched()).items():
        cached = await services.cache.site(site)
        if cached is None:
            continue
        limits, load = (
            cached.site.settings.capacity or Capacity(),
            await services.queue.load(site),
        )
        now = services.now_ms()
        after = next_state(limits, state, load, now)
        if cached.site.settings.capacity is None and state.mode != "open":
            # The limits were taken away: nothing is left to wait for.
            after = CapacityState("open", now)
        if after.mode == state.mode:
            continue
        by = replace(CAPACITY_RULE, site=site)
        decision = replace(
            decided_by(by, "capacity", now),
            before={"mode": state.mode},
            after={"mode": after.mode, "cases": load.cases},
        )
        stored = store_capacity(site, state, after, decision)
        if await services.writer.run_in_transaction(stored):
            changed += 1
            await announce_settings(services, site)
    return changed
