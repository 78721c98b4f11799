"""Settings come from the environment. Each error is one sentence that names the setting."""

import base64
import secrets
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from tests.e2e.harness import SETTINGS
from widget_server.auth.rate_limit import Rate
from widget_server.config import Config, load
from widget_server.model.errors import SettingsError

SECRET = "0123456789abcdef"


@pytest.fixture(autouse=True)
def _clear_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in {*SETTINGS, *(field.upper() for field in Config.model_fields)}:
        monkeypatch.delenv(name, raising=False)


def test_without_settings_all_data_is_in_the_data_folder() -> None:
    config = load()
    assert config.database == "sqlite+aiosqlite:///data/database.sqlite3"
    assert config.embeds_valkey
    assert config.base_url == "http://localhost:8000"
    assert config.network_rate_limits["comment"] == Rate(30, 60)


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("DATA_DIR", "/srv/widget", "data_dir", Path("/srv/widget")),
        ("PORT", "9000", "port", 9000),
        ("PORT", "", "port", 8000),
        ("WEB_CONCURRENCY", "4", "web_concurrency", 4),
        ("METRICS_PORT", "9100", "metrics_port", 9100),
        ("PUBLIC_URL", "https://widgets.example/", "base_url", "https://widgets.example"),
        (
            "SECRET_KEYS",
            f"{SECRET}, {SECRET}2 ,",
            "secret_keys",
            (SecretStr(SECRET), SecretStr(f"{SECRET}2")),
        ),
        ("SECRET_KEYS", "", "secret_keys", ()),
        ("REDIS_URL", "rediss://cache:6380/1", "embeds_valkey", False),
        ("RATE_LIMITS", "off", "rate_limits", None),
        (
            "RATE_LIMITS",
            "comment=1/60, action=5/1",
            "rate_limits",
            {"comment": "1/60", "action": "5/1"},
        ),
        ("SOCKETS_PER_NETWORK", "0", "sockets_per_network", 0),
        ("CONNECTIONS_PER_NETWORK", "0", "connections_per_network", 0),
        ("DATABASE_URL", "sqlite+aiosqlite:///x.db", "database", "sqlite+aiosqlite:///x.db"),
        ("LOG_LEVEL", "WARNING", "log_level", "warning"),
    ],
)
def test_a_setting_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, field: str, expected: object
) -> None:
    monkeypatch.setenv(name, value)
    assert getattr(load(), field) == expected


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgres://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgresql://u:p@h:5433/d", "postgresql+asyncpg://u:p@h:5433/d"),
        ("postgresql+asyncpg://u@/d?host=/run", "postgresql+asyncpg://u@/d?host=/run"),
        ("postgres://h/d?sslmode=require", "postgresql+asyncpg://h/d?ssl=require"),
        ("postgres://h/d?user=u&sslmode=require", "postgresql+asyncpg://h/d?user=u&ssl=require"),
    ],
)
def test_the_postgresql_urls_of_hosting_services_are_accepted(given: str, used: str) -> None:
    assert load(database_url=given, secret_keys=SECRET).database == used


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "0"),
        ("PORT", "70000"),
        ("PORT", "80.5"),
        ("WEB_CONCURRENCY", "0"),
        ("WEB_CONCURRENCY", "many"),
        ("METRICS_PORT", "65535"),
        ("DATABASE_URL", "mysql://h/d"),
        ("DATABASE_URL", "sqlite:///x.db"),
        ("DATABASE_URL", "postgres://u:p[@h/d"),
        ("DATABASE_URL", "postgres://u:p@h:port/d"),
        ("DATABASE_URL", "somewhere"),
        ("DATABASE_URL", "postgres://h/d?foo=1"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis://h?socket_timeout=abc"),
        ("REDIS_URL", "redis://h?foo=1"),
        ("WIDGET_WORKER", "abc"),
        ("REDIS_URL", "http://localhost"),
        ("REDIS_URL", "redis://:p/p[@h"),
        ("SECRET_KEYS", "short"),
        ("SECRET_KEYS", f"{SECRET},short"),
        ("PUBLIC_URL", "widgets.example"),
        ("PUBLIC_URL", "https://widgets.example/path"),
        ("PUBLIC_URL", "ftp://widgets.example"),
        ("PUBLIC_URL", "https://user:pass@widgets.example"),
        ("PUBLIC_URL", 'https://widgets.example"'),
        ("PUBLIC_URL", "https://widgets.example<"),
        ("PUBLIC_URL", "https://widgets.example?x=1"),
        ("PUBLIC_URL", "https://widgets.example#x"),
        ("PUBLIC_URL", "https://widgets.example:99999"),
        ("PUBLIC_URL", "https://widgets .example"),
        ("PUBLIC_URL", "https://widgets.example."),
        ("RATE_LIMITS", "on"),
        ("RATE_LIMITS", "comment"),
        ("RATE_LIMITS", "comment=0/60"),
        ("RATE_LIMITS", "comment=fast"),
        ("RATE_LIMITS", "shout=1/60"),
        ("SOCKETS_PER_NETWORK", "-1"),
        ("CONNECTIONS_PER_NETWORK", "-1"),
        ("TRUSTED_PROXIES", "*"),
        ("TRUSTED_PROXIES", "0.0.0.0/0"),
        ("TRUSTED_PROXIES", "::/0"),
        ("TRUSTED_PROXIES", "127.0.0.1,0.0.0.0/0"),
        ("TRUSTED_PROXIES", "127.0.0.1, 0.0.0.0/1, 128.0.0.0/1"),
        ("TRUSTED_PROXIES", "10.0.0.0/7"),
        ("TRUSTED_PROXIES", "2000::/3"),
        ("TRUSTED_PROXIES", "fd00::/15"),
        ("TRUSTED_PROXIES", "::ffff:0:0/96"),
        ("TRUSTED_PROXIES", "::ffff:0:0/100"),
        ("DRAIN_SECONDS", "-1"),
        ("DRAIN_SECONDS", "nan"),
        ("RECONCILE_SECONDS", "0"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_a_wrong_setting_is_one_sentence_that_names_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    if name == "DATABASE_URL":
        monkeypatch.setenv("SECRET_KEYS", SECRET)
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as problem:
        load()
    message = str(problem.value)
    assert message.startswith(f"{name}: ")
    assert message.endswith(".")
    assert len(message.splitlines()) == 1
    # The message must not repeat the value: it can be a password.
    assert "p[@h" not in message


def test_postgresql_requires_secret_keys_in_the_settings() -> None:
    with pytest.raises(SettingsError, match=r"^SECRET_KEYS: set it .* PostgreSQL\.$"):
        load(database_url="postgres://h/d")


def test_the_secret_is_created_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (secret,) = load(data_dir=folder).secrets()
    assert len(secret) >= 32
    assert stat.S_IMODE((folder / "secret").stat().st_mode) == 0o600
    assert load(data_dir=folder).secrets() == (secret,)
    assert [path.name for path in folder.iterdir()] == ["secret"]


def test_commands_that_start_at_once_get_the_same_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: load(data_dir=tmp_path).secrets(), range(32)))
    assert len(set(found)) == 1


