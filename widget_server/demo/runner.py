"""Run the demo: one server, one CC BY story, three pages on three origins, one discussion."""

import asyncio
import os
import random
import re
import sys
import tempfile
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from string import Template

import orjson
import uvicorn
from rich.console import Console
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from widget_server import secrets_check
from widget_server.app import Components
from widget_server.auth.tokens import story_code
from widget_server.config import Config, load
from widget_server.model.actors import shell
from widget_server.model.claims import Attribution, WidgetClaims
from widget_server.model.errors import os_errors_to_operator_errors
from widget_server.operations.owners import links, sites, tokens
from widget_server.operations.readers import authorize
from widget_server.operations.services import Services
from widget_server.protocol.snippet import snippet
from widget_server.server import listeners, supervisor
from widget_server.server.child_process import ProcessSpec

SITE = "harbour-post"
STORY = "ferry-library"
OWNER = "Ana Ferreira"
DASHBOARD_LINK = "dashboard-link.txt"
PAGES_DIR = Path(__file__).parent / "pages"
SIMULATED_READERS = 8
"""With eight readers the counts change every few seconds, and a person can follow the changes."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page that carries the story. `label` is the name of its site."""

    name: str
    label: str
    lang: str
    changes: str


DEMO_PAGES = (
    Page("article", "The Harbour Post", "en", "none"),
    Page("copy-es", "El Diario del Puerto", "es", "Traducido al español."),
    Page("copy-bare", "Northside Weekly", "en", "Shortened."),
)
SAMPLE_COMMENTS = (
    ("Ana", "I learned to read on that ferry. No one asked me for a card."),
    ("Yusuf", "Who pays for the fuel in winter? The article is quiet about it."),
    ("Mireille", "We have a *bus* like this. The driver knows every child by name."),
    ("Tomás", "En mi pueblo cerraron la biblioteca el año pasado. Ojalá un barco."),
    ("Priya", "> the boat waits\n\nThat line stayed with me all day."),
    ("Jonas", "Does anyone know a library that lends by bicycle?"),
)


def run(port: int, data: Path | None, *, simulate: bool) -> int:
    """Run the demo until SIGTERM or Ctrl-C and return the exit status. Raises `OperatorError`.

    `data` is the data folder; None takes a temporary one that is deleted afterwards.
    """
    # Settings in the shell are for another server, not for the demo and its child processes. Only
    # RATE_LIMITS is kept, so that a person can switch the limits off to try the demo fast.
    for name in Config.model_fields.keys() - {"rate_limits"}:
        os.environ.pop(name.upper(), None)  # noqa: TID251
    # The demo's readers are windows of one person. By default, a network counts as three readers.
    os.environ["READERS_PER_NETWORK"] = "0"  # noqa: TID251
    with ExitStack() as stack:
        with _temporary_file_errors():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="widget-pages-")))
            if data is None:
                data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="widget-demo-")))
        config = load(
            data_dir=data,
            port=port,
            host="127.0.0.1",
            public_url=f"http://localhost:{port}",
        )
        secrets_check.create_data_dir(config)
        stack.enter_context(supervisor.lock_data_dir(data))
        for offset in range(1 + len(DEMO_PAGES)):
            listeners.ensure_port_free("127.0.0.1", port + offset)
        asyncio.run(_create_demo_site(config, folder))
        children = supervisor.server_processes(data, config.host, port, 1, valkey=True)
        pages = [sys.executable, "-m", "widget_server", "demo-pages", str(folder)]
        pages += ["--port", str(port), *(["--simulate"] if simulate else [])]
        children.append(ProcessSpec("pages", pages))
        return supervisor.Supervisor(children, config.drain_seconds).run()


def _temporary_file_errors() -> AbstractContextManager[None]:
    return os_errors_to_operator_errors(
        "The demo's temporary files cannot be written",
        "Make room on the disk, or name another folder with TMPDIR.",
    )


def address(port: int, number: int) -> str:
    """Return the origin of the page with this number, 0 to 2."""
    return f"http://localhost:{port + 1 + number}"


async def _create_demo_site(config: Config, folder: Path) -> None:
    """Create the site and write the three pages to `folder`, each with a token for its own origin."""
    await secrets_check.prepare_database(config)
    components = Components(config)
    async with components.running():
        services = components.services
        if await components.sites.find(SITE) is None:
            await sites.create_site(services, shell("demo"), SITE, "The Harbour Post")
        with _temporary_file_errors():
            (folder / DASHBOARD_LINK).write_text(await _dashboard_link(services), "utf-8")
        for number, page in enumerate(DEMO_PAGES):
            claims = WidgetClaims(
                site=SITE,
                story=STORY,
                origins=(address(config.port, number),),
                iat=1_700_000_000,
                jti="",
                attribution=Attribution(
                    url=address(config.port, 0) + "/",
                    title="The library that sails at six",
                    author="Ines Falk",
                    publisher="The Harbour Post",
                ),
                changes=page.changes,
                label=page.label,
                lang=page.lang,
            )
            token = (await tokens.mint(services, shell("demo"), claims)).token
            await authorize.register_story(services, token)
            pasted = snippet(config.base_url, story_code(SITE, STORY), token, claims)
            source = Template((PAGES_DIR / f"{page.name}.html").read_text("utf-8"))
            html = source.substitute(snippet=pasted, original=address(config.port, 0))
            with _temporary_file_errors():
                (folder / f"{page.name}.html").write_text(html, "utf-8")


