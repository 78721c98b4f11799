"""Takes the pictures of the documentation: the demo in Chromium, as a reader sees it.

`.venv/bin/python docs/pictures/make.py` writes the PNG files beside this file. Every picture is of the running software;
nothing is drawn or retouched.
"""

# ruff: noqa: S310, S603, T201, TID251 - a script for who changes the documentation

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).parent
LIMIT = 100_000
"""Bytes that a picture may have: anyone who clones the repository pays for it."""
CHROMIUMS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
FACES = {"surprised": 7, "thinking": 18, "happy": 41, "sad": 3, "fired_up": 12}
VOICES = (
    ("Yusuf", "Who pays for the fuel in winter? The article is quiet about it."),
    ("Mireille", "We have a *bus* like this. The driver knows every child by name."),
    ("Ana", "I learned to read on that ferry. **No one asked me for a card.**"),
)
ARABIC = (
    ("ياسمين", "مكتبة تبحر كل مساء: أجمل ما قرأت هذا الأسبوع."),
    ("Tomás", "En mi pueblo cerraron la biblioteca el año pasado. Ojalá un barco."),
)
AT_REST = """!document.querySelector("story-widget").shadowRoot.querySelector(".floating-icon")
  && document.querySelector("story-widget").shadowRoot.getAnimations().length === 0"""
PAPER = """<!doctype html><html {attributes}><head><meta charset=utf-8><title>Copy</title>
<meta name=viewport content="width=device-width"><link rel=icon href="data:,"><style>
:root {{ color-scheme: light dark }} body {{ font: 1.05rem/1.6 system-ui, sans-serif; margin: 0 auto; padding: 1rem;
max-width: 40rem }} blockquote {{ margin: 1.5rem 0 0 }} h1 {{ line-height: 1.2; margin: .5rem 0 }}
iframe {{ width: 100%; border: 1px solid #8888 }} </style></head><body>{body}</body></html>"""


