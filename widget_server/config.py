"""Settings from the environment. Only `app` and the packages above it read them."""

import inspect
import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from widget_server.auth import network_keys, origins, secret_file, secret_strength
from widget_server.auth.rate_limit import Rate
from widget_server.auth.secret_file import MAKE_SECRET
from widget_server.model.errors import SettingsError
from widget_server.model.limits import MIN_SECRET_LENGTH

DEFAULT_RATE_LIMITS = {
    "action": "300/60",
    "new_reader": "120/3600",
    "comment": "30/60",
    "report": "10/600",
    "hint": "10/600",
    "copy": "120/3600",
    "read": "6000/60",
    "download": "30/600",
    "republish": "20/3600",
    "republish_story": "200/3600",
    "check": "30/3600",
    "check_host": "6/60",
    "refused": "300/60",
    "handshake": "600/60",
    "handshake_total": "5000/20",
}
"""Default rate limits of one network, as count/seconds. `handshake_total` is the limit for the handshakes
of all networks together, `republish_story` that for one story, and `check_host` that for one host whose
pages are checked, of all networks together."""

DEFAULT_SOCKETS_PER_NETWORK = 500
"""Large: a school or a mobile network can share one public address."""
DEFAULT_READERS_PER_NETWORK = 3
"""The size of a household. Presence counts at most this many readers of a school behind one address."""
DEFAULT_CONNECTIONS_PER_NETWORK = 500
"""HTTP connections only. A browser opens up to six connections; the server closes idle ones after 5 s."""
SQLALCHEMY_OPTIONS = ("prepared_statement_cache_size",)
"""Options of a PostgreSQL URL that SQLAlchemy reads itself instead of passing them to asyncpg."""


