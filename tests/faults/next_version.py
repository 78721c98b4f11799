"""`widget-server` as its next version may be: new bus messages and a new migration.

It does everything that docs/operators/reliability.md allows a new version to do beside the previous
one. Each bus message has an additional field, other messages have an unknown kind or version, and
comments have an additional nullable column, which this version fills.
"""

import os
from pathlib import Path
from typing import Any

from alembic.config import Config as AlembicConfig
from sqlalchemy import Column, Text

from widget_server.bus.message import BusMessage
from widget_server.bus.redis_bus import RedisBus
from widget_server.cli import main as cli
from widget_server.store import migrate
from widget_server.store.schema import comments

HERE = Path(__file__).parent


class Unknown(BusMessage):
    """A bus message that the previous version does not support."""

    def encode(self) -> bytes:
        """Return a message of an unknown kind, or one of another format version."""
        return b"1 z 9 - 0 0 -\n{}" if self.number % 2 else b"2 everything is new"


def _extend_bus_messages() -> None:
    encode, publish = BusMessage.encode, RedisBus.publish

    def encode_with_field(self: BusMessage) -> bytes:
        head, _, payload = encode(self).partition(b"\n")
        return head + b" a further field\n" + payload

    def publish_with_unknown(self: RedisBus, message: BusMessage) -> None:
        publish(self, message)
        publish(self, Unknown("comment", message.story, message.number, "", b""))

    replaced: Any = {"encode": encode_with_field}
    for name, function in replaced.items():
        setattr(BusMessage, name, function)
    setattr(RedisBus, "publish", publish_with_unknown)  # noqa: B010


def _add_migration() -> None:
    os.environ["VERSION_BEFORE"] = migrate.head_revision()
    settings = migrate._settings

    def settings_with_migration() -> AlembicConfig:
        config = settings()
        versions = Path(str(config.get_main_option("script_location"))) / "versions"
        config.set_main_option("path_separator", "os")
        folders = os.pathsep.join(map(str, (versions, HERE / "next_migrations")))
        config.set_main_option("version_locations", folders)
        return config

    setattr(migrate, "_settings", settings_with_migration)  # noqa: B010
    migrate._scripts.cache_clear()
    comments.append_column(Column("mood", Text, default="calm"))


if __name__ == "__main__":
    _extend_bus_messages()
    _add_migration()
    cli.main()
