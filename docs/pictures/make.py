"""Take the pictures of the documentation: the demo in Chromium, as a reader sees it.

`.venv/bin/python docs/pictures/make.py` writes the PNG files beside this file. Every picture shows the running software;
nothing is drawn or retouched.
"""

# ruff: noqa: S310, S603, T201, TID251 - a script for people who change the documentation

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
MAX_BYTES = 100_000
"""Bytes of a picture, at most: every clone of the repository downloads it."""
CHROMIUMS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
REACTION_COUNTS = {"surprised": 7, "thinking": 18, "happy": 41, "sad": 3, "fired_up": 12}
COMMENTS = (
    ("Yusuf", "Who pays for the fuel in winter? The article is quiet about it."),
    ("Mireille", "We have a *bus* like this. The driver knows every child by name."),
    ("Ana", "I learned to read on that ferry. **No one asked me for a card.**"),
)
ARABIC_COMMENTS = (
    ("ياسمين", "مكتبة تبحر كل مساء: أجمل ما قرأت هذا الأسبوع."),
    ("Tomás", "En mi pueblo cerraron la biblioteca el año pasado. Ojalá un barco."),
)
NO_ANIMATION_RUNS = """!document.querySelector("story-widget").shadowRoot.querySelector(".floating-icon")
  && document.querySelector("story-widget").shadowRoot.getAnimations().length === 0"""
HOST_PAGE = """<!doctype html><html {attributes}><head><meta charset=utf-8><title>Copy</title>
<meta name=viewport content="width=device-width"><link rel=icon href="data:,"><style>
:root {{ color-scheme: light dark }} body {{ font: 1.05rem/1.6 system-ui, sans-serif; margin: 0 auto; padding: 1rem;
max-width: 40rem }} blockquote {{ margin: 1.5rem 0 0 }} h1 {{ line-height: 1.2; margin: .5rem 0 }}
iframe {{ width: 100%; border: 1px solid #8888 }} </style></head><body>{body}</body></html>"""


