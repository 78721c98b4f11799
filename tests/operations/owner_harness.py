"""Sites with stories, copies, readers and comments, for tests of the owners' lists."""

from typing import Any

from tests.e2e.publisher import Story
from tests.operations.operations_harness import NETWORK, RecordingConnection, Server
from tests.statements import recorded
from widget_server.hub.channel import Subscription
from widget_server.model.actors import Actor, Role
from widget_server.model.records import Comment
from widget_server.operations.publishing.republish import Asked, make_token
from widget_server.operations.readers import authorize, copies, react
from widget_server.operations.readers.authorize import Grant

OWNER = Actor("account", "ana", "dashboard", "paper", "owner")


def person(role: Role, **fields: Any) -> Actor:
    """Return an account with this role on the site `paper`."""
    return Actor("account", role, "dashboard", "paper", role, **fields)


async def carry(
    server: Server, story: Story, origin: str, *, token: str | None = None, code: bool = False
) -> tuple[Grant, int]:
    """Let a page carry the story. Return its grant and the copy's id."""
    grant = await authorize.authorize(
        server.services,
        token=None if code else token or story.token,
        code=story.code if code else None,
        origin=origin,
        page=f"{origin}/article",
    )
    copy = await copies.record_seen(server.services, grant, NETWORK)
    assert copy is not None
    return grant, copy.id


async def republish(
    server: Server, code: str, host: str, *, label: str = "", listed: bool = False
) -> tuple[Grant, int]:
    """Make a token on `/s/CODE/republish` and let the site show it. Return its grant and the copy's id."""
    asked = Asked(host, label, listed=listed)
    made = await make_token(server.services, code, asked, NETWORK)
    grant = await authorize.authorize(
        server.services,
        token=made.token,
        code=None,
        origin=made.origins[0],
        page=f"{made.origins[0]}/article",
    )
    copy = await copies.record_seen(server.services, grant, NETWORK)
    assert copy is not None
    return grant, copy.id


async def read(server: Server, code: str, copy: int, network: str = "a") -> Subscription:
    """Open a socket of a reader on a copy."""
    subscription = Subscription(RecordingConnection(), copy, b"", None)
    subscription.network = network
    await server.components.hub.subscribe(code, subscription, 1, None)
    return subscription


async def write(server: Server, grant: Grant, body: str = "hello", **fields: Any) -> Comment:
    """Post a comment by a new reader on the grant's page."""
    return await server.post(grant, server.actor(grant), body, **fields)


async def feel(server: Server, grant: Grant, reaction: str = "happy") -> None:
    """React to the story as a new reader on the grant's page."""
    await react.react(server.services, grant, server.actor(grant), reaction, None)


class Statements:
    """The SQL statements that a process reads with."""

    def __init__(self, server: Server) -> None:
        self._recording = recorded(server.components.database._reader.sync_engine)
        self._found: list[tuple[str, Any]] = []

    @property
    def texts(self) -> list[str]:
        """Their texts, without those of the hub, which compares the stories with open sockets each second."""
        reads = [sql for sql, _ in self._found if sql.lstrip("( ").startswith(("SELECT", "WITH"))]
        return [sql for sql in reads if "FROM meta" not in sql]

    def __enter__(self) -> "Statements":
        self._found = self._recording.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._recording.__exit__(*error)
