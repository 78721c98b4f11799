"""`widget-server` as its next version may be: further words on the bus, a further migration.

What it does more is all that docs/operators/operating.md allows a new version to do beside the one before:
each message carries a field that is not known yet, others are of an unknown kind or version, and
comments have a further column that may be empty and that it fills.
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
    """A message that the version before has no word for."""

    def encode(self) -> bytes:
        """Of an unknown kind, or all of another version."""
        return b"1 z 9 - 0 0 -\n{}" if self.number % 2 else b"2 everything is new"


def _speak_on() -> None:
    encode, publish = BusMessage.encode, RedisBus.publish

    def with_more(self: BusMessage) -> bytes:
        head, _, payload = encode(self).partition(b"\n")
        return head + b" a further field\n" + payload

    def and_more(self: RedisBus, message: BusMessage) -> None:
        publish(self, message)
        publish(self, Unknown("comment", message.story, message.number, "", b""))

    replaced: Any = {"encode": with_more}
    for name, function in replaced.items():
        setattr(BusMessage, name, function)
    setattr(RedisBus, "publish", and_more)  # noqa: B010


def _migrate_on() -> None:
    os.environ["VERSION_BEFORE"] = migrate.head_revision()
    settings = migrate._settings

    def with_more() -> AlembicConfig:
        config = settings()
        own = Path(str(config.get_main_option("script_location"))) / "versions"
        config.set_main_option("path_separator", "os")
        folders = os.pathsep.join(map(str, (own, HERE / "next_migrations")))
        config.set_main_option("version_locations", folders)
        return config

    setattr(migrate, "_settings", with_more)  # noqa: B010
    comments.append_column(Column("mood", Text, default="calm"))


if __name__ == "__main__":
    _speak_on()
    _migrate_on()
    cli.main()