def test_a_worker_creates_no_secret_if_the_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Put it back"):
        load(data_dir=tmp_path, widget_worker="1").secrets()
    assert list(tmp_path.iterdir()) == []


def test_secrets_in_the_settings_need_no_file(tmp_path: Path) -> None:
    config = load(data_dir=tmp_path, secret_keys=f"{SECRET}new,{SECRET}old")
    assert config.secrets() == (f"{SECRET}new", f"{SECRET}old")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o606])
def test_a_secret_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    load(data_dir=tmp_path).secrets()
    (tmp_path / "secret").chmod(mode)
    with pytest.raises(SettingsError, match="chmod 600"):
        load(data_dir=tmp_path).secrets()


@pytest.mark.parametrize("content", ["", "\n", "short"])
def test_a_file_without_a_valid_secret_is_refused_and_not_changed(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "secret"
    path.touch(0o600)
    path.write_text(content)
    with pytest.raises(SettingsError, match="holds no secret"):
        load(data_dir=tmp_path).secrets()
    assert path.read_text() == content


@pytest.mark.parametrize(
    "proxies",
    ["10.0.0.0/8", "127.0.0.1", "fd00::/16", "::1", "::ffff:10.0.0.0/104", "", "unix:, 10.1.2.3"],
)
def test_trusted_proxies_are_addresses_or_private_networks(
    monkeypatch: pytest.MonkeyPatch, proxies: str
) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", proxies or "127.0.0.1")
    assert load().trusted_proxies == (proxies or "127.0.0.1")


@pytest.mark.parametrize(
    ("given", "normalized"),
    [
        ("https://Widgets.Example", "https://widgets.example"),
        ("HTTPS://widgets.example:443", "https://widgets.example"),
        ("https://widgets.example:443/", "https://widgets.example"),
        ("https://widgets.example:8443//", "https://widgets.example:8443"),
        ("http://widgets.example:80", "http://widgets.example"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://[2001:DB8::0:1]", "https://[2001:db8::1]"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
    ],
)
def test_the_public_url_is_normalized_as_browsers_send_origins(
    monkeypatch: pytest.MonkeyPatch, given: str, normalized: str
) -> None:
    """The server's own pages are recognized by their origin.

    With another spelling the server would refuse every action of these pages.
    """
    monkeypatch.setenv("PUBLIC_URL", given)
    assert load().base_url == normalized


def test_the_base_url_omits_the_default_port() -> None:
    assert load(port=80).base_url == "http://localhost"


@pytest.mark.parametrize(
    "key",
    [
        *("changemechangeme", "your-secret-key-here", "a" * 16, "Change_Me_In_Production!"),
        *(
            "my-super-secret-key",
            "REPLACE_WITH_RANDOM_STRING",
            "secretsecretsecret",
            "xxxxxxxxxxxxxxxxx",
        ),
        *("this is not a secret", "1212121212121212", "1234567890123456", "django-insecure-key"),
        *("insert-your-key-here-123", "password12345678", "abcdefgabcdefgabcdefg"),
    ],
)
def test_a_guessable_secret_is_refused_with_a_command_that_makes_a_good_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, key: str
) -> None:
    for value, number in ((key, 1), (f"{secrets.token_urlsafe(32)},{key}", 2)):
        monkeypatch.setenv("SECRET_KEYS", value)
        with pytest.raises(SettingsError, match="openssl rand -base64 32") as problem:
            load()
        assert f"key {number} " in str(problem.value)
        assert key not in str(problem.value)
    monkeypatch.delenv("SECRET_KEYS")
    path = tmp_path / "secret"
    path.touch(0o600)
    path.write_text(key)
    with pytest.raises(SettingsError, match="openssl rand -base64 32"):
        load(data_dir=tmp_path).secrets()


def test_a_random_secret_is_accepted() -> None:
    generators: tuple[Callable[[], str], ...] = (
        lambda: secrets.token_urlsafe(32),
        lambda: secrets.token_hex(32),
        lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
        lambda: "correct horse battery staple",
    )
    for generate in generators:
        for _ in range(200):
            assert load(secret_keys=generate()).has_secrets


def test_no_secret_is_shown_with_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No representation has a secret: a debugger, a traceback or a log line may show the object."""
    monkeypatch.setenv("SECRET_KEYS", f"{SECRET}hidden")
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:hidden@h/d")
    monkeypatch.setenv("REDIS_URL", "redis://:hidden@h/0")
    config = load()
    shown = (repr(config), str(config), str(config.model_dump()), config.model_dump_json())
    assert not any("hidden" in text for text in shown)
    assert "hidden" in config.database
    assert "hidden" in config.redis
    monkeypatch.setenv("PORT", "http")
    with pytest.raises(ValidationError) as problem:
        Config()
    assert "hidden" not in str(problem.value)
    with pytest.raises(ValidationError) as problem:
        Config(secret_keys="hidden", redis_url="hidden://", database_url="hidden://")
    assert "hidden" not in str(problem.value)


@pytest.mark.parametrize(
    ("settings", "readers"),
    [
        ({}, 3),
        ({"rate_limits": "off"}, 0),
        ({"rate_limits": "off", "readers_per_network": 5}, 5),
        ({"readers_per_network": 0}, 0),
    ],
    ids=str,
)
def test_a_network_counts_as_three_readers_by_default(
    settings: dict[str, Any], readers: int
) -> None:
    assert load(**settings).readers == readers
