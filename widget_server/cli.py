"""The `widget-server` command. Bad settings end it with one sentence and status 2."""

import asyncio
import re
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import Progress, TaskID

from widget_server import custody, logs, supervisor, worker
from widget_server.app import Rooms
from widget_server.config import Config, SettingsError, load
from widget_server.demo import stage
from widget_server.doctor import examine
from widget_server.model.claims import Attribution, WidgetClaims
from widget_server.model.errors import Refused
from widget_server.operations import admit, enrol, moderate
from widget_server.operations.services import Services
from widget_server.store import backup as backups, migrate as migrations
from widget_server.store.engine import DatabaseUnusableError, sqlite_path
from widget_server.trust import origins
from widget_server.trust.tokens import story_code
from widget_server.wire.snippet import snippet as draw_snippet

T = TypeVar("T")

BAD_SETTINGS = supervisor.BAD_SETTINGS
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
JTI = re.compile(r"[\x21-\x7e]{1,64}")
UNITS = {"h": 3_600, "d": 86_400, "w": 604_800, "y": 31_557_600}

app = typer.Typer(
    help="One discussion on every copy of a story.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
site_app = typer.Typer(help="Publishers' accounts: rules and keys.", no_args_is_help=True)
story_app = typer.Typer(help="Close, reopen or annotate a discussion.", no_args_is_help=True)
comment_app = typer.Typer(help="A moderator's verbs.", no_args_is_help=True)
app.add_typer(site_app, name="site")
app.add_typer(story_app, name="story")
app.add_typer(comment_app, name="comment")

DataDir = Annotated[
    Path | None, typer.Option("--data", help="Data folder (DATA_DIR).", show_default=False)
]
NewSecret = Annotated[
    bool,
    typer.Option("--new-secret", help="Go on although the old secret is lost: its tokens end."),
]
Slug = Annotated[str, typer.Argument(metavar="SLUG", help="The site.")]
Code = Annotated[str, typer.Argument(metavar="CODE", help="The story's 12-character code.")]


def main() -> None:
    """Run the command; whatever an operator can mend is one sentence and status 2."""
    with _one_sentence():
        app()


@contextmanager
def _one_sentence() -> Iterator[None]:
    try:
        yield
    except (SettingsError, DatabaseUnusableError, supervisor.DataFolderInUse) as problem:
        sentence = str(problem)
    except Refused as refusal:
        sentence = refusal.detail
    except ValueError as problem:
        sentence = str(problem)
    except OSError as problem:
        sentence = f"{problem.strerror or problem}: {problem.filename or 'check host and port'}."
    else:
        return
    print(f"widget-server: {sentence}", file=sys.stderr)
    raise SystemExit(BAD_SETTINGS)


def _with_services(data: Path | None, work: Callable[[Services], Awaitable[T]]) -> T:
    """Run a verb as the server would, beside a running server or without one."""
    config = load(data_dir=data)

    async def run() -> T:
        await _prepare(config)
        rooms = Rooms(config)
        async with rooms.open():
            result = await work(rooms.services)
            # Open pages hear of it at once if a server runs, and with its next sweep otherwise.
            await rooms.bus.drained(1.0)
        return result

    return asyncio.run(run())


async def _prepare(config: Config) -> None:
    """Bring a SQLite file up to date; of a PostgreSQL database the tables are only looked at."""
    await custody.check(config)
    if sqlite_path(config.database) is not None:
        await migrations.upgrade(config.database)
    elif migrations.is_older(await migrations.revision(config.database)):
        raise DatabaseUnusableError(
            "The database is not up to date. Run `widget-server migrate` first."
        )
    await custody.keep(config)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (PORT).")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes (WEB_CONCURRENCY).")] = None,
    data: DataDir = None,
) -> None:
    """Serve. Without DATABASE_URL and REDIS_URL everything needed lives in the data folder."""
    config = load(host=host, port=port, web_concurrency=workers, data_dir=data)
    logs.set_up(config.log_level)
    if config.widget_worker:
        supervisor.follow_parent()
        raise typer.Exit(worker.run(config, supervisor.announce_ready))
    config.data_dir.mkdir(parents=True, exist_ok=True)
    with supervisor.sole_server(config.data_dir):
        asyncio.run(_prepare(config))
        for own_port in (config.port, *config.own_ports):
            worker.refuse_taken(config.host, own_port)
        if not config.embeds_valkey and config.web_concurrency == 1:
            raise typer.Exit(worker.run(config, lambda: None))
        children = supervisor.server(
            config.data_dir,
            worker.arguments(config),
            config.web_concurrency,
            valkey=config.embeds_valkey,
        )
        raise typer.Exit(supervisor.Supervisor(children, config.drain_seconds).run())