@dataclass
class Demo:
    """The running demo: `port` of the server, `data` its data folder."""

    port: int
    data: Path

    @property
    def server(self) -> str:
        """The address of the widget server."""
        return f"http://localhost:{self.port}"

    def page_address(self, number: int) -> str:
        """Return the address of one of the three pages with the story."""
        return f"http://localhost:{self.port + 1 + number}"

    def token(self, story: str, *more: str) -> str:
        """Return the output of `token` for the demo's site; valid for any page unless `more` has an origin."""
        origin = () if "--origin" in more else ("--origin", "*")
        arguments = ("token", "--site", "harbour-post", "--story", story, *origin, *more)
        command = [sys.executable, "-m", "widget_server", *arguments, "--data", str(self.data)]
        env = {**_env(), "PUBLIC_URL": self.server}
        result = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
        return result.stdout.strip()

    def action(self, token: str, origin: str, **fields: Any) -> dict[str, Any]:
        """Execute an action as a new reader and return the reply."""
        request = urllib.request.Request(
            f"{self.server}/v1/actions",
            json.dumps({"ref": 1, "token": token, **fields}).encode(),
            {"Content-Type": "text/plain", "Origin": origin},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def post_comment(
        self, token: str, origin: str, story: str, name: str, body: str, **more: Any
    ) -> str:
        """Post a comment and return its id."""
        fields = {"story": story, "key": str(uuid.uuid4()), "name": name, "body": body, **more}
        answer = self.action(token, origin, type="comment", **fields)
        return str(answer["comment"]["id"])


def _env(limits: str = "off") -> dict[str, str]:
    overridden = ("DATA_DIR", "DATABASE_URL", "REDIS_URL", "SECRET_KEYS", "PUBLIC_URL", "PORT")
    inherited = {name: value for name, value in os.environ.items() if name not in overridden}
    return {**inherited, "RATE_LIMITS": limits}


def _free_ports() -> int:
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first: int = probe.getsockname()[1]
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            for port in range(first, first + 4):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first


@contextlib.contextmanager
def running_demo(folder: Path, limits: str = "off") -> Iterator[Demo]:
    """Run the demo until the context ends, with `RATE_LIMITS` as given."""
    port = _free_ports()
    arguments = ["demo", "--port", str(port), "--data", str(folder)]
    process = subprocess.Popen(
        [sys.executable, "-m", "widget_server", *arguments],
        env=_env(limits),
        stdout=subprocess.DEVNULL,
    )
    try:
        found = Demo(port, folder)
        for address in (found.server + "/healthz", *(found.page_address(n) for n in range(3))):
            _wait_for(address, process)
        yield found
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(1800):
        if process.poll() is not None:
            raise SystemExit("The demo exited. Run `widget-server demo` to see why.")
        try:
            urllib.request.urlopen(address, timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"{address} did not answer within three minutes.")


def add_content(demo: Demo) -> None:
    """Add reactions and comments on all three copies."""
    for number in range(3):
        with urllib.request.urlopen(demo.page_address(number)) as answer:
            html = answer.read().decode()
        token = unescape(re.findall(r'data-widget-token="([^"]+)"', html)[0])
        code = re.findall(r"/s/(\w{12})", html)[0]
        origin = demo.page_address(number)
        for key, count in REACTION_COUNTS.items():
            for _ in range(count // 3 + (number < count % 3)):
                demo.action(token, origin, type="react", story=code, reaction=key)
        name, body = COMMENTS[number]
        comment = demo.post_comment(token, origin, code, name, body)
        if number == len(COMMENTS) - 1:
            answer = "Nor me. I still have the book."
            demo.post_comment(token, origin, code, "Jonas", answer, parent=comment)


class HostPage(BaseHTTPRequestHandler):
    """A republisher's site on its own origin: one page at a time, at every address."""

    page = ""

    def do_GET(self) -> None:
        """Send `page`."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.page.encode())

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextlib.contextmanager
def host_page() -> Iterator[str]:
    """Serve `HostPage.page` and return its origin."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), HostPage)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


def open_page(browser: Browser, html: str | None, address: str, **options: Any) -> Page:
    """Open an address in a new browser context; `html` becomes the host page if it is given."""
    HostPage.page = html or ""
    context = browser.new_context(**{"viewport": {"width": 760, "height": 900}, **options})
    page = context.new_page()
    page.goto(address)
    return page


def save_picture(page: Page, name: str, *, top: float = 0, height: float | None = None) -> None:
    """Write the picture, starting `top` pixels from the top of the page.

    Raises `SystemExit` if the file is larger than `MAX_BYTES`.
    """
    box = page.viewport_size or {"width": 760, "height": 900}
    full = float(page.evaluate("document.documentElement.scrollHeight"))
    clip: Any = {"x": 0, "y": top, "width": box["width"], "height": min(full - top, height or full)}
    path = HERE / f"{name}.png"
    page.screenshot(path=path, full_page=True, clip=clip)
    size = path.stat().st_size
    print(f"{path.name}: {size} bytes")
    if size > MAX_BYTES:
        raise SystemExit(f"{path.name} is larger than {MAX_BYTES} bytes.")


def wait_until_ready(page: Page) -> None:
    """Wait until the widget is drawn and connected, and fonts are loaded."""
    page.locator("story-widget [part=comment]").first.wait_for()
    page.locator("story-widget [part=presence][data-readers]").wait_for(state="attached")
    page.evaluate("document.fonts.ready")


def take_all(browser: Browser, demo: Demo, origin: str) -> None:
    """Take all pictures."""
    add_content(demo)
    for number in (1, 2):
        wait_until_ready(open_page(browser, None, demo.page_address(number) + "/"))
    page = open_page(browser, None, demo.page_address(0) + "/")
    page.get_by_text("3 reading now").wait_for()
    wait_until_ready(page)
    page.locator("story-widget [part=reaction]").nth(2).click()
    page.locator("story-widget [aria-pressed=true]").wait_for()
    page.wait_for_function(NO_ANIMATION_RUNS)
    page.mouse.move(0, 0)
    top = page.locator("story-widget").bounding_box()
    save_picture(page, "widget", top=max(0, (top or {"y": 0})["y"] - 150), height=1000)

    page = open_page(
        browser,
        None,
        demo.page_address(1) + "/",
        viewport={"width": 390, "height": 844},
        color_scheme="dark",
    )
    wait_until_ready(page)
    top = page.locator("story-widget").bounding_box()
    save_picture(page, "phone-dark", top=(top or {"y": 0})["y"] - 20, height=844)

    token = demo.token(
        "ferry-arabic",
        *("--title", "المكتبة التي تبحر في السادسة", "--lang", "ar", "--label", "جريدة الميناء"),
    )
    code = _code(demo, token)
    for key, count in REACTION_COUNTS.items():
        for _ in range(count // 3):
            demo.action(token, origin, type="react", story=code, reaction=key)
    for name, body in ARABIC_COMMENTS:
        demo.post_comment(token, origin, code, name, body)
    element = (
        f'<story-widget src="{demo.server}/s/{code}" token="{token}"><span></span></story-widget>'
    )
    script = f'<script async src="{demo.server}/embed.js"></script>'
    html = HOST_PAGE.format(attributes='lang="ar" dir="rtl"', body=element + script)
    page = open_page(browser, html, origin + "/", viewport={"width": 390, "height": 844})
    wait_until_ready(page)
    save_picture(page, "arabic", height=844)

    take_republishing_pictures(browser, demo, origin)


def take_republishing_pictures(browser: Browser, demo: Demo, origin: str) -> None:
    """Take the pictures of the guide for republishers: the snippet in different places."""
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
    for key, count in REACTION_COUNTS.items():
        for _ in range(count // 4):
            demo.action(token, origin, type="react", story=code, reaction=key)
    demo.post_comment(token, origin, code, *COMMENTS[2])
    story = (
        f"<h1>{title}</h1><p>Every weekday at six in the evening the last ferry to the islands "
        "leaves with four hundred books on board.</p>"
    )
    small_viewport = {"viewport": {"width": 640, "height": 480}}
    # Chromium does not draw the invisible part of an iframe, so the viewport has to be tall enough.
    tall_viewport = {"viewport": {"width": 640, "height": 1000}}
    english = 'lang="en"'

    html = HOST_PAGE.format(attributes=english, body=story + snippet)
    page = open_page(browser, html, origin + "/", **small_viewport)
    wait_until_ready(page)
    save_picture(page, "snippet-whole", height=735)

    link_only = re.sub(r"<script.*?</script>", "", snippet, flags=re.DOTALL)
    page = open_page(
        browser,
        HOST_PAGE.format(attributes=english, body=story + link_only),
        origin + "/",
        **small_viewport,
    )
    save_picture(page, "snippet-link", height=290)

    frame = (
        f'<iframe sandbox="allow-scripts" src="{demo.server}/e/{token}#?secret=a1B2c3D4e5" '
        'height="200" title="Discussion"></iframe><script>addEventListener("message", ({ data }) '
        '=> { if (data.message === "height") document.querySelector("iframe").height = '
        "Math.min(1000, data.value) })</script>"
    )
    page = open_page(
        browser,
        HOST_PAGE.format(attributes=english, body=story + frame),
        origin + "/",
        **tall_viewport,
    )
    inside = page.frame_locator("iframe")
    inside.locator("story-widget [part=comment]").first.wait_for()
    page.wait_for_function("document.querySelector('iframe').height > 400")
    save_picture(page, "frame", height=1000)

    other = ("--origin", "https://northside.example")
    about = ("--title", title, "--author", "Ines Falk", "--url", url)
    other_origin_snippet = demo.token("ferry-places", *about, *other, "--snippet")
    page = open_page(
        browser,
        HOST_PAGE.format(attributes=english, body=story + other_origin_snippet),
        origin + "/?story-widget=debug",
        **small_viewport,
    )
    page.get_by_text("Readers see only the link.").wait_for()
    save_picture(page, "refused", height=500)


def _code(demo: Demo, token: str) -> str:
    with urllib.request.urlopen(f"{demo.server}/e/{token}") as answer:
        return str(re.findall(r"/s/(\w{12})", answer.read().decode())[0])


def main() -> None:
    """Take all pictures."""
    found = next((path for path in CHROMIUMS if Path(path).exists()), None)
    with (
        tempfile.TemporaryDirectory(prefix="pictures-") as folder,
        running_demo(Path(folder) / "data") as demo,
        host_page() as origin,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        take_all(browser, demo, origin)
        browser.close()


if __name__ == "__main__":
    main()
