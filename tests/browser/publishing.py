"""Fresh WordPress and Ghost installations, each on its own origin, with a shared MariaDB.

`make cms-tests` unpacks the programs. They write only into the given folder and stop with the tests.
"""

import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, Page

from tests.browser.conftest import ROOT, SCREENSHOTS
from tests.ports import free_port
from tests.waiting import wait_until

SYSTEMS = Path(os.environ.get("SYSTEMS", ROOT / ".venv" / "systems"))
UNPACKED = SYSTEMS / "root" / "usr"
PASSWORD = "correct-horse-9-battery"
BLOG = "Northside Weekly"

WP_CONFIG = """<?php
define('DB_NAME', 'wordpress');
define('DB_USER', 'root');
define('DB_PASSWORD', '');
define('DB_HOST', 'localhost:{socket}');
define('DB_CHARSET', 'utf8mb4');
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('DISABLE_WP_CRON', true);
$table_prefix = 'wp_';
if (!defined('ABSPATH')) define('ABSPATH', __DIR__ . '/');
require ABSPATH . 'wp-settings.php';
"""


ROUTER = """<?php
// What WordPress's .htaccess says. PHP's own server looks for a file if an address has a dot, as
// /wp-json/oembed/1.0/proxy has, and a site of a network has WordPress's files below its own path.
$root = $_SERVER['DOCUMENT_ROOT'];
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if (is_file($root . $path) || ($path !== '/' && is_file($root . rtrim($path, '/') . '/index.php'))) return false;
$file = $root . preg_replace('#^/[a-z0-9-]+(?=/wp-)#', '', $path);
$file .= is_dir($file) ? 'index.php' : '';
if (!is_file($file) || $path === '/') [$file, $path] = ["$root/index.php", '/index.php'];
if (!str_ends_with($file, '.php')) {
    $types = ['css' => 'text/css', 'js' => 'text/javascript', 'svg' => 'image/svg+xml'];
    header('Content-Type: ' . ($types[pathinfo($file, PATHINFO_EXTENSION)] ?? mime_content_type($file)));
    readfile($file);
    return true;
}
$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = $path;
chdir(dirname($file));
require $file;
"""


@contextlib.contextmanager
def running(
    command: Sequence[str | Path],
    log: Path,
    ready: Callable[[], bool],
    folder: Path | None,
    **env: str,
) -> Iterator[None]:
    """Run a server until the block ends. Its output is in `log`."""
    with log.open("w") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            env={**os.environ, **env},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def up() -> bool:
        assert process.poll() is None, log.read_text()
        return ready()

    try:
        wait_until(up, f"{command[0]} is ready", 120)
        yield
    finally:
        # The PHP server starts worker processes: stop the whole group.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def answers(address: str) -> bool:
    """Return whether a GET of this address succeeds."""
    try:
        urllib.request.urlopen(address, timeout=5).close()
    except urllib.error.HTTPError:
        return False
    except OSError:
        return False
    return True


@contextlib.contextmanager
def mariadb(folder: Path) -> Iterator[Path]:
    """Run MariaDB with the empty databases `wordpress` and `ghost`. Yields its Unix socket; TCP is off."""
    libraries = next((UNPACKED / "lib").glob("*-linux-gnu"))
    path, socket = {"LD_LIBRARY_PATH": str(libraries)}, folder / "socket"
    data = ("--no-defaults", f"--datadir={folder / 'data'}", "--user=root")
    subprocess.run(
        [UNPACKED / "bin" / "mariadb-install-db", *data, f"--basedir={UNPACKED}"],
        env={**os.environ, **path},
        check=True,
        capture_output=True,
    )
    first = folder / "first.sql"
    first.write_text("CREATE DATABASE wordpress;\nCREATE DATABASE ghost;\n")
    share = UNPACKED / "share" / "mysql"
    command: list[str | Path] = [
        *(UNPACKED / "sbin" / "mariadbd", *data, "--skip-networking", "--skip-grant-tables"),
        *(f"--socket={socket}", f"--init-file={first}", f"--lc-messages-dir={share}"),
        f"--character-sets-dir={share / 'charsets'}",
    ]
    with running(command, folder / "log", socket.exists, None, **path):
        yield socket


@dataclass(frozen=True)
class WordPress:
    """A fresh WordPress with an administrator `admin`."""

    address: str
    folder: Path

    @property
    def version(self) -> str:
        """The version of WordPress."""
        text = (self.folder / "wp-includes" / "version.php").read_text("utf-8")
        return text.partition("$wp_version = '")[2].partition("'")[0]

    def may_ask(self, port: int) -> None:
        """Allow requests to servers at this port: WordPress asks ports 80, 443 and 8080 only."""
        folder = self.folder / "wp-content" / "mu-plugins"
        folder.mkdir(exist_ok=True)
        (folder / "ports.php").write_text(
            f"<?php add_filter('http_allowed_safe_ports', fn () => [{port}]);"
        )

    async def enter(self, page: Page, name: str) -> None:
        """Log in by the form's request. The page's own script can empty a field that is filled at once."""
        form, ask = f"{self.address}/wp-login.php", page.context.request
        await ask.get(form)
        sent: dict[str, str | float | bool] = {
            "log": name,
            "pwd": PASSWORD,
            "wp-submit": "Log In",
            "testcookie": "1",
        }
        answer = await ask.post(form, form=sent)
        assert "/wp-admin/" in answer.url, await answer.text()

    async def ask(self, context: BrowserContext, method: str, path: str, **data: Any) -> Any:
        """Call the REST API as the logged-in user."""
        nonce = await context.request.get(
            f"{self.address}/wp-admin/admin-ajax.php?action=rest-nonce"
        )
        answer = await context.request.fetch(
            f"{self.address}/?rest_route=/wp/v2/{path}",
            method=method,
            headers={"X-WP-Nonce": await nonce.text()},
            data=data or None,
        )
        assert answer.ok, await answer.text()
        return await answer.json()


