"""Settings from the environment. Read by `cli`, `app` and `demo` only."""

import contextlib
import os
import re
import secrets
import stat
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from widget_server.auth import network_keys, origins, secret_strength
from widget_server.auth.rate_limit import Rate
from widget_server.model.errors import OperatorError
from widget_server.model.limits import MIN_SECRET_LENGTH

DEFAULT_RATE_LIMITS = {
    "action": "300/60",
    "new_reader": "120/3600",
    "comment": "30/60",
    "report": "10/600",
    "copy": "120/3600",
    "read": "6000/60",
    "refused": "300/60",
    "handshake": "600/60",
    "handshake_total": "5000/20",
}
"""What one network may do, as count/seconds, where nothing else is set; `arrival` is a handshake of
whatever network, counted for all of them together."""

MAKE_SECRET = "openssl rand -base64 32"  # noqa: S105 - a command that makes one
DEFAULT_SOCKETS_PER_NETWORK = 500
"""A school or a mobile operator may stand behind one address."""
DEFAULT_READERS_PER_NETWORK = 3
"""A household; of a school behind one address a part is counted."""
DEFAULT_CONNECTIONS_PER_NETWORK = 500
"""The same for HTTP: browsers open up to six, and close them when they have been quiet for 5 s."""


class SettingsError(OperatorError):
    """A setting is missing or wrong."""