@dataclass
class Stage:
    """The demo as its own process."""

    port: int
    data: Path

    @property
    def server(self) -> str:
        """The address of the widget server."""
        return f"http://localhost:{self.port}"

    def carried(self, number: int) -> str:
        """The address of one of the three pages that carry the story."""
        return f"http://localhost:{self.port + 1 + number}"

    def token(self, story: str, *more: str) -> str:
        """A token for any page, signed by the demo's site."""
        origin = () if "--origin" in more else ("--origin", "*")
        words = ("token", "--site", "harbour-post", "--story", story, *origin, *more)
        command = [sys.executable, "-m", "widget_server", *words, "--data", str(self.data)]
        env = {**_env(), "PUBLIC_URL": self.server}
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
        return done.stdout.strip()

    def action(self, token: str, origin: str, **fields: Any) -> dict[str, Any]:
        """What a reader does who is seen only once; the server's answer."""
        request = urllib.request.Request(
            f"{self.server}/v1/actions",
            json.dumps({"ref": 1, "token": token, **fields}).encode(),
            {"Content-Type": "text/plain", "Origin": origin},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def say(self, token: str, origin: str, story: str, name: str, body: str, **more: Any) -> str:
        """Post a comment; its id."""
        fields = {"story": story, "key": str(uuid.uuid4()), "name": name, "body": body, **more}
        answer = self.action(token, origin, type="comment", **fields)
        return str(answer["comment"]["id"])


def _env() -> dict[str, str]:
    ours = ("DATA_DIR", "DATABASE_URL", "REDIS_URL", "SECRET_KEYS", "PUBLIC_URL", "PORT")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return {**kept, "RATE_LIMITS": "off"}


def _ports() -> int:
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first: int = probe.getsockname()[1]
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            for port in range(first, first + 4):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first


@contextlib.contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Run the demo until the pictures are taken."""
    port = _ports()
    words = ["demo", "--port", str(port), "--data", str(folder)]
    process = subprocess.Popen(
        [sys.executable, "-m", "widget_server", *words], env=_env(), stdout=subprocess.DEVNULL
    )
    try:
        found = Stage(port, folder)
        for address in (found.server + "/healthz", *(found.carried(n) for n in range(3))):
            _wait_for(address, process)
        yield found
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise SystemExit("The demo ended.")
        try:
            urllib.request.urlopen(address, timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"{address} does not answer.")


def furnish(demo: Stage) -> None:
    """Reactions and comments from all three copies."""
    for number in range(3):
        with urllib.request.urlopen(demo.carried(number)) as answer:
            html = answer.read().decode()
        token = unescape(re.findall(r'data-widget-token="([^"]+)"', html)[0])
        code = re.findall(r"/s/(\w{12})", html)[0]
        origin = demo.carried(number)
        for key, count in FACES.items():
            for _ in range(count // 3 + (number < count % 3)):
                demo.action(token, origin, type="react", story=code, reaction=key)
        name, body = VOICES[number]
        comment = demo.say(token, origin, code, name, body)
        if number == len(VOICES) - 1:
            answer = "Nor me. I still have the book."
            demo.say(token, origin, code, "Jonas", answer, parent=comment)


class Paper(BaseHTTPRequestHandler):
    """A site of someone else, on an origin of its own: one page at a time."""

    page = ""

    def do_GET(self) -> None:
        """Any address."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.page.encode())

    def log_message(self, *_: object) -> None:
        """No one reads it."""


@contextlib.contextmanager
def paper() -> Iterator[str]:
    """Serve `Paper.page`; the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Paper)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


def open_page(browser: Browser, html: str | None, address: str, **options: Any) -> Page:
    """Open an address, where this page is if one is given."""
    Paper.page = html or ""
    context = browser.new_context(**{"viewport": {"width": 760, "height": 900}, **options})
    page = context.new_page()
    page.goto(address)
    return page


def keep(page: Page, name: str, *, top: float = 0, height: float | None = None) -> None:
    """Write the picture, from `top` on."""
    box = page.viewport_size or {"width": 760, "height": 900}
    full = float(page.evaluate("document.documentElement.scrollHeight"))
    clip: Any = {"x": 0, "y": top, "width": box["width"], "height": min(full - top, height or full)}
    path = HERE / f"{name}.png"
    page.screenshot(path=path, full_page=True, clip=clip)
    size = path.stat().st_size
    print(f"{path.name}: {size} bytes")
    if size > LIMIT:
        raise SystemExit(f"{path.name} is larger than {LIMIT} bytes.")


def settled(page: Page) -> None:
    """Wait until the widget is there, live, and at rest."""
    page.locator("story-widget [part=comment]").first.wait_for()
    page.locator("story-widget [part=presence]:not(:empty)").wait_for()
    page.evaluate("document.fonts.ready")


def take(browser: Browser, demo: Stage, origin: str) -> None:
    """All pictures."""
    furnish(demo)
    for number in (1, 2):
        settled(open_page(browser, None, demo.carried(number) + "/"))
    page = open_page(browser, None, demo.carried(0) + "/")
    page.get_by_text("on 3 sites").wait_for()
    settled(page)
    page.locator("story-widget [part=reaction]").nth(2).click()
    page.locator("story-widget [aria-pressed=true]").wait_for()
    page.wait_for_function(AT_REST)
    page.mouse.move(0, 0)
    top = page.locator("story-widget").bounding_box()
    keep(page, "widget", top=max(0, (top or {"y": 0})["y"] - 150), height=1080)

    page = open_page(
        browser,
        None,
        demo.carried(1) + "/",
        viewport={"width": 390, "height": 844},
        color_scheme="dark",
    )
    settled(page)
    top = page.locator("story-widget").bounding_box()
    keep(page, "phone-dark", top=(top or {"y": 0})["y"] - 20, height=844)

    token = demo.token(
        "ferry-arabic",
        *("--title", "المكتبة التي تبحر في السادسة", "--lang", "ar", "--label", "جريدة الميناء"),
    )
    code = _code(demo, token)
    for key, count in FACES.items():
        for _ in range(count // 3):
            demo.action(token, origin, type="react", story=code, reaction=key)
    for name, body in ARABIC:
        demo.say(token, origin, code, name, body)
    element = (
        f'<story-widget src="{demo.server}/s/{code}" token="{token}"><span></span></story-widget>'
    )
    script = f'<script async src="{demo.server}/embed.js"></script>'
    html = PAPER.format(attributes='lang="ar" dir="rtl"', body=element + script)
    page = open_page(browser, html, origin + "/", viewport={"width": 390, "height": 844})
    settled(page)
    keep(page, "arabic", height=844)

    places(browser, demo, origin)


def places(browser: Browser, demo: Stage, origin: str) -> None:
    """What becomes of the snippet in different places."""
    title = "The library that sails at six"
    url = "https://harbour.example/ferry-library"
    token = demo.token(
        *("ferry-places", "--title", title, "--author", "Ines Falk", "--url", url),
        *("--label", "Northside Weekly"),
    )
    snippet = demo.token(
        *("ferry-places", "--title", title, "--author", "Ines Falk", "--url", url, "--snippet"),
    )
    code = _code(demo, token)
    for key, count in FACES.items():
        for _ in range(count // 4):
            demo.action(token, origin, type="react", story=code, reaction=key)
    demo.say(token, origin, code, *VOICES[2])
    story = (
        f"<h1>{title}</h1><p>Every weekday at six in the evening the last ferry to the islands "
        "leaves with four hundred books on board.</p>"
    )
    small = {"viewport": {"width": 640, "height": 480}}
    # In a frame, what is not seen is not drawn, however high the picture.
    tall = {"viewport": {"width": 640, "height": 820}}
    english = 'lang="en"'

    html = PAPER.format(attributes=english, body=story + snippet)
    page = open_page(browser, html, origin + "/", **small)
    settled(page)
    keep(page, "snippet-whole", height=760)

    bare = re.sub(r"<script.*?</script>", "", snippet, flags=re.DOTALL)
    page = open_page(
        browser, PAPER.format(attributes=english, body=story + bare), origin + "/", **small
    )
    keep(page, "snippet-link", height=290)

    frame = (
        f'<iframe sandbox="allow-scripts" src="{demo.server}/e/{token}#?secret=a1B2c3D4e5" '
        'height="200" title="Discussion"></iframe><script>addEventListener("message", ({ data }) '
        '=> { if (data.message === "height") document.querySelector("iframe").height = '
        "Math.min(1000, data.value) })</script>"
    )
    page = open_page(
        browser, PAPER.format(attributes=english, body=story + frame), origin + "/", **tall
    )
    inside = page.frame_locator("iframe")
    inside.locator("story-widget [part=comment]").first.wait_for()
    page.wait_for_function("document.querySelector('iframe').height > 400")
    keep(page, "frame", height=820)

    other = ("--origin", "https://northside.example")
    about = ("--title", title, "--author", "Ines Falk", "--url", url)
    refused = demo.token("ferry-places", *about, *other, "--snippet")
    page = open_page(
        browser, PAPER.format(attributes=english, body=story + refused), origin + "/", **small
    )
    page.get_by_text("For the owner of this page").click()
    keep(page, "refused", height=440)


def _code(demo: Stage, token: str) -> str:
    with urllib.request.urlopen(f"{demo.server}/e/{token}") as answer:
        return str(re.findall(r"/s/(\w{12})", answer.read().decode())[0])


def main() -> None:
    """Take all pictures."""
    found = next((path for path in CHROMIUMS if Path(path).exists()), None)
    with (
        tempfile.TemporaryDirectory(prefix="pictures-") as folder,
        stage(Path(folder) / "data") as demo,
        paper() as origin,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        take(browser, demo, origin)
        browser.close()


if __name__ == "__main__":
    main()