@app.command()
def demo(
    port: Annotated[
        int, typer.Option(help="The server's port; the pages take the next three.")
    ] = 8000,
    lively: Annotated[bool, typer.Option("--lively", help="Add a few scripted readers.")] = False,
    data: DataDir = None,
) -> None:
    """Serve an article and two republished copies on three origins, with one discussion."""
    logs.set_up("warning")
    raise typer.Exit(stage.run(port, data, lively=lively))


@app.command(hidden=True)
def demo_pages(
    folder: Path,
    port: Annotated[int, typer.Option()],
    lively: Annotated[bool, typer.Option()] = False,
) -> None:
    """Serve the demo's pages; started by `demo`."""
    logs.set_up("warning")
    supervisor.follow_parent()
    stage.serve_pages(folder, port, lively=lively, on_ready=supervisor.announce_ready)


@app.command()
def migrate(new_secret: NewSecret = False, data: DataDir = None) -> None:
    """Make the tables, or bring those of an older version up to date."""
    config = load(data_dir=data)

    async def run() -> str:
        if not new_secret:
            await custody.check(config)
        revision = await migrations.upgrade(config.database)
        await custody.keep(config, alone=new_secret)
        return revision

    print(f"The database is at revision {asyncio.run(run())}.")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="A new file: SQLite, whatever the engine.")],
    data: DataDir = None,
) -> None:
    """Copy the whole database to a file while it is in use; verified before it is there."""
    config = load(data_dir=data)
    rows = _with_progress(lambda told: backups.back_up(config.database, file, told))
    print(f"{file}: {sum(rows.values()):,} rows, {rows['comments']:,} of them comments; verified.")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file made by `backup`.")],
    new_secret: NewSecret = False,
    data: DataDir = None,
) -> None:
    """Replace all data by a backup's. Until that is complete and verified, the old data serves."""
    config = load(data_dir=data)

    async def run(told: backups.Progress) -> dict[str, int]:
        await _prepare(config)
        known = None if new_secret else custody.seals(config)
        rows = await backups.restore(config.database, file, told, known)
        await custody.keep(config, alone=new_secret)
        return rows

    rows = _with_progress(run)
    print(f"Restored {sum(rows.values()):,} rows. Every open page takes a fresh snapshot now.")


def _with_progress(work: Callable[[backups.Progress], Awaitable[T]]) -> T:
    """Run long work with a bar for each table, where there is a terminal to draw it on."""

    async def run() -> T:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            bars: dict[str, TaskID] = {}

            def told(table: str, done: int, total: int) -> None:
                if table not in bars:
                    bars[table] = progress.add_task(table, total=total)
                progress.update(bars[table], completed=done)

            return await work(told)

    return asyncio.run(run())


@app.command()
def doctor(data: DataDir = None) -> None:
    """Check settings, database, bus and embed, and say what is wrong."""
    findings = asyncio.run(examine(load(data_dir=data)))
    console = Console(highlight=False)
    for finding in findings:
        mark = "[green]ok[/green]   " if finding.well else "[red]wrong[/red]"
        console.print(f"{mark}  {finding.part:<9} ", end="")
        console.print(finding.sentence, markup=False, soft_wrap=True)
    if not all(finding.well for finding in findings):
        raise typer.Exit(BAD_SETTINGS)