async def _dashboard_link(services: Services) -> str:
    """Return a link that signs in to the dashboard once: as the demo's owner, who is made at first."""
    accounts = services.people.accounts
    if not await accounts.any_usable():
        await links.add_account(services, shell("demo"), OWNER)
    owner = next(one for one in await accounts.all() if one.server_owner)
    link = await links.reset_link(services, shell("demo"), owner, minutes=12 * 60)
    return link.url


def serve_pages(folder: Path, port: int, *, simulate: bool, on_ready: Callable[[], None]) -> None:
    """Serve the pages in `folder`, each on its own port after `port`, until SIGTERM or SIGINT."""
    asyncio.run(_serve_pages(folder, port, simulate=simulate, on_ready=on_ready))


async def _serve_pages(
    folder: Path, port: int, *, simulate: bool, on_ready: Callable[[], None]
) -> None:
    servers = []
    tokens: list[str] = []
    for number, page in enumerate(DEMO_PAGES):
        html = (folder / f"{page.name}.html").read_text("utf-8")
        tokens.append(unescape(re.findall(r'data-widget-token="([^"]+)"', html)[0]))
        listener = listeners.open_listener("127.0.0.1", port + 1 + number)
        config = uvicorn.Config(_site(html), log_config=None, access_log=False, lifespan="off")
        servers.append((uvicorn.Server(config), listener))
    async with asyncio.TaskGroup() as tasks:
        for server, listener in servers:
            tasks.create_task(server.serve([listener]))
        await _until_ready(port)
        _print_urls(port, (folder / DASHBOARD_LINK).read_text("utf-8"))
        on_ready()
        simulation = tasks.create_task(_simulate_readers(port, tokens)) if simulate else None
        while not all(server.should_exit for server, _ in servers):
            await asyncio.sleep(0.2)
            # uvicorn passes a signal only to the server that started last.
            if any(server.should_exit for server, _ in servers):
                for server, _ in servers:
                    server.should_exit = True
        if simulation is not None:
            simulation.cancel()


def _site(html: str) -> Starlette:
    async def page(_request: Request) -> Response:
        return HTMLResponse(html, headers={"Cache-Control": "no-store"})

    return Starlette(routes=[Route("/", page)])


async def _until_ready(port: int) -> None:
    def is_ready() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                return True
        except OSError:
            return False

    while not await asyncio.to_thread(is_ready):  # noqa: ASYNC110 - another process sends no event
        await asyncio.sleep(0.1)


def _print_urls(port: int, dashboard: str) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print("[bold]One story, three sites, one discussion.[/bold] Open two of them:\n")
    for number, page in enumerate(DEMO_PAGES):
        console.print(f"  {address(port, number)}/   {page.label}")
    console.print(f"\nThe publisher's dashboard (this link works once):\n\n  {dashboard}")
    console.print("\nReact or comment on one and watch the others. Ctrl-C ends the demo.")


async def _simulate_readers(port: int, tokens: Sequence[str]) -> None:
    """Post reactions and comments of simulated readers, one every 0.5 to 3 seconds.

    `tokens` are the tokens of the pages, in the order of `DEMO_PAGES`. A reader always uses one page.
    """
    code = story_code(SITE, STORY)
    keys = ("surprised", "thinking", "happy", "sad", "fired_up")
    reader_tokens: list[str | None] = [None] * SIMULATED_READERS
    comments = list(SAMPLE_COMMENTS)
    chance = random.Random()  # noqa: S311
    while True:
        await asyncio.sleep(chance.uniform(0.5, 3))
        reader = chance.randrange(SIMULATED_READERS)
        page = reader % len(tokens)
        action: dict[str, object] = {"type": "react", "reaction": chance.choice(keys)}
        # The first action is a comment: an empty discussion shows little.
        if comments and (len(comments) == len(SAMPLE_COMMENTS) or chance.random() < 0.2):
            name, body = comments.pop(0)
            key = str(uuid.uuid4())
            action = {"type": "comment", "key": key, "body": body, "name": name}
        action |= {"story": code, "token": tokens[page]}
        if reader_tokens[reader] is not None:
            action["reader"] = reader_tokens[reader]
        answer = await asyncio.to_thread(_post, port, address(port, page), action)
        reader_tokens[reader] = answer.get("reader") or reader_tokens[reader]


def _post(port: int, origin: str, action: dict[str, object]) -> dict[str, str]:
    """Post an action and return the answer, or {} if the server rejects it or does not respond."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/actions",
        orjson.dumps(action),
        {"Origin": origin, "Content-Type": "text/plain"},
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310
            answer: dict[str, str] = orjson.loads(response.read())
    except (urllib.error.HTTPError, OSError):
        return {}
    return answer
