"""Comparison of this embed with Isso and Waline.

It compares bytes, requests, accessibility, pages with strict policies, live updates, a slow phone, and
what a reader has to do. `.venv/bin/python -m tests.bench.compare_embeds` installs the other two from
PyPI and npm into a temporary folder, runs all on the loopback and opens them in Chromium. With
`--markdown docs/developers/embed-comparison.md` it writes the table there, else it prints it. It is
not a test: it needs the network and a few minutes.
"""

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import brotli  # type: ignore[import-untyped]
import typer
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    TimeoutError as BrowserTimeoutError,
    sync_playwright,
)
from rich.console import Console

from tests.bench import embed_effort
from tests.bench.embed_rivals import (
    ROOT,
    Embed,
    Host,
    isso,
    publish,
    serve,
    this_embed,
    waline,
)

COMMENTS = embed_effort.COMMENTS
AXE = ROOT / "js/node_modules/axe-core/axe.min.js"
CHROMIUMS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
LIVE_COMMENT = "Said while you were reading."
TIMEOUT_MS = 15_000
"""Milliseconds within which a widget, or another reader's comment, must appear."""


@dataclass
class PageLoad:
    """Counters of one page load."""

    requests: list[str] = field(default_factory=list)
    preflights: int = 0
    sockets: int = 0
    wire: int = 0
    console: list[str] = field(default_factory=list)


def listen(page: Page) -> PageLoad:
    """Count the requests and messages of a page from now on, without the document itself."""
    seen = PageLoad()
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")

    def on_request(event: Any) -> None:
        url = event["request"]["url"]
        if event.get("type") == "Document" or url.startswith("data:") or "favicon" in url:
            return
        if event["request"]["method"] == "OPTIONS" or event.get("type") == "Preflight":
            seen.preflights += 1
        seen.requests.append(url)

    def on_finished(event: Any) -> None:
        seen.wire += int(event["encodedDataLength"])

    def on_console(message: ConsoleMessage) -> None:
        if "favicon" not in message.text and "favicon" not in str(message.location):
            seen.console.append(message.text)

    session.on("Network.requestWillBeSent", on_request)
    session.on("Network.loadingFinished", on_finished)
    session.on("Network.webSocketCreated", lambda _: setattr(seen, "sockets", seen.sockets + 1))
    page.on("console", on_console)
    page.on("pageerror", lambda error: seen.console.append(str(error)))
    return seen


def appears(page: Page, selector: str) -> bool:
    """Return True if an element matches within `TIMEOUT_MS`."""
    try:
        page.locator(selector).first.wait_for(timeout=TIMEOUT_MS)
    except BrowserTimeoutError:
        return False
    return True


def axe_violations(page: Page, within: str) -> str:
    """Return the number of axe violations, with the rules."""
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


