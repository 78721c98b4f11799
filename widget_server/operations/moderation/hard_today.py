"""How many hard cases a person has decided today."""

from widget_server.auth.permissions import require
from widget_server.model.actors import Actor
from widget_server.operations.services import Services

DAY_MS = 86_400_000


async def hard_today(services: Services, by: Actor, site: str) -> int:
    """Return how many cases with a harsh reason the actor has decided since midnight (UTC).

    The page shows it, so that a person knows when it is enough. Raises `NotPermittedError`.
    """
    require(by, "read", site)
    now = services.now_ms()
    return await services.made_decisions.hard_ones(site, by.kind, by.id, now - now % DAY_MS)
