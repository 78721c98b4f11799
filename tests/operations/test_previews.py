"""Previews in the dashboard: the widget's own token, which makes no copy, no reader and no presence."""

import pytest

from tests.operations.operations_harness import RecordingConnection, Server, now
from tests.operations.owner_harness import OWNER, carry, read
from widget_server.auth import origins
from widget_server.hub.channel import Subscription
from widget_server.model.claims import WidgetClaims
from widget_server.model.errors import NotPermittedError
from widget_server.operations.owners import first_site, preview_token, token_form
from widget_server.operations.owners.token_form import TypedToken
from widget_server.operations.readers import authorize, copies


def token_of(address: str) -> str:
    return address.rpartition("/")[2]


async def previews(server: Server) -> dict[str, str]:
    """Return the token of each preview that the dashboard shows of a story."""
    made = await first_site.make_snippet(
        server.services, OWNER, "paper", url="https://paper.example/a", title="A", author=""
    )
    typed = TypedToken(story=made.code, label="Northside", listed=True)
    form = await token_form.make_token(server.services, OWNER, "paper", typed)
    return {"first snippet": token_of(made.preview), "token": token_of(form.preview)}


async def test_a_preview_is_no_copy_and_only_the_dashboard_may_frame_it(server: Server) -> None:
    services = server.services
    for name, token in (await previews(server)).items():
        framed = await authorize.authorize_iframe(services, token)
        assert framed.ancestors == (services.people.admin_origin,), name
        grant = await authorize.authorize(services, token=token, code=None, origin="null")
        assert grant.permissions == ("read",)
        with pytest.raises(NotPermittedError):
            grant.require("comment")
        assert await copies.record_seen(services, grant, "a network") is None
        assert await copies.record_used(services, grant, "a network") is None
        assert grant.claims is not None
        assert (grant.claims.label, grant.claims.listed) == (None, False)


async def test_a_preview_ends_after_an_hour(server: Server) -> None:
    claims = WidgetClaims("paper", "s", (origins.ANY,), now() - 9, "")
    address = await preview_token.preview_address(server.services, OWNER, claims)
    grant = await authorize.authorize(
        server.services, token=token_of(address), code=None, origin="null"
    )
    assert grant.claims is not None
    assert grant.claims.exp is not None
    assert 3_590 <= grant.claims.exp - now() <= 3_600


async def test_a_preview_is_not_counted_as_a_reader(server: Server) -> None:
    story = server.publisher.story()
    _, copy = await carry(server, story, "https://one.example")
    await read(server, story.code, copy)
    channel = server.components.hub
    preview = Subscription(RecordingConnection(), 0, b"", None, "the owner's network")
    preview.counted = False
    await channel.subscribe(story.code, preview, 1, None)
    assert channel.open_stories()[story.code] == (1, 1)
    channel.unsubscribe(preview)
    assert channel.open_stories()[story.code] == (1, 1)