def measure(browser: Browser, host: str, rival: Embed) -> dict[str, str]:
    """Return all rows of the table for one embed."""
    rows: dict[str, str] = {}
    plain = [path.read_bytes() for path in rival.files]
    sizes = [len(brotli.compress(content, quality=11)) for content in plain]
    rows["program and styles, Brotli 11, bytes"] = f"{sum(sizes):,}"
    rows["the same, not compressed"] = f"{sum(map(len, plain)):,}"

    def fresh() -> Page:
        return browser.new_context(viewport={"width": 900, "height": 1000}).new_page()

    page = fresh()
    page.goto(host + publish(rival, f"empty-{len(rival.name)}"))
    appears(page, rival.ready)
    page.wait_for_load_state("networkidle")
    rows["axe: violations, no comments"] = axe_violations(page, rival.within)
    empty = _nodes(page, rival)

    key = f"three-{len(rival.name)}"
    path = publish(rival, key)
    for text in COMMENTS:
        rival.post(key, text)
    page = fresh()
    seen = listen(page)
    page.goto(host + path)
    appears(page, rival.ready)
    appears(page, rival.comment)
    page.wait_for_load_state("networkidle")
    foreign = [url for url in seen.requests if urlsplit(url).hostname != "localhost"]
    rows["requests to a usable thread of three comments"] = str(len(seen.requests))
    rows["… of them preflights"] = str(seen.preflights)
    rows["… of them to outside hosts (not reached)"] = str(len(foreign))
    rows["… and sockets"] = str(seen.sockets)
    rows["bytes received as its own server sends them"] = f"{seen.wire:,}"
    # Outside hosts cannot be reached here, so ignore messages about missing files.
    relevant = [text for text in seen.console if "Failed to load resource" not in text]
    rows["console messages"] = str(len(relevant))
    rows["axe: violations, three comments"] = axe_violations(page, rival.within)
    each = (_nodes(page, rival) - empty) / len(COMMENTS)
    rows["DOM nodes per comment"] = f"{each:.0f}"

    other = fresh()
    other.goto(host + path)
    appears(other, rival.comment)
    other.wait_for_load_state("networkidle")
    rival.post(key, LIVE_COMMENT)
    news = other.get_by_text(LIVE_COMMENT).or_(other.get_by_role("button", name="new comment"))
    try:
        news.first.wait_for(timeout=TIMEOUT_MS)
        rows["an open page receives a new comment"] = "yes"
    except BrowserTimeoutError:
        rows["an open page receives a new comment"] = "no"

    page = fresh()
    seen = listen(page)
    page.goto(host + publish(rival, f"strict-{len(rival.name)}", strict=True))
    drawn = appears(page, rival.ready)
    page.wait_for_load_state("networkidle")
    rows["drawn under a strict policy with Trusted Types"] = "yes" if drawn else "no"
    violations = [text for text in seen.console if "violates" in text or "TrustedHTML" in text]
    rows["… policy violations on the console"] = str(len(violations))
    return rows


def _nodes(page: Page, rival: Embed) -> int:
    """Return the number of elements in the embed, including shadow roots."""
    count: int = page.locator(rival.within).first.evaluate(
        """embed => {
          const count = (root) => [...root.querySelectorAll("*")]
            .reduce((sum, each) => sum + 1 + (each.shadowRoot ? count(each.shadowRoot) : 0), 0);
          return count(embed) + (embed.shadowRoot ? count(embed.shadowRoot) : 0);
        }"""
    )
    return count


BEGIN = "<!-- written by `python -m tests.bench.compare_embeds --markdown` -->"
END = "<!-- end of the table -->"
app = typer.Typer(add_completion=False)


def table(names: list[str], columns: list[dict[str, str]]) -> str:
    """Return the Markdown table of all rows."""
    lines = ["| | " + " | ".join(names) + " |", "|---|" + "--:|" * len(names)]
    lines += [
        f"| {row} | " + " | ".join(column[row] for column in columns) + " |" for row in columns[0]
    ]
    return "\n".join(lines) + "\n"


@app.command()
def main(
    markdown: Annotated[
        Path | None, typer.Option(help="Document to write the table into, between its two marks.")
    ] = None,
    repeats: Annotated[
        int, typer.Option(min=1, help="Page loads on the slow phone. The table shows medians.")
    ] = 5,
) -> None:
    """Measure all three and print or write the table."""
    document = markdown.read_text("utf-8") if markdown else f"{BEGIN}{END}"
    if BEGIN not in document or END not in document:
        raise typer.BadParameter(f"{markdown} has no marks for the table: {BEGIN} … {END}")
    progress = Console(stderr=True)
    found = next((path for path in CHROMIUMS if Path(path).exists()), None)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="compare-")))
        host = stack.enter_context(serve(Host))
        with progress.status("Install Isso and Waline"):
            rivals = [make(stack, folder, host) for make in (this_embed, isso, waline)]
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(
            executable_path=found,
            args=["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost"],
        )
        columns = []
        for rival in rivals:
            with progress.status(f"Measure {rival.name}"):
                rows = measure(browser, host, rival)
                rows |= embed_effort.slow_phone(browser, host, rival, repeats)
                columns.append(rows | embed_effort.tasks(browser, host, rival))
        browser.close()
    written = table([rival.name for rival in rivals], columns)
    if markdown:
        before, after = document.split(BEGIN)[0], document.split(END)[1]
        markdown.write_text(f"{before}{BEGIN}\n{written}{END}{after}", "utf-8")
    else:
        typer.echo(written, nl=False)


if __name__ == "__main__":
    app()
