"""Our embed beside Isso and Waline: bytes, requests, accessibility, strict pages, live updates.

`.venv/bin/python tests/bench/compare_embeds.py` installs the other two from PyPI and npm into a temporary folder, runs all on loopback,
looks at them with Chromium and prints the table of docs/developers/embed-comparison.md. It is not a test: it needs the network and a few minutes.

Isso runs as it is. Waline's server needs a database that is not in its package, so that only its client is looked at: its two
questions are answered here, with three comments in the shape that it asks for.
"""

# ruff: noqa: T201 - a script for who measures, not a part of the server

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import brotli  # type: ignore[import-untyped]
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    TimeoutError as NeverCame,
    sync_playwright,
)

ROOT = Path(__file__).parents[2]
AXE = ROOT / "js/node_modules/axe-core/axe.min.js"
CHROMIUMS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
COMMENTS = ("The boat waits, and so do we.", "Who pays for the fuel?", "We have a bus like this.")
LATE = "Said while you were reading."
PATIENCE = 5_000
"""Milliseconds in which a widget must be there, or another reader's comment."""


@dataclass
class Peer:
    """One embed, ready to be looked at."""

    name: str
    body: Callable[[str], str]
    """HTML of a page that shows the discussion with this key."""
    post: Callable[[str, str], None] | None
    """Writes a comment (key of the discussion, text) as another reader."""
    ready: str
    """Selector of what is there when the embed can be used."""
    comment: str
    """Selector of one drawn comment."""
    within: str
    """Selector of the embed, for axe."""
    server: str
    files: list[Path]
    """What a page loads of its program."""


@dataclass
class Seen:
    """What one page load did."""

    requests: list[str] = field(default_factory=list)
    preflights: int = 0
    sockets: int = 0
    wire: int = 0
    said: list[str] = field(default_factory=list)


class Host(BaseHTTPRequestHandler):
    """Someone else's site: pages by path, each with the headers it was given."""

    pages: dict[str, tuple[str, dict[str, str]]] = {}  # noqa: RUF012 - one site

    def do_GET(self) -> None:
        """The page, or nothing."""
        html, headers = self.pages.get(urlsplit(self.path).path, ("", {}))
        self.send_response(200 if html else 404)
        for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(html.encode())

    def log_message(self, *_: object) -> None:
        """No one reads it."""


class WalineAnswers(BaseHTTPRequestHandler):
    """Its client's files, and what its server would answer."""

    dist = Path()
    threads: dict[str, list[str]] = {}  # noqa: RUF012 - one server

    def do_GET(self) -> None:
        """A file, or one of the two questions."""
        address = urlsplit(self.path)
        if not address.path.startswith("/api/"):
            kind = "text/css" if address.path.endswith(".css") else "text/javascript"
            return self._send(kind, (self.dist / address.path.lstrip("/")).read_bytes())
        said = self.threads.get(parse_qs(address.query).get("path", [""])[0], [])
        data: Any = [{"time": 1, **{f"reaction{i}": 0 for i in range(6)}}]
        if address.path == "/api/comment":
            data = {"page": 1, "totalPages": 1, "pageSize": 10, "count": len(said)}
            data["data"] = [self._comment(number, text) for number, text in enumerate(said)]
        answer = json.dumps({"errno": 0, "errmsg": "", "data": data})
        return self._send("application/json", answer.encode())

    def do_POST(self) -> None:
        """Someone read the page."""
        self._send("application/json", b'{"errno":0,"errmsg":"","data":[{"time":1}]}')

    def do_OPTIONS(self) -> None:
        """A preflight."""
        self._send("text/plain", b"")

    @staticmethod
    def _comment(number: int, text: str) -> dict[str, Any]:
        return {
            "objectId": number + 1,
            "nick": "Ana",
            "mail": "",
            "link": "",
            "comment": f"<p>{text}</p>",
            "orig": text,
            "time": int(time.time() * 1000),
            "like": 0,
            "status": "approved",
            "avatar": "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=",
            "browser": "",
            "os": "",
            "addr": "",
            "children": [],
        }

    def _send(self, kind: str, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Allow-Headers", "content-type")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """No one reads it."""


@contextmanager
def serve(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve on a port of its own; the origin."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


@contextmanager
def running(command: list[str], address: str, **options: Any) -> Iterator[None]:
    """A server as a process, until it is no longer needed."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options
    )
    try:
        for _ in range(300):
            if process.poll() is not None:
                raise SystemExit(f"{command[0]} ended.")
            try:
                urllib.request.urlopen(address, timeout=1).close()
            except OSError as error:
                if hasattr(error, "code"):
                    break
                time.sleep(0.1)
            else:
                break
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def send(address: str, fields: dict[str, Any], origin: str, kind: str) -> None:
    """One POST."""
    headers = {"Content-Type": kind, "Origin": origin}
    request = urllib.request.Request(address, json.dumps(fields).encode(), headers)
    urllib.request.urlopen(request, timeout=10).close()