@contextlib.contextmanager
def wordpress(folder: Path, database: Path) -> Iterator[WordPress]:
    """Run Debian's WordPress with PHP's server, installed with its own form."""
    site = folder / "site"
    shutil.copytree(UNPACKED / "share" / "wordpress", site)
    (site / "wp-config.php").write_text(WP_CONFIG.replace("{socket}", str(database)))
    router = folder / "router.php"
    router.write_text(ROUTER)
    modules = next((UNPACKED / "lib" / "php").iterdir())
    address = f"http://localhost:{free_port()}"
    extensions = [f"-dextension={modules / name}.so" for name in ("mysqlnd", "mysqli")]
    command: list[str | Path] = [
        "php",
        *extensions,
        # Else a changed `wp-config.php` counts only two seconds later.
        "-dopcache.revalidate_freq=0",
        "-S",
        address.removeprefix("http://"),
        "-t",
        site,
        router,
    ]
    asked = {
        "weblog_title": BLOG,
        "user_name": "admin",
        "admin_password": PASSWORD,
        "admin_password2": PASSWORD,
        "pw_weak": "1",
        "admin_email": "admin@example.com",
        "blog_public": "0",
    }
    form = f"{address}/wp-admin/install.php?step="
    # Chromium opens connections before it has a request for them, and each of them holds a worker.
    workers = {"PHP_CLI_SERVER_WORKERS": "64"}
    with running(command, folder / "log", lambda: answers(form + "1"), None, **workers):
        filled = urllib.parse.urlencode(asked).encode()
        with urllib.request.urlopen(form + "2", filled, timeout=60) as answer:
            assert b"Success!" in answer.read()
        yield WordPress(address, site)


@dataclass(frozen=True)
class Ghost:
    """A fresh Ghost with an owner."""

    address: str

    @property
    def version(self) -> str:
        """The version of Ghost."""
        about = json.loads((SYSTEMS / "ghost" / "package.json").read_text("utf-8"))
        return str(about["version"])

    async def ask(self, context: BrowserContext, method: str, path: str, **data: Any) -> Any:
        """Call the Admin API as the logged-in user."""
        answer = await context.request.fetch(
            f"{self.address}/ghost/api/admin/{path}",
            method=method,
            headers={"Origin": self.address},
            data=data or None,
        )
        assert answer.ok, await answer.text()
        return await answer.json() if "json" in answer.headers["content-type"] else None

    async def enter(self, context: BrowserContext, email: str = "owner@example.com") -> None:
        """Log in."""
        await self.ask(context, "POST", "session/", username=email, password=PASSWORD)


@contextlib.contextmanager
def ghost(folder: Path, database: Path) -> Iterator[Ghost]:
    """Run Ghost with its default theme, not set up yet."""
    shutil.copytree(SYSTEMS / "ghost" / "content", folder / "content")
    address = f"http://localhost:{free_port()}"
    settings = {
        "NODE_ENV": "development",
        "url": address,
        "server__port": address.rpartition(":")[2],
        "database__client": "mysql",
        "database__connection__socketPath": str(database),
        "database__connection__user": "root",
        "database__connection__database": "ghost",
        "paths__contentPath": str(folder / "content"),
        "privacy__useUpdateCheck": "false",
        "privacy__useGravatar": "false",
        "logging__level": "error",
        "mail__transport": "stub",
    }
    home = SYSTEMS / "ghost"
    command = [SYSTEMS / "node" / "node_modules" / "node", home / "index.js"]
    up = f"{address}/ghost/api/admin/site/"
    with running(command, folder / "log", lambda: answers(up), home, **settings):
        yield Ghost(address)


async def picture(page: Page, name: str, width: int, height: int, top: int = 0) -> None:
    """Save a part of the page as a small WebP, to be copied into docs/pictures by hand."""
    await page.mouse.move(0, 0)
    clip = {"x": 0, "y": top, "width": width, "height": height, "scale": 1}
    browser = await page.context.new_cdp_session(page)
    how = {"format": "webp", "quality": 60, "clip": clip, "captureBeyondViewport": True}
    shot = await browser.send("Page.captureScreenshot", how)
    SCREENSHOTS.mkdir(exist_ok=True)
    (SCREENSHOTS / f"{name}.webp").write_bytes(base64.b64decode(shot["data"]))
