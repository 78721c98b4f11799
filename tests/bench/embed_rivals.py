"""This embed, Isso and Waline as servers on the loopback, for the comparison and the gallery.

Isso comes from PyPI and runs unchanged. Waline's client comes from npm; its server needs a database
that is not in its package, so `WalineServer` answers the client's requests instead.
"""

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from widget_server.auth import tokens

ROOT = Path(__file__).parents[2]
WRITTEN = "Written by the comparison."
"""Text of the comment or reply that a `Task` posts."""


@dataclass(frozen=True)
class Step:
    """One thing that a reader does: press an element, or write into it."""

    target: str
    text: str = ""
    shortcut: str = ""
    """Key that does the same, for a reader without a mouse."""


@dataclass(frozen=True)
class Task:
    """What a reader wants to do."""

    steps: tuple[Step, ...]
    done: str
    """Selector of an element that exists once it is done."""


@dataclass
class Embed:
    """One embed with a running server."""

    name: str
    body: Callable[[str], str]
    """Returns the HTML that shows the discussion with this key."""
    post: Callable[..., str]
    """Posts a comment as another reader: key of the discussion, text, name, id of a comment that it answers.

    Returns the comment's id.
    """
    ready: str
    """Selector of an element that exists once the embed is usable."""
    comment: str
    """Selector of a rendered comment."""
    within: str
    """Selector of the embed, for axe."""
    server: str
    files: list[Path]
    """Files of the embed that a page loads."""
    tasks: dict[str, Task]
    """What a reader can do."""
    compressed: str = ""
    """Address of a proxy before the server that compresses; empty if the server does it."""


class Host(BaseHTTPRequestHandler):
    """The website that embeds the discussion: pages by path, with their HTTP headers."""

    pages: dict[str, tuple[str, dict[str, str]]] = {}  # noqa: RUF012 - one site

    def do_GET(self) -> None:
        """Send the page, or 404."""
        html, headers = self.pages.get(urlsplit(self.path).path, ("", {}))
        self.send_response(200 if html else 404)
        for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(html.encode())

    def log_message(self, *_: object) -> None:
        """Log nothing."""


