"""Sign the token that shows the real widget in the dashboard. Such a page is no copy and no reader."""

from dataclasses import replace

from widget_server.auth import origins
from widget_server.model.actors import Actor
from widget_server.model.claims import PREVIEW_JTI, WidgetClaims
from widget_server.operations.owners import sites
from widget_server.operations.services import Services

PREVIEW_S = 3_600
"""Seconds that the token of a preview is valid."""


async def preview_address(
    services: Services, by: Actor, claims: WidgetClaims, generation: int | None = None
) -> str:
    """Return the address of the widget of these claims for a sandboxed frame of the dashboard.

    The token only reads. Raises `NotPermittedError`, `NotFoundError`, and `OperatorError` for a wrong
    claim.
    """
    shown = replace(
        claims,
        jti=PREVIEW_JTI,
        # A sandboxed frame has no origin. Its policy admits the dashboard only.
        origins=(origins.ANY,),
        can=("read",),
        exp=int(services.clock()) + PREVIEW_S,
        label=None,
        listed=False,
    )
    token = await sites.mint(services, by, shown, generation)
    return f"{services.server_origin}/e/{token}"
