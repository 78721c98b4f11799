"""Operations on real components: a database, a hub, a writer and a bus, without HTTP."""

import json
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.e2e.publisher import Publisher, Story
from widget_server.app import Components
from widget_server.config import load
from widget_server.hub.channel import Subscription
from widget_server.hub.prepared import PreparedBatch
from widget_server.model.actors import shell
from widget_server.model.records import Comment
from widget_server.operations.owners import settings
from widget_server.operations.readers import authorize, comment as comments, identify
from widget_server.operations.readers.authorize import Grant
from widget_server.operations.readers.identify import Actor

SECRET = "a secret of the operations that is long enough"
PAGE = "https://copy.example"
NO_BUS = "unix:///nowhere"
NETWORK = "a network"
OPERATOR = shell("operator")


class RecordingConnection:
    """A connection that accepts everything and records the server messages."""

    def __init__(self) -> None:
        self.on_writable: Callable[[], None] | None = None
        self.on_shutdown: Callable[[], None] | None = None
        self.on_direct_revoked: Callable[[], None] | None = None
        self.direct_socket = None
        self.write_paused = False
        self.paused_since: float | None = None
        self.closed = False
        self.messages: list[dict[str, Any]] = []

    def write(self, batch: PreparedBatch) -> bool:
        self.messages += [json.loads(message.payload) for message in batch.messages]
        return True

    def write_remainder(self, data: bytes | memoryview) -> None:
        raise AssertionError("There is no direct socket.")

    def close(self, code: int, reason: str = "") -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """Return the received messages of this type."""
        return [message for message in self.messages if message["type"] == kind]


class Server:
    """The components of one process, with the site `paper`."""

    def __init__(self, components: Components) -> None:
        self.components = components
        self.services = components.services
        self.publisher = Publisher("paper", SECRET)

    async def grant(
        self, story: Story | None = None, origin: str | None = PAGE, **claims: Any
    ) -> Grant:
        """Return the grant of a page with a token; without a story, for a new one."""
        story = story or self.publisher.story(**claims)
        return await authorize.authorize(
            self.services, token=story.token, code=None, origin=origin, page=f"{PAGE}/article"
        )

    def actor(self, grant: Grant, first: str | None = None) -> Actor:
        """Return a new reader."""
        return identify.act(self.services, grant, None, NETWORK, first)

    async def post(self, grant: Grant, actor: Actor, body: str = "hello", **fields: Any) -> Comment:
        """Return a comment by a reader."""
        return await comments.post(self.services, grant, actor, new_comment(body, **fields))

    async def subscribe(self, code: str, reader: str | None = None) -> RecordingConnection:
        """Return a connection that is subscribed to a story."""
        connection = RecordingConnection()
        subscription = Subscription(connection, 0, b"", reader)
        await self.components.hub.subscribe(code, subscription, 1, None)
        return connection

    async def set(self, *choices: tuple[str, str]) -> None:
        """Change the site's settings, and read them into the cache."""
        await settings.change_settings(self.services, OPERATOR, "paper", dict(choices))
        await self.services.cache.site("paper", max_age=0)


def new_comment(body: str = "hello", **fields: Any) -> comments.NewComment:
    """Return a comment as a client sends it."""
    sent: dict[str, Any] = {"name": None, "email": None, "website": None, "parent": None}
    return comments.NewComment(**{"key": uuid.uuid4().hex, "body": body, **sent, **fields})


def now() -> int:
    """Seconds since 1970."""
    return int(time.time())


@asynccontextmanager
async def open_server(
    folder: Path,
    database_url: str,
    redis_url: str = NO_BUS,
    *,
    clock: Callable[[], float] = time.time,
    **choices: Any,
) -> AsyncIterator[Server]:
    """Return the components of one process on a migrated database; by default without a bus.

    `choices` are further settings, as `public_url`. It finds no floods: tests write many comments at once.
    """
    async with open_server_at(clock, folder, database_url, redis_url, **choices) as server:
        server.services.flood_memory.counting = False
        yield server


@asynccontextmanager
async def open_server_at(
    clock: Callable[[], float],
    folder: Path,
    database_url: str,
    redis_url: str = NO_BUS,
    **choices: str,
) -> AsyncIterator[Server]:
    """Return the components of one process whose time is `clock`, in seconds since 1970."""
    config = load(
        data_dir=folder,
        database_url=database_url,
        redis_url=redis_url,
        secret_keys=SECRET,
        **choices,
    )
    components = Components(config, clock)
    async with components.running():
        yield Server(components)