class Config(BaseSettings):
    """All settings of a server process. Names in the environment are these, in capitals."""

    model_config = SettingsConfigDict(
        extra="ignore", frozen=True, env_ignore_empty=True, hide_input_in_errors=True
    )

    data_dir: Path = Path("data")
    """Folder of the database, the secret and the embedded Valkey where no others are named."""
    database_url: SecretStr = SecretStr("")
    redis_url: SecretStr = SecretStr("")
    secret_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    public_url: str = ""
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    web_concurrency: int = Field(1, ge=1, le=64)
    metrics_port: int = Field(0, ge=0, le=65535 - 64)
    """With it worker n listens also on a port of its own, this one plus n - 1; 0 for none."""
    rate_limits: Annotated[dict[str, str] | None, NoDecode] = Field(default_factory=dict)
    """None switches all pace off."""
    sockets_per_network: int | None = Field(None, ge=0)
    """Open sockets of one network in one process; 0 for no limit."""
    readers_per_network: int | None = Field(None, ge=0)
    """Readers of a story that one network counts as in one process; 0 for all of its sockets."""
    connections_per_network: int | None = Field(None, ge=0)
    """HTTP connections of one network in one process; 0 for no limit."""
    trusted_proxies: str = "127.0.0.1"
    drain_seconds: float = Field(5.0, ge=0, le=300)
    reconcile_seconds: float = Field(1.0, ge=0.1, le=60)
    log_level: str = "info"
    widget_worker: str = ""
    """Set by the parent process in its workers."""

    @field_validator("secret_keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(key.strip() for key in value.split(",") if key.strip())
        return value

    @field_validator("secret_keys")
    @classmethod
    def _good_enough(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for number, key in enumerate(keys, 1):
            if len(key.get_secret_value()) < MIN_SECRET_LENGTH:
                raise ValueError(f"each key needs at least {MIN_SECRET_LENGTH} characters")
            weakness = secret_strength.find_weakness(key.get_secret_value())
            if weakness is not None:
                raise ValueError(
                    f"key {number} {weakness}: anyone could sign with it. "
                    f"`{MAKE_SECRET}` makes a good one"
                )
        return keys

    @field_validator("rate_limits", mode="before")
    @classmethod
    def _rates(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        if value == "off":
            return None
        chosen = {}
        for part in filter(None, value.split(",")):
            kind, _, rate = part.strip().partition("=")
            if kind not in DEFAULT_RATE_LIMITS:
                raise ValueError(
                    f"use off, or kind=count/seconds for {', '.join(DEFAULT_RATE_LIMITS)}"
                )
            Rate.parse(rate)
            chosen[kind] = rate
        return chosen

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, secret: SecretStr) -> SecretStr:
        url = secret.get_secret_value()
        url = re.sub(r"^postgres(ql)?://", "postgresql+asyncpg://", url)
        if url and not url.startswith(("postgresql+asyncpg://", "sqlite+aiosqlite:///")):
            raise ValueError("use postgresql://… or sqlite+aiosqlite:///…")
        try:
            _ = urlsplit(url).port
        except ValueError:
            raise ValueError(
                "use postgresql://user:password@host:port/name, with special characters in it as %XX"
            ) from None
        # What libpq calls it in the addresses that hosting services hand out.
        return SecretStr(re.sub(r"([?&])sslmode=", r"\1ssl=", url))

    @field_validator("redis_url")
    @classmethod
    def _known_bus(cls, secret: SecretStr) -> SecretStr:
        url = secret.get_secret_value()
        if url and not url.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("use redis://…, rediss://… or unix://…")
        try:
            _ = urlsplit(url).port
        except ValueError:
            raise ValueError(
                "use redis://user:password@host:port/number, with special characters in it as %XX"
            ) from None
        return secret

    @field_validator("public_url")
    @classmethod
    def _strip_path(cls, url: str) -> str:
        if not url:
            return url
        origin = origins.spelling(url.rstrip("/"))
        if origin is None:
            raise ValueError(
                "use https://host or https://host:port, without a path, a user name or anything "
                "else; a host in other letters than ASCII as punycode (xn--…)"
            )
        return origin

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, level: str) -> str:
        level = level.lower()
        if level not in {"debug", "info", "warning", "error"}:
            raise ValueError("use debug, info, warning or error")
        return level

    @field_validator("trusted_proxies")
    @classmethod
    def _require_named_proxies(cls, proxies: str) -> str:
        if "*" in proxies:
            raise ValueError("name the proxies' addresses: with * every reader can forge theirs")
        for named in proxies.split(","):
            if network_keys.too_wide(named):
                raise ValueError(
                    f"name the proxies' addresses: in {named.strip()} every reader can forge "
                    "theirs. IPv4 networks are taken from /8, IPv6 networks from /16"
                )
        return proxies

    @model_validator(mode="after")
    def _complete(self) -> "Config":
        if self.database.startswith("postgresql") and not self.secret_keys:
            raise ValueError(
                "SECRET_KEYS: set it (32 random bytes) when DATABASE_URL is PostgreSQL"
            )
        return self

    @property
    def metrics_ports(self) -> list[int]:
        """The ports on which one worker alone answers: of this worker, or in the parent of all."""
        if not self.metrics_port:
            return []
        if self.widget_worker:
            return [self.metrics_port + int(self.widget_worker) - 1]
        return [self.metrics_port + number for number in range(self.web_concurrency)]

    @property
    def database(self) -> str:
        """The database to use: the one that is set, or a SQLite file in the data folder."""
        given = self.database_url.get_secret_value()
        return given or f"sqlite+aiosqlite:///{self.data_dir / 'database.sqlite3'}"

    @property
    def redis(self) -> str:
        """The bus that is set, or nothing."""
        return self.redis_url.get_secret_value()

    @property
    def embeds_valkey(self) -> bool:
        """Whether the server starts a Valkey of its own."""
        return not self.redis

    @property
    def base_url(self) -> str:
        """Where readers reach this server."""
        return self.public_url or origins.spelling(f"http://localhost:{self.port}") or ""

    @property
    def socket_limit(self) -> int:
        """Sockets that one network may hold: as set, none at all with pace off, else 500."""
        if self.sockets_per_network is not None:
            return self.sockets_per_network
        return 0 if self.rate_limits is None else DEFAULT_SOCKETS_PER_NETWORK

    @property
    def readers(self) -> int:
        """Readers that one network counts as: as set, all of them with pace off, else 3."""
        if self.readers_per_network is not None:
            return self.readers_per_network
        return 0 if self.rate_limits is None else DEFAULT_READERS_PER_NETWORK

    @property
    def connections(self) -> int:
        """HTTP connections that one network may have: as set, without limit with pace off, else 500."""
        if self.connections_per_network is not None:
            return self.connections_per_network
        return 0 if self.rate_limits is None else DEFAULT_CONNECTIONS_PER_NETWORK

    @property
    def network_rate_limits(self) -> dict[str, Rate]:
        """What one network may do, and all together."""
        chosen = DEFAULT_RATE_LIMITS | (self.rate_limits or {})
        return {kind: Rate.parse(rate) for kind, rate in chosen.items()}

    @property
    def has_secrets(self) -> bool:
        """Whether there are any yet."""
        return bool(self.secret_keys) or self.secret_file.exists()

    @property
    def secret_file(self) -> Path:
        """Where the data folder's own secret lies."""
        return self.data_dir / "secret"

    def secrets(self) -> tuple[str, ...]:
        """The secrets, newest first: those that are set, or the data folder's own.

        That one is made where it is missing, but not by a worker: it was there when the server
        began. `secrets_check` says when a missing one is a lost one. Raises `SettingsError` when the file
        is empty, too short or readable by others.
        """
        if self.secret_keys:
            return tuple(key.get_secret_value() for key in self.secret_keys)
        if self.widget_worker and not self.secret_file.exists():
            raise SettingsError(f"{self.secret_file} is gone. Put it back, or set SECRET_KEYS.")
        return (_own_secret(self.secret_file),)


def load(**given: Any) -> Config:
    """The settings; what is given wins over the environment. Raises `SettingsError`."""
    chosen = {key: value for key, value in given.items() if value is not None}
    try:
        return Config(**chosen)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0]).upper() + ": " if first["loc"] else ""
        raise SettingsError(name + first["msg"].removeprefix("Value error, ") + ".") from None


def _own_secret(path: Path) -> str:
    """The secret in the data folder, made on first run with mode 0600."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        _make_secret(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise SettingsError(f"{path} can be read by others. Run `chmod 600` on it.")
    secret = path.read_text().strip()
    if len(secret) < MIN_SECRET_LENGTH:
        raise SettingsError(f"{path} holds no secret. Restore it, or set SECRET_KEYS.")
    if (weakness := secret_strength.find_weakness(secret)) is not None:
        raise SettingsError(
            f"{path} holds a secret that {weakness}. Restore it, or set SECRET_KEYS; "
            f"`{MAKE_SECRET}` makes a good one."
        )
    return secret


def _make_secret(path: Path) -> None:
    """Under its name only when it is whole: another command may look for it at the same time."""
    part = path.with_name(f".secret-{secrets.token_hex(4)}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(part)
    part.unlink()