class Config(BaseSettings):
    """All settings of a server process. Environment variables are the field names in capitals."""

    model_config = SettingsConfigDict(
        extra="ignore", frozen=True, env_ignore_empty=True, hide_input_in_errors=True
    )

    data_dir: Path = Path("data")
    """Folder of the SQLite database, the secret and the embedded Valkey. `database_url`, `secret_keys`
    and `redis_url` replace them."""
    database_url: SecretStr = SecretStr("")
    redis_url: SecretStr = SecretStr("")
    secret_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    public_url: str = ""
    admin_url: str = ""
    """Origin of the dashboard, if it has a host of its own; else it is under /admin of `public_url`."""
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    web_concurrency: int = Field(1, ge=1, le=64)
    metrics_port: int = Field(0, ge=0, le=65535 - 64)
    """Worker n alone also listens on this port plus n - 1; 0 for none."""
    rate_limits: Annotated[dict[str, str] | None, NoDecode] = Field(default_factory=dict)
    """Rate limits that differ from the defaults; None switches all rate limits off."""
    sockets_per_network: int | None = Field(None, ge=0)
    """Open sockets of one network in one process; 0 for no limit."""
    readers_per_network: int | None = Field(None, ge=0)
    """Most readers of a story that one network counts as in one process; 0 counts all its sockets."""
    connections_per_network: int | None = Field(None, ge=0)
    """HTTP connections of one network in one process; 0 for no limit."""
    trusted_proxies: str = "127.0.0.1"
    drain_seconds: float = Field(5.0, ge=0, le=300)
    reconcile_seconds: float = Field(1.0, ge=0.1, le=60)
    log_level: str = "info"
    widget_worker: str = ""
    """The worker's number from 1, set by the parent process in its workers."""

    @field_validator("secret_keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(key.strip() for key in value.split(",") if key.strip())
        return value

    @field_validator("secret_keys")
    @classmethod
    def _check_secrets(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for number, key in enumerate(keys, 1):
            if len(key.get_secret_value()) < MIN_SECRET_LENGTH:
                raise ValueError(f"each key needs at least {MIN_SECRET_LENGTH} characters")
            weakness = secret_strength.find_weakness(key.get_secret_value())
            if weakness is not None:
                raise ValueError(
                    f"key {number} {weakness}: an attacker could sign with it. "
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
        _require_url(url, "postgresql://user:password@host:port/name")
        # asyncpg's name for libpq's `sslmode`, which is in the URLs of hosting services.
        url = re.sub(r"([?&])sslmode=", r"\1ssl=", url)
        if url.startswith("postgresql") and "?" in url:
            _require_known_options(url)
        return SecretStr(url)

    @field_validator("redis_url")
    @classmethod
    def _known_bus(cls, secret: SecretStr) -> SecretStr:
        url = secret.get_secret_value()
        if url and not url.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("use redis://…, rediss://… or unix://…")
        _require_url(url, "redis://user:password@host:port/number")
        if "?" in url:
            # Imported here, because the parent of several workers needs redis-py for nothing else.
            from redis.asyncio import ConnectionPool

            try:
                pool = ConnectionPool.from_url(url)
                pool.make_connection()  # type: ignore[no-untyped-call] # does not connect
            except (TypeError, ValueError) as error:
                reason = str(error).rstrip(".")
                raise ValueError(f"the part after ? is wrong ({reason})") from None
        return secret

    @field_validator("public_url", "admin_url")
    @classmethod
    def _strip_path(cls, url: str) -> str:
        if not url:
            return url
        origin = origins.origin_of_url(url.rstrip("/"))
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
            raise ValueError(
                "name the proxies' addresses: with * every reader can forge their address"
            )
        for named in proxies.split(","):
            if network_keys.is_too_wide(named):
                raise ValueError(
                    f"name the proxies' addresses: in {named.strip()} every reader can forge "
                    "their address. IPv4 networks are accepted from /8, IPv6 networks from /16"
                )
        return proxies

    @field_validator("widget_worker")
    @classmethod
    def _worker_number(cls, number: str) -> str:
        if not re.fullmatch(r"([1-9][0-9]?)?", number):
            raise ValueError("leave it unset: the parent process sets it in its workers")
        return number

    @model_validator(mode="after")
    def _complete(self) -> "Config":
        if self.database.startswith("postgresql") and not self.secret_keys:
            raise ValueError(
                "SECRET_KEYS: set it (32 random bytes) when DATABASE_URL is PostgreSQL"
            )
        return self

    @property
    def metrics_ports(self) -> list[int]:
        """Metrics ports: in a worker its own one, in the parent process those of all workers."""
        if not self.metrics_port:
            return []
        if self.widget_worker:
            return [self.metrics_port + int(self.widget_worker) - 1]
        return [self.metrics_port + number for number in range(self.web_concurrency)]

    @property
    def database(self) -> str:
        """SQLAlchemy URL of the database: `DATABASE_URL`, or a SQLite file in the data folder."""
        given = self.database_url.get_secret_value()
        return given or f"sqlite+aiosqlite:///{self.data_dir / 'database.sqlite3'}"

    @property
    def redis(self) -> str:
        """`REDIS_URL`, or an empty string if it is not set."""
        return self.redis_url.get_secret_value()

    @property
    def embeds_valkey(self) -> bool:
        """Whether the server starts the embedded Valkey."""
        return not self.redis

    @property
    def base_url(self) -> str:
        """Origin at which readers reach this server."""
        return self.public_url or origins.origin_of_url(f"http://localhost:{self.port}") or ""

    @property
    def admin_origin(self) -> str:
        """Origin at which the dashboard is reached."""
        return self.admin_url or self.base_url

    @property
    def socket_limit(self) -> int:
        """Sockets that one network may hold; 0 for no limit."""
        return self._network_limit(self.sockets_per_network, DEFAULT_SOCKETS_PER_NETWORK)

    @property
    def readers(self) -> int:
        """Readers that one network counts as; 0 for all of its sockets."""
        return self._network_limit(self.readers_per_network, DEFAULT_READERS_PER_NETWORK)

    @property
    def connections(self) -> int:
        """HTTP connections that one network may have; 0 for no limit."""
        return self._network_limit(self.connections_per_network, DEFAULT_CONNECTIONS_PER_NETWORK)

    def _network_limit(self, setting: int | None, default: int) -> int:
        """Return the setting; if it is unset, the default, or 0 if rate limits are off."""
        if setting is not None:
            return setting
        return 0 if self.rate_limits is None else default

    @property
    def network_rate_limits(self) -> dict[str, Rate]:
        """Rate limits for one network, and `handshake_total` for all networks together."""
        chosen = DEFAULT_RATE_LIMITS | (self.rate_limits or {})
        return {kind: Rate.parse(rate) for kind, rate in chosen.items()}

    @property
    def has_secrets(self) -> bool:
        """Whether a secret is set or stored. Raises `OperatorError` for an unreadable data folder."""
        return bool(self.secret_keys) or secret_file.exists(self.secret_file)

    @property
    def secret_file(self) -> Path:
        """Path of the secret in the data folder."""
        return self.data_dir / "secret"

    def secrets(self) -> tuple[str, ...]:
        """Return the secrets, newest first: `SECRET_KEYS`, or the one in the data folder.

        If the data folder has no secret, the parent process creates one at the start. A worker never
        does: for a worker, a missing file means that the file was deleted since. `secrets_check` distinguishes
        a first start from a lost secret. Raises `OperatorError` if the file cannot be read or created,
        and `SettingsError` if the secret is missing, too short, weak or readable by other users.
        """
        if self.secret_keys:
            return tuple(key.get_secret_value() for key in self.secret_keys)
        if self.widget_worker and not self.has_secrets:
            raise SettingsError(f"{self.secret_file} is gone. Put it back, or set SECRET_KEYS.")
        return (secret_file.read_or_create(self.secret_file),)


def load(**given: Any) -> Config:
    """Return the settings. Values in `given` override the environment. Raises `SettingsError`."""
    chosen = {key: value for key, value in given.items() if value is not None}
    try:
        return Config(**chosen)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0]).upper() + ": " if first["loc"] else ""
        raise SettingsError(name + first["msg"].removeprefix("Value error, ") + ".") from None


def _require_url(url: str, form: str) -> None:
    """Raise `ValueError` for a URL that cannot be split, as with an unescaped `[` or `/`."""
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise ValueError(f"use {form}, with special characters in it as %XX") from None


def _require_known_options(url: str) -> None:
    """Raise `ValueError` if the part of a PostgreSQL URL after `?` has an option unknown to asyncpg."""
    import asyncpg  # here, because SQLite needs none of it

    known = {*inspect.signature(asyncpg.connect).parameters, *SQLALCHEMY_OPTIONS}
    unknown = sorted(parse_qs(urlsplit(url).query, keep_blank_values=True).keys() - known)
    if unknown:
        raise ValueError(f"the part after ? has options unknown to asyncpg: {', '.join(unknown)}")