def ours(stack: ExitStack, folder: Path, host: str) -> Peer:
    """This project's embed."""
    port = free_port()
    server = f"http://localhost:{port}"
    data = folder / "ours"
    env = {**os.environ, "DATA_DIR": str(data), "PUBLIC_URL": server, "RATE_LIMITS": "off"}
    program = [sys.executable, "-m", "widget_server"]
    command = [*program, "serve", "--port", str(port)]
    stack.enter_context(running(command, f"{server}/readyz", cwd=ROOT, env=env))

    def run(*words: str) -> str:
        done = subprocess.run(
            [*program, *words], cwd=ROOT, env=env, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    run("site", "create", "press", "--name", "Press")
    tokens: dict[str, str] = {}
    codes: dict[str, str] = {}

    def body(key: str) -> str:
        words = ("token", "--site", "press", "--story", key, "--origin", "*", "--title", key)
        tokens[key] = run(*words)
        snippet = run(*words, "--snippet")
        codes[key] = snippet.split("/s/")[1].split('"')[0]
        action = {"type": "react", "ref": 1, "token": tokens[key], "story": codes[key]}
        send(f"{server}/v1/actions", {**action, "reaction": None}, host, "text/plain")
        return snippet

    def post(key: str, text: str) -> None:
        action = {"type": "comment", "ref": 1, "token": tokens[key], "story": codes[key]}
        action |= {"key": str(uuid.uuid4()), "name": "Ana", "body": text}
        send(f"{server}/v1/actions", action, host, "text/plain")

    return Peer(
        "this embed",
        body,
        post,
        ready="story-widget [part=composer] textarea",
        comment="story-widget [part=comment]",
        within="story-widget",
        server=server,
        files=[ROOT / "widget_server/static/embed.js"],
    )


def isso(stack: ExitStack, folder: Path, host: str) -> Peer:
    """Isso from PyPI, as its own documentation runs it."""
    venv = folder / "isso"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    subprocess.run(
        [venv / "bin/pip", "install", "--secondary-color", "--secondary-color", "isso"], check=True
    )
    port = free_port()
    server = f"http://localhost:{port}"
    config = folder / "isso.cfg"
    config.write_text(
        f"[general]\ndbpath = {folder}/isso.db\nhost = {host}/\n"
        f"[server]\nlisten = {server}/\n[guard]\nenabled = false\n"
    )
    command = [str(venv / "bin/isso"), "-c", str(config), "run"]
    stack.enter_context(running(command, f"{server}/js/embed.min.js"))
    package = next(venv.glob("lib/python*/site-packages/isso"))
    return Peer(
        "Isso " + _version(venv),
        lambda _: (
            f'<script data-isso="{server}/" src="{server}/js/embed.min.js" async></script>'
            '<section id="isso-thread"></section>'
        ),
        lambda key, text: send(
            f"{server}/new?uri=/{key}", {"text": text, "author": "Ana"}, host, "application/json"
        ),
        ready="#isso-thread textarea",
        comment="#isso-thread .isso-comment",
        within="#isso-thread",
        server=server,
        files=[package / "js/embed.min.js", package / "css/isso.css"],
    )


def _version(venv: Path) -> str:
    shown = subprocess.run(
        [venv / "bin/pip", "list", "--format", "json"], check=True, capture_output=True, text=True
    ).stdout
    return next(str(each["version"]) for each in json.loads(shown) if each["name"] == "isso")


def waline(stack: ExitStack, folder: Path, host: str) -> Peer:
    """Waline's client from npm."""
    del host
    subprocess.run(
        [
            "npm",
            "install",
            "--silent",
            "--ignore-scripts",
            "--prefix",
            folder,
            "@waline/client@latest",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    package = folder / "node_modules/@waline/client"
    WalineAnswers.dist = package / "dist"
    server = stack.enter_context(serve(WalineAnswers))

    def post(key: str, text: str) -> None:
        WalineAnswers.threads.setdefault(f"/{key}", []).append(text)

    return Peer(
        "Waline " + json.loads((package / "package.json").read_text())["version"] + " (client)",
        lambda key: (
            f'<link rel="stylesheet" href="{server}/waline.css"><div id="waline"></div>'
            f'<script type="module" src="/{key}.js"></script>'
        ),
        post,
        ready="#waline textarea",
        comment="#waline .wl-card-item",
        within="#waline",
        server=server,
        files=[package / "dist/waline.js", package / "dist/waline.css"],
    )


def publish(rival: Peer, key: str, *, strict: bool = False) -> str:
    """Put a page with the embed on the host; its path."""
    policy = {
        "Content-Security-Policy": (
            f"default-src 'none'; script-src 'self' {rival.server}; style-src {rival.server}; "
            f"connect-src {rival.server} {rival.server.replace('http', 'ws', 1)}; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        )
    }
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A story</title>'
        '<meta name="viewport" content="width=device-width">'
        f"</head><body><main><h1>A story</h1>{rival.body(key)}</main></body></html>"
    )
    Host.pages[f"/{key}"] = (html, policy if strict else {})
    start = (
        f'import {{ init }} from "{rival.server}/waline.js";\n'
        f'init({{ el: "#waline", serverURL: "{rival.server}", path: "/{key}", lang: "en", '
        "reaction: true })"
    )
    Host.pages[f"/{key}.js"] = (start, {"Content-Type": "text/javascript"})
    return f"/{key}"


def listen(page: Page) -> Seen:
    """Count what a page does from now on, but for the page itself."""
    seen = Seen()
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")

    def asked(event: Any) -> None:
        url = event["request"]["url"]
        if event.get("type") == "Document" or url.startswith("data:") or "favicon" in url:
            return
        if event["request"]["method"] == "OPTIONS" or event.get("type") == "Preflight":
            seen.preflights += 1
        seen.requests.append(url)

    def done(event: Any) -> None:
        seen.wire += int(event["encodedDataLength"])

    def spoke(message: ConsoleMessage) -> None:
        if "favicon" not in message.text and "favicon" not in str(message.location):
            seen.said.append(message.text)

    session.on("Network.requestWillBeSent", asked)
    session.on("Network.loadingFinished", done)
    session.on("Network.webSocketCreated", lambda _: setattr(seen, "sockets", seen.sockets + 1))
    page.on("console", spoke)
    page.on("pageerror", lambda error: seen.said.append(str(error)))
    return seen


def there(page: Page, selector: str) -> bool:
    """Whether it comes."""
    try:
        page.locator(selector).first.wait_for(timeout=PATIENCE)
    except NeverCame:
        return False
    return True


def faults(page: Page, within: str) -> str:
    """What axe finds, as rules and places."""
    page.evaluate(AXE.read_text("utf-8"))
    found: dict[str, int] = page.evaluate(
        "within => axe.run(within).then(({ violations }) => Object.fromEntries("
        "violations.map(({ id, nodes }) => [id, nodes.length])))",
        within,
    )
    if not found:
        return "0"
    names = ", ".join(f"{rule} {count}" for rule, count in sorted(found.items()))
    return f"{sum(found.values())} ({names})"


def look(browser: Browser, host: str, rival: Peer) -> dict[str, str]:
    """All rows of one embed."""
    rows: dict[str, str] = {}
    plain = [path.read_bytes() for path in rival.files]
    sizes = [len(brotli.compress(content, quality=11)) for content in plain]
    rows["program and styles, Brotli 11, bytes"] = f"{sum(sizes):,}"
    rows["the same, not compressed"] = f"{sum(map(len, plain)):,}"

    def fresh() -> Page:
        return browser.new_context(viewport={"width": 900, "height": 1000}).new_page()

    page = fresh()
    page.goto(host + publish(rival, f"empty-{len(rival.name)}"))
    there(page, rival.ready)
    page.wait_for_load_state("networkidle")
    rows["axe: faults, no comments"] = faults(page, rival.within)
    empty = _nodes(page, rival)

    key = f"three-{len(rival.name)}"
    path = publish(rival, key)
    for text in COMMENTS:
        if rival.post:
            rival.post(key, text)
    page = fresh()
    seen = listen(page)
    page.goto(host + path)
    there(page, rival.ready)
    there(page, rival.comment)
    page.wait_for_load_state("networkidle")
    foreign = [url for url in seen.requests if urlsplit(url).hostname != "localhost"]
    rows["requests to a usable thread of three comments"] = str(len(seen.requests))
    rows["… of them preflights"] = str(seen.preflights)
    rows["… of them to outside hosts (not reached)"] = str(len(foreign))
    rows["… and sockets"] = str(seen.sockets)
    rows["bytes received as its own server sends them"] = f"{seen.wire:,}"
    # Outside hosts cannot be reached here: that their files are missing says nothing of the embed.
    own = [text for text in seen.said if "Failed to load resource" not in text]
    rows["console messages"] = str(len(own))
    rows["axe: faults, three comments"] = faults(page, rival.within)
    each = (_nodes(page, rival) - empty) / len(COMMENTS)
    rows["DOM nodes per comment"] = f"{each:.0f}"

    other = fresh()
    other.goto(host + path)
    there(other, rival.comment)
    other.wait_for_load_state("networkidle")
    if rival.post:
        rival.post(key, LATE)
    news = other.get_by_text(LATE).or_(other.get_by_role("button", name="new comment"))
    try:
        news.first.wait_for(timeout=PATIENCE)
        rows["an open page hears of a new comment"] = "yes"
    except NeverCame:
        rows["an open page hears of a new comment"] = "no"

    page = fresh()
    seen = listen(page)
    page.goto(host + publish(rival, f"strict-{len(rival.name)}", strict=True))
    drawn = there(page, rival.ready)
    page.wait_for_load_state("networkidle")
    rows["drawn under a strict policy with Trusted Types"] = "yes" if drawn else "no"
    wrong = [text for text in seen.said if "violates" in text or "TrustedHTML" in text]
    rows["… policy violations on the console"] = str(len(wrong))
    return rows


def _nodes(page: Page, rival: Peer) -> int:
    """Elements in the embed, shadow roots included."""
    count: int = page.locator(rival.within).first.evaluate(
        """embed => {
          const count = (root) => [...root.querySelectorAll("*")]
            .reduce((sum, each) => sum + 1 + (each.shadowRoot ? count(each.shadowRoot) : 0), 0);
          return count(embed) + (embed.shadowRoot ? count(embed.shadowRoot) : 0);
        }"""
    )
    return count


def main() -> None:
    """Print the table."""
    found = next((path for path in CHROMIUMS if Path(path).exists()), None)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="compare-")))
        host = stack.enter_context(serve(Host))
        rivals = [make(stack, folder, host) for make in (ours, isso, waline)]
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(
            executable_path=found,
            args=["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost"],
        )
        columns = [look(browser, host, rival) for rival in rivals]
        browser.close()
    print("| | " + " | ".join(rival.name for rival in rivals) + " |")
    print("|---|" + "--:|" * len(rivals))
    for row in columns[0]:
        print(f"| {row} | " + " | ".join(column[row] for column in columns) + " |")


if __name__ == "__main__":
    main()