@app.command()
def bench(
    rows: Annotated[list[str] | None, typer.Argument(help="Rows to measure; none: all.")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Rounds; medians are shown.")] = 5,
    idle: Annotated[float, typer.Option(min=5, help="Seconds with 15,000 idle sockets.")] = 30,
    postgres: Annotated[
        str | None, typer.Option(help="A PostgreSQL to make a database on, and drop it.")
    ] = None,
    peers: Annotated[
        Path | None, typer.Option(help="Folder of other servers to compare with: tests/bench.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="File for all samples.")] = None,
) -> None:
    """Measure this machine against the goals of docs/performance.md. Takes some minutes."""
    # Here, as every worker imports this file and has no use for a benchmark.
    from widget_server.bench import command, suite

    choice = suite.Choice(repeats, idle, tuple(rows or ()), postgres, peers)
    if not command.run(choice, json):
        raise typer.Exit(1)


@app.command()
def token(
    site: Annotated[str, typer.Option(help="The site's slug.")],
    story: Annotated[str, typer.Option(help="The story's key; never a URL.")],
    origin: Annotated[list[str], typer.Option(help="https://host, https://*.host or *; repeat.")],
    title: Annotated[str | None, typer.Option()] = None,
    author: Annotated[str | None, typer.Option()] = None,
    publisher: Annotated[str | None, typer.Option()] = None,
    url: Annotated[str | None, typer.Option(help="The story's canonical URL.")] = None,
    license_: Annotated[str, typer.Option("--license", help="SPDX id.")] = "CC-BY-4.0",
    changes: Annotated[str | None, typer.Option(help="What this copy changed.")] = None,
    label: Annotated[str | None, typer.Option(help="The republisher's name.")] = None,
    lang: Annotated[str | None, typer.Option(help="The copy's language (BCP 47).")] = None,
    expires: Annotated[str | None, typer.Option(help="90d, 12h, 1y or 2027-01-31.")] = None,
    can: Annotated[list[str] | None, typer.Option(help="read, react, comment; repeat.")] = None,
    snippet: Annotated[bool, typer.Option("--snippet", help="Print the HTML to paste.")] = False,
    data: DataDir = None,
) -> None:
    """Sign a widget token for one story and the pages that may carry it."""
    now = int(time.time())
    claims = WidgetClaims(
        site=site,
        story=story,
        origins=tuple(origins.parse_rule(rule.rstrip("/")) for rule in origin),
        iat=now,
        jti="",
        exp=None if expires is None else _expiry(expires, now),
        can=tuple(can) if can else ("read", "react", "comment"),
        attribution=Attribution(url, title, author, publisher, license_),
        changes=changes,
        label=label,
        lang=lang,
    )
    config = load(data_dir=data)

    async def mint(services: Services) -> str:
        signed = await enrol.mint(services, claims)
        if snippet:
            # Known from now on, so that the link in the snippet leads somewhere at once.
            await admit.make_known(services, signed)
        return signed

    signed = _with_services(data, mint)
    code = story_code(site, story)
    print(draw_snippet(config.url, code, signed, claims) if snippet else signed)


def _expiry(text: str, now: int) -> int:
    match = re.fullmatch(r"([1-9][0-9]{0,4})([hdwy])", text)
    if match is not None:
        return now + int(match[1]) * UNITS[match[2]]
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise ValueError("--expires takes 12h, 90d, 8w, 1y or a date as 2027-01-31.") from None


@site_app.command("create")
def site_create(
    slug: Slug,
    name: Annotated[str, typer.Option(help="Shown to moderators.")],
    data: DataDir = None,
) -> None:
    """Add a publisher's account."""
    if not SLUG.fullmatch(slug):
        raise ValueError("A slug is 1 to 40 of a-z, 0-9 and -, and does not begin with -.")
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise ValueError("A name is one line of 1 to 100 characters.")
    _with_services(data, lambda services: enrol.create_site(services, slug, name))
    print(f"Created site {slug}. Sign a token with `widget-server token --site {slug} …`.")


@site_app.command("list")
def site_list(data: DataDir = None) -> None:
    """List the publishers' accounts."""
    for site in _with_services(data, enrol.all_sites):
        print(f"{site.slug}\t{site.name}\tgeneration {site.generation}")


@site_app.command("set")
def site_set(
    slug: Slug,
    choices: Annotated[list[str], typer.Argument(metavar="KEY=VALUE…", help="Rules to change.")],
    data: DataDir = None,
) -> None:
    """Change a site's rules, for instance `moderation=pre name=required`."""
    pairs = []
    for choice in choices:
        key, equals, value = choice.partition("=")
        if not equals:
            raise ValueError(f"Write KEY=VALUE, not “{choice}”.")
        pairs.append((key, value))
    site = _with_services(data, lambda services: enrol.set_rules(services, slug, pairs))
    for key, _ in pairs:
        print(f"{key}={_shown(getattr(site.settings, key))}")


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ",".join(reaction.key for reaction in value)
    return "" if value is None else str(value)


@site_app.command("key")
def site_key(slug: Slug, data: DataDir = None) -> None:
    """Print the generation and the key for minting tokens elsewhere. Keep the key secret."""
    generation, key = _with_services(data, lambda services: enrol.site_key(services, slug))
    print(f"{generation} {key}")


@site_app.command("rotate-key")
def site_rotate_key(slug: Slug, data: DataDir = None) -> None:
    """Add a key generation. Tokens of the older ones stay good until they are retired."""
    site = _with_services(data, lambda services: enrol.rotate_key(services, slug))
    print(f"Generation {site.generation} signs now; {site.oldest} and later are accepted.")


@site_app.command("retire-keys")
def site_retire_keys(slug: Slug, data: DataDir = None) -> None:
    """Refuse the tokens of every key generation but the current one."""
    site = _with_services(data, lambda services: enrol.retire_keys(services, slug))
    print(f"Only generation {site.generation} is accepted now.")


@site_app.command("revoke")
def site_revoke(
    slug: Slug,
    jti: Annotated[str, typer.Argument(help="The token's jti, or its SHA-256 where it has none.")],
    data: DataDir = None,
) -> None:
    """Withdraw one token: the copy that carries it becomes read-only within seconds."""
    if not JTI.fullmatch(jti):
        raise ValueError("A jti is 1 to 64 visible ASCII characters.")
    _with_services(data, lambda services: enrol.revoke(services, slug, jti))
    print("Withdrawn.")


@story_app.command("close")
def story_close(code: Code, data: DataDir = None) -> None:
    """Take nothing new in this discussion; it stays readable."""
    _with_services(data, lambda services: moderate.close(services, code, closed=True))


@story_app.command("open")
def story_open(code: Code, data: DataDir = None) -> None:
    """Open a closed discussion again."""
    _with_services(data, lambda services: moderate.close(services, code, closed=False))


@story_app.command("notice")
def story_notice(
    code: Code,
    text: Annotated[str, typer.Argument(help="One line above the discussion; empty removes it.")],
    data: DataDir = None,
) -> None:
    """Put a line above the discussion on every copy."""
    if len(text) > 500 or not text.isprintable():
        raise ValueError("A notice is one line of at most 500 characters.")
    _with_services(data, lambda services: moderate.annotate(services, code, text or None))


@comment_app.command("waiting")
def comment_waiting(slug: Slug, data: DataDir = None) -> None:
    """List what waits for a moderator, oldest first."""
    found = _with_services(data, lambda services: moderate.waiting(services, slug))
    for code, comment in found:
        words = " ".join(comment.source.split())[:200]
        kind = "edit" if comment.waiting else "new"
        print(f"{comment.id}\t{code}\t{kind}\t{comment.name or 'anonymous'}\t{words}")


def _add_verb(verb: moderate.Verb, about: str) -> None:
    @comment_app.command(verb, help=about)
    def run(
        comment: Annotated[str, typer.Argument(metavar="ID", help="The comment.")],
        data: DataDir = None,
    ) -> None:
        _with_services(data, lambda services: moderate.moderate(services, comment, verb))


_add_verb("approve", "Publish a waiting comment, or a waiting edit.")
_add_verb("remove", "Take a comment from every copy.")
_add_verb("pin", "Show a comment first.")
_add_verb("unpin", "Show a comment in its usual place.")