class WalineServer(BaseHTTPRequestHandler):
    """Serves the files of Waline's client and imitates its server."""

    dist = Path()
    threads: dict[str, list[dict[str, Any]]] = {}  # noqa: RUF012 - one server

    def do_GET(self) -> None:
        """Send a file, or the response to one of the two API requests."""
        address = urlsplit(self.path)
        if not address.path.startswith("/api/"):
            kind = "text/css" if address.path.endswith(".css") else "text/javascript"
            return self._send(kind, (self.dist / address.path.lstrip("/")).read_bytes())
        comments = self.threads.get(parse_qs(address.query).get("path", [""])[0], [])
        data: Any = [{"time": 1, **{f"reaction{i}": 0 for i in range(6)}}]
        if address.path == "/api/comment":
            data = {"page": 1, "totalPages": 1, "pageSize": 10, "count": len(comments)}
            data["data"] = comments[::-1]
        return self._answer(data)

    def do_POST(self) -> None:
        """Count a page view or a reaction, or take a comment."""
        fields = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self.path.startswith("/api/comment"):
            return self._answer([{"time": 1, fields["type"]: 1}])
        name = fields["nick"] or "Anonymous"
        posted = self.add(fields["url"], fields["comment"], name, fields.get("pid", ""))
        return self._answer(posted)

    def do_OPTIONS(self) -> None:
        """Answer a preflight request."""
        self._send("text/plain", b"")

    @classmethod
    def add(cls, path: str, text: str, name: str, parent: Any) -> dict[str, Any]:
        """Add a comment to a page's discussion, or to the comment `parent`."""
        thread = cls.threads.setdefault(path, [])
        comment = {
            "objectId": 1 + sum(1 + len(each["children"]) for each in thread),
            "nick": name,
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
        for each in thread:
            if str(each["objectId"]) == str(parent):
                comment |= {"pid": parent, "rid": parent, "reply_user": {"nick": each["nick"]}}
                each["children"].append(comment)
                return comment
        thread.append(comment)
        return comment

    def _answer(self, data: Any) -> None:
        answer = json.dumps({"errno": 0, "errmsg": "", "data": data})
        self._send("application/json", answer.encode())

    def _send(self, kind: str, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Allow-Headers", "content-type")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def compressing(server: str) -> type[BaseHTTPRequestHandler]:
    """Return a proxy before `server` that compresses, as operators put it before such a server."""

    class Proxy(BaseHTTPRequestHandler):
        def _pass_on(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            kept = ("Content-Type", "Origin", "Referer", "Cookie", "User-Agent")
            request = urllib.request.Request(
                server + self.path,
                self.rfile.read(length) if length else None,
                {name: self.headers[name] for name in kept if name in self.headers},
                method=self.command,
            )
            for name in ("Access-Control-Request-Method", "Access-Control-Request-Headers"):
                if name in self.headers:
                    request.add_header(name, self.headers[name])
            try:
                answer: Any = urllib.request.urlopen(request, timeout=30)
            except urllib.error.HTTPError as error:
                answer = error
            with answer:
                content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            if content and "gzip" in self.headers.get("Accept-Encoding", ""):
                content = gzip.compress(content)
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = do_OPTIONS = _pass_on  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    return Proxy


@contextmanager
def serve(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Run an HTTP server and yield its origin."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


@contextmanager
def running(command: list[str], address: str, **options: Any) -> Iterator[None]:
    """Run a server process inside the block; wait until `address` responds."""
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
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def send(address: str, fields: dict[str, Any], origin: str, kind: str) -> Any:
    """Send one POST request and return the answer."""
    headers = {"Content-Type": kind, "Origin": origin}
    request = urllib.request.Request(address, json.dumps(fields).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def this_embed(stack: ExitStack, folder: Path, host: str) -> Embed:
    """Start this project's server."""
    port = free_port()
    server = f"http://localhost:{port}"
    data = folder / "this"
    env = {**os.environ, "DATA_DIR": str(data), "PUBLIC_URL": server, "RATE_LIMITS": "off"}
    program = [sys.executable, "-m", "widget_server"]
    command = [*program, "serve", "--port", str(port)]
    stack.enter_context(running(command, f"{server}/readyz", cwd=ROOT, env=env))

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [*program, *arguments], cwd=ROOT, env=env, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    run("site", "create", "press", "--name", "Press")
    _, generation, _, secret = run("site", "key", "press").replace(",", "").split()
    signed: dict[str, str] = {}
    codes: dict[str, str] = {}

    def body(key: str) -> str:
        claims = {"story": key, "origins": ["*"], "iat": int(time.time()), "title": key}
        signed[key] = tokens.mint(secret, "w1", "press", int(generation), claims)
        codes[key] = tokens.story_code("press", key)
        action = {"type": "react", "ref": 1, "token": signed[key], "story": codes[key]}
        send(f"{server}/v1/actions", {**action, "reaction": None}, host, "text/plain")
        return (
            f'<blockquote><p><a class="story-widget" href="{server}/s/{codes[key]}" '
            f'data-widget-token="{signed[key]}">Discuss this story</a></p></blockquote>'
            f'<script async src="{server}/embed.js"></script>'
        )

    def post(key: str, text: str, name: str = "Ana", parent: str = "") -> str:
        action = {"type": "comment", "ref": 1, "token": signed[key], "story": codes[key]}
        action |= {"key": str(uuid.uuid4()), "name": name, "body": text}
        if parent:
            action["parent"] = parent
        return str(send(f"{server}/v1/actions", action, host, "text/plain")["comment"]["id"])

    return Embed(
        "this embed",
        body,
        post,
        ready="story-widget [part=composer] textarea",
        comment="story-widget [part=comment]",
        within="story-widget",
        server=server,
        files=[ROOT / "widget_server/static/embed.js"],
        tasks={
            "react": Task(
                (Step("story-widget [part~=reaction] >> nth=2"),),
                "story-widget [part~=reaction][aria-pressed=true]",
            ),
            "comment": Task(
                (
                    Step("story-widget [part=composer] textarea", WRITTEN),
                    Step("story-widget [part=composer] .primary", shortcut="Control+Enter"),
                ),
                f"story-widget [part=comment]:has-text('{WRITTEN}')",
            ),
            "reply": Task(
                (
                    Step("story-widget [part=comment] >> nth=0 >> role=button[name=/^Reply to/]"),
                    Step("story-widget [part=comment] textarea", WRITTEN),
                    Step("story-widget [part=comment] .primary", shortcut="Control+Enter"),
                ),
                f"story-widget li li [part=comment]:has-text('{WRITTEN}')",
            ),
            "share": Task(
                (
                    Step("story-widget >> role=button[name='Share']"),
                    Step("story-widget >> text='Copy link'"),
                ),
                "story-widget >> text=/copied/",
            ),
        },
    )


def isso(stack: ExitStack, folder: Path, host: str) -> Embed:
    """Install Isso from PyPI and run it as its documentation says."""
    venv = folder / "isso"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    subprocess.run([venv / "bin/pip", "install", "--quiet", "--quiet", "isso"], check=True)
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

    def post(key: str, text: str, name: str = "Ana", parent: str = "") -> str:
        fields = {"text": text, "author": name, "parent": int(parent) if parent else None}
        return str(send(f"{server}/new?uri=/{key}", fields, host, "application/json")["id"])

    return Embed(
        "Isso " + _version(venv),
        lambda _: (
            f'<script data-isso="{server}/" src="{server}/js/embed.min.js" async></script>'
            '<section id="isso-thread"></section>'
        ),
        post,
        ready="#isso-thread textarea",
        comment="#isso-root .isso-comment",
        within="#isso-thread",
        server=server,
        files=[package / "js/embed.min.js", package / "css/isso.css"],
        tasks={
            "comment": Task(
                (
                    Step("#isso-thread > .isso-postbox textarea", WRITTEN),
                    Step("#isso-thread > .isso-postbox [type=submit]"),
                ),
                f"#isso-root .isso-comment:has-text('{WRITTEN}')",
            ),
            "reply": Task(
                (
                    Step("#isso-root .isso-comment >> nth=0 >> .isso-reply"),
                    Step("#isso-root .isso-comment textarea", WRITTEN),
                    Step("#isso-root .isso-comment [type=submit]"),
                ),
                f"#isso-root .isso-follow-up .isso-comment:has-text('{WRITTEN}')",
            ),
        },
        compressed=stack.enter_context(serve(compressing(server))),
    )


def _version(venv: Path) -> str:
    shown = subprocess.run(
        [venv / "bin/pip", "list", "--format", "json"], check=True, capture_output=True, text=True
    ).stdout
    return next(str(each["version"]) for each in json.loads(shown) if each["name"] == "isso")


def waline(stack: ExitStack, folder: Path, host: str) -> Embed:
    """Install Waline's client from npm and serve it."""
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
    WalineServer.dist = package / "dist"
    server = stack.enter_context(serve(WalineServer))

    def post(key: str, text: str, name: str = "Ana", parent: str = "") -> str:
        return str(WalineServer.add(f"/{key}", text, name, parent)["objectId"])

    return Embed(
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
        tasks={
            "react": Task(
                (Step("#waline .wl-reaction-item >> nth=0"),), "#waline .wl-reaction-item.active"
            ),
            "comment": Task(
                (
                    Step("#waline textarea >> nth=0", WRITTEN),
                    Step("#waline .wl-btn.primary >> nth=0", shortcut="Control+Enter"),
                ),
                f"#waline .wl-card-item:has-text('{WRITTEN}')",
            ),
            "reply": Task(
                (
                    Step("#waline .wl-card-item >> nth=0 >> .wl-reply"),
                    Step("#waline .wl-reply-wrapper textarea", WRITTEN),
                    Step("#waline .wl-reply-wrapper .wl-btn.primary", shortcut="Control+Enter"),
                ),
                f"#waline .wl-quote .wl-card-item:has-text('{WRITTEN}')",
            ),
        },
        compressed=stack.enter_context(serve(compressing(server))),
    )


def publish(
    rival: Embed, key: str, *, strict: bool = False, compressed: bool = False, head: str = ""
) -> str:
    """Put a page with the embed on the website; return its path.

    If `compressed` is True, the page loads the embed from the proxy that compresses.
    """
    policy = {
        "Content-Security-Policy": (
            f"default-src 'none'; script-src 'self' {rival.server}; style-src {rival.server}; "
            f"connect-src {rival.server} {rival.server.replace('http', 'ws', 1)}; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        )
    }
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A story</title>'
        f'<meta name="viewport" content="width=device-width">{head}</head><body><main>'
        f'<h1>A story</h1><p><a href="#top">Before</a></p>{rival.body(key)}</main>'
        "<footer>After</footer></body></html>"
    )
    start = (
        f'import {{ init }} from "{rival.server}/waline.js";\n'
        f'init({{ el: "#waline", serverURL: "{rival.server}", path: "/{key}", lang: "en", '
        'dark: "auto", reaction: true })'
    )
    if compressed and rival.compressed:
        html, start = (text.replace(rival.server, rival.compressed) for text in (html, start))
    Host.pages[f"/{key}"] = (html, policy if strict else {})
    Host.pages[f"/{key}.js"] = (start, {"Content-Type": "text/javascript"})
    return f"/{key}"
